"""Recordings of one split as events, as other sounds and as backgrounds; never those of `test`.

There are few: an event is one original played again and again, so each time its pitch and speed are another (0.8 to 1.25), and
steps of one floor are put together to walks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from detectors.sound_events.features import RATE_HZ
from lab.corpora.audio import corpus_root, load_clip
from lab.corpora.catalogue import Purpose, Recording, load_corpus
from lab.errors import BadInput
from lab.sources.loudness import active_span

SPEEDS = (0.8, 1.25)
CORPUS = "household"
BACKGROUNDS = (
    "weather",
    "household",
    "esc10/rain",
    "esc10/sea_waves",
    "esc10/fire_crackling",
    "esc10/helicopter",
)
UNDER_ALL = ("ambient/environment_ambient__underground.ogg",)
# A curtain that closes is listed with the doors, and an unnamed alarm with the ambiences: neither class can be said.
UNSURE = ("door_close/close_door_window__close_curtain.ogg", "ambient/environment_ambient__alarm.ogg")
NOT_HEARD = ("rir_measured",)
PURPOSES = {"train": Purpose.TRAINING, "tune": Purpose.TUNING}


@dataclass(frozen=True, eq=False)
class Sample:
    """One recording, trimmed of silence; peak 1, float32 (samples,) at 16 kHz."""

    audio: NDArray[np.float32]
    recording: Recording
    event: str | None


@dataclass(frozen=True, eq=False)
class Recordings:
    """events: by label, then by origin. others: sounds without an event, by label of the corpus, then by origin. backgrounds:
    alike. All empty where there are none."""

    events: Mapping[str, Mapping[str, list[Sample]]] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, list[Sample]]] = field(default_factory=dict)
    backgrounds: Mapping[str, Mapping[str, list[Sample]]] = field(default_factory=dict)
    folder: str = ""

    @property
    def count(self) -> int:
        return sum(
            len(samples) for tree in self._trees for origins in tree.values() for samples in origins.values()
        )

    @property
    def samples(self) -> list[Sample]:
        """Every one, in the order of the corpus' labels."""
        return [
            sample
            for tree in self._trees
            for origins in tree.values()
            for samples in origins.values()
            for sample in samples
        ]

    @property
    def originals(self) -> dict[str, tuple[int, int]]:
        """Label of an event, or of the corpus for other sounds -> recordings, and originals that they were cut from."""
        return {
            label: (sum(len(samples) for samples in origins.values()), len(origins))
            for tree in (self.events, self.others)
            for label, origins in tree.items()
        }

    @property
    def _trees(self) -> tuple[Mapping[str, Mapping[str, list[Sample]]], ...]:
        return self.events, self.others, self.backgrounds


def open_recordings(split: str, folder: Path | None = None) -> Recordings:
    """All usable recordings of a split; `Recordings()` where no folder has any.

    folder: of the corpus; else EARSHOT_CORPUS or what was fetched. Raises BadInput for `test`, and for a named folder that is none.
    """
    if split not in PURPOSES:
        raise BadInput(f'recordings of split "{split}": training has {", ".join(PURPOSES)}')
    corpus = load_corpus(CORPUS)
    try:
        root = corpus_root(corpus, folder)
    except BadInput:
        if folder is not None:
            raise
        return Recordings()
    trees: tuple[dict, dict, dict] = ({}, {}, {})
    for one in corpus.recordings(split=split, purpose=PURPOSES[split]):
        if one.label in NOT_HEARD or one.path in UNSURE or not (root / one.path).is_file():
            continue
        whole = load_clip(corpus, one, RATE_HZ, root)
        start, stop = active_span(whole, RATE_HZ)
        audio = whole[start:stop] / np.float32(max(1e-6, np.max(np.abs(whole))))
        event = corpus.event_of(one)
        behind = one.label in BACKGROUNDS or one.path in UNDER_ALL
        tree = trees[0] if event else trees[2] if behind else trees[1]
        tree.setdefault(event or one.label, {}).setdefault(one.origin, []).append(Sample(audio, one, event))
    return Recordings(*trees, folder=str(root))


def drawn(
    tree: Mapping[str, Mapping[str, list[Sample]]], label: str, rng: np.random.Generator
) -> list[Sample]:
    """All samples of one original of a label, in random order: equal chance for originals."""
    origins = list(tree[label].values())
    samples = origins[rng.integers(len(origins))]
    return [samples[i] for i in rng.permutation(len(samples))]


def respeed(audio: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Played at another speed, pitch and all."""
    speed = float(np.exp(rng.uniform(*np.log(SPEEDS))))
    return soxr.resample(audio, RATE_HZ * speed, RATE_HZ, quality="MQ").astype(np.float32)


def walk(
    steps: list[Sample], rng: np.random.Generator, most_s: float, steady: bool = False
) -> tuple[NDArray[np.float32], float]:
    """Steps of one floor at the pace of someone, and the time from the first to the end of the last. steady: at their own pitch."""
    apart_s = float(rng.uniform(0.42, 0.75))
    count = int(np.clip(rng.integers(4, 14), 2, max(2, most_s / apart_s - 1)))
    out = np.zeros(round((count * apart_s * 1.2 + 2.0) * RATE_HZ), np.float32)
    at_s, end = 0.0, 0
    for number in range(count):
        audio = steps[number % len(steps)].audio
        audio = audio if steady else respeed(audio, rng)
        loudest = np.max(np.abs(audio)) or 1.0
        first = round(at_s * RATE_HZ)
        audio = audio[: len(out) - first] * np.float32(rng.uniform(0.6, 1.0) / loudest)
        out[first : first + len(audio)] += audio
        end = max(end, first + len(audio))
        at_s += apart_s * float(rng.uniform(0.92, 1.08))
    return out[:end], end / RATE_HZ
