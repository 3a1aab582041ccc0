"""Where clips come from: recordings of a corpus, or procedural audio. Both draw by seed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lab.corpora.audio import corpus_root, load_clip
from lab.corpora.catalogue import Corpus, Purpose, Recording, load_corpus
from lab.errors import BadInput
from lab.sources.clicks import click_track, drum_loop, stutter
from lab.sources.clip import Clip, faded
from lab.sources.loudness import active_rms, active_span
from lab.sources.musiclike import music_like
from lab.sources.speechlike import speech_like

PROCEDURAL = "procedural"
STEADY = {"speech": speech_like, "music": music_like}
PERIODIC = {"click_track": click_track, "drum_loop": drum_loop, "stutter": stutter}
PROCEDURAL_CLASSES = (*STEADY, *PERIODIC)
LOOP, WORD = "loop", "wake_word"  # classes played round and round; classes that are a single word
SHORTEST_CUT_S, LONGEST_CUT_S = 8.0, 20.0


class Library(Protocol):
    def draw(self, rng: np.random.Generator, least_s: float, most_s: float, word: bool | None = None) -> Clip:
        """The next clip: at least `least_s` long when there is such a one, at most `most_s` when it is made.

        word: only clips of the class `wake_word`, or (False) only others where there are any.
        """

    def check(self) -> None:
        """Raises BadInput unless everything that can be drawn is there."""


class ProceduralLibrary:
    """Endless audio by seed; every draw is a new speaker or piece.

    classes: of `speech`, `music`, `click_track`, `drum_loop`, `stutter`. period_s: of the last three; drawn
    between 0.1 and 0.6 s for each clip when None.
    """

    def __init__(self, classes: tuple[str, ...], rate_hz: int, period_s: float | None = None) -> None:
        for name in classes:
            if name not in PROCEDURAL_CLASSES:
                raise BadInput(
                    f"no class '{name}' in corpus 'procedural'; it has {', '.join(PROCEDURAL_CLASSES)}"
                )
        self.classes, self.rate_hz, self.period_s = classes, rate_hz, period_s

    def check(self) -> None:
        """Made on the spot: nothing can be missing."""

    def draw(self, rng: np.random.Generator, least_s: float, most_s: float, word: bool | None = None) -> Clip:
        name = self.classes[rng.integers(len(self.classes))]
        seed = int(rng.integers(2**62))
        seconds = min(max(least_s, float(rng.uniform(SHORTEST_CUT_S, LONGEST_CUT_S))), max(most_s, 0.25))
        period_s = self.period_s or float(rng.uniform(0.1, 0.6))
        round_s = None
        if name in PERIODIC:
            audio, round_s = PERIODIC[name](seed, self.rate_hz, seconds, period_s)
        else:
            audio = STEADY[name](seed, self.rate_hz, seconds)
        level = active_rms(audio, self.rate_hz)
        identity = f"{PROCEDURAL}/{name}/{seed:016x}"
        return Clip(
            audio=faded(audio / np.float32(max(level, 1e-12)), self.rate_hz),
            rate_hz=self.rate_hz,
            recording=identity,
            origin=identity,
            title=f"procedural {name.replace('_', ' ')}",
            author="Earshot",
            licence="generated",
            start_s=0.0,
            focus=len(audio) // 2,
            round_s=round_s,
        )


class CorpusLibrary:
    """Cuts of a corpus' recordings.

    A draw chooses a class, in it a label, in it an original recording, in it a recording, and in a long
    recording a cut of 8-20 s, each with equal chance: a label with few originals is heard as often as one
    with many. The same recording does not come twice running where there is another.
    """

    def __init__(
        self, corpus: Corpus, classes: tuple[str, ...], split: str, rate_hz: int, folder: Path | None
    ) -> None:
        self.corpus, self.rate_hz, self.folder = corpus, rate_hz, folder
        self.classes = {name: _by_label_and_origin(corpus, name, split) for name in classes}
        self._last: str | None = None

    def check(self) -> None:
        root = corpus_root(self.corpus, self.folder)
        for recording in self._recordings():
            if not (root / recording.path).is_file():
                raise BadInput(
                    f"{root / recording.path}: no such recording; `lab corpus verify {self.corpus.id}` lists all that miss"
                )

    def _recordings(self) -> list[Recording]:
        return [
            r for labels in self.classes.values() for o in labels.values() for rs in o.values() for r in rs
        ]

    def draw(self, rng: np.random.Generator, least_s: float, most_s: float, word: bool | None = None) -> Clip:
        names = [n for n in self.classes if word is None or (n == WORD) == word] or list(self.classes)
        for _ in range(8):
            name = names[rng.integers(len(names))]
            origins = _any(rng, list(self.classes[name].values()))
            recording = _any(rng, _any(rng, list(origins.values())))
            if recording.path != self._last:
                break
        self._last = recording.path
        return self._cut(recording, rng, least_s, round_and_round=name == LOOP)

    def _cut(
        self, recording: Recording, rng: np.random.Generator, least_s: float, round_and_round: bool
    ) -> Clip:
        whole, start, stop, level = _measured(self.corpus, recording, self.rate_hz, self.folder)
        wanted = round(max(least_s, float(rng.uniform(SHORTEST_CUT_S, LONGEST_CUT_S))) * self.rate_hz)
        place = float(rng.random())
        round_s = None
        if round_and_round:
            audio, start = np.resize(whole, max(wanted, len(whole))), 0
            round_s = len(whole) / self.rate_hz
        else:
            if stop - start > wanted:
                start += int(place * (stop - start - wanted))
                stop = start + wanted
            audio = whole[start:stop]
        return Clip(
            audio=faded(audio * np.float32(1.0 / level), self.rate_hz),
            rate_hz=self.rate_hz,
            recording=recording.path,
            origin=recording.origin,
            title=recording.title,
            author=recording.author,
            licence=recording.licence,
            start_s=start / self.rate_hz,
            focus=_focus(audio),
            round_s=round_s,
        )


def open_library(
    corpus: str,
    classes: tuple[str, ...],
    split: str,
    rate_hz: int,
    period_s: float | None,
    folder: Path | None,
) -> Library:
    """A library of `procedural` audio or of a corpus by name or path. Raises BadInput."""
    if corpus == PROCEDURAL:
        return ProceduralLibrary(classes, rate_hz, period_s)
    return CorpusLibrary(_corpus(corpus), classes, split, rate_hz, folder)


def audio_hours(corpus: str, classes: tuple[str, ...], split: str) -> float | None:
    """Hours of different audio these classes hold in a split; None for procedural audio, which has no end."""
    if corpus == PROCEDURAL:
        return None
    recordings = _corpus(corpus).recordings(split=split, purpose=Purpose.TRIAL, classes=classes)
    return sum(recording.seconds for recording in recordings) / 3600.0


@lru_cache(maxsize=16)
def _corpus(name: str) -> Corpus:
    return load_corpus(name)


def _by_label_and_origin(corpus: Corpus, name: str, split: str) -> dict[str, dict[str, list[Recording]]]:
    tree: dict[str, dict[str, list[Recording]]] = {}
    for r in corpus.recordings(split=split, purpose=Purpose.TRIAL, classes=[name]):
        tree.setdefault(r.label, {}).setdefault(r.origin, []).append(r)
    if not tree:
        raise BadInput(f"{corpus.file}: class '{name}' has no recording in split '{split}'")
    return tree


def _any(rng: np.random.Generator, options: list):
    return options[rng.integers(len(options))]


@lru_cache(maxsize=4096)
def _levels(file: Path, corpus: Corpus, recording: Recording, rate_hz: int) -> tuple[int, int, float]:
    audio = load_clip(corpus, recording, rate_hz, file)
    level = active_rms(audio, rate_hz)
    if level <= 0.0:
        raise BadInput(f"{file / recording.path}: is silent")
    return *active_span(audio, rate_hz), level


def _measured(
    corpus: Corpus, recording: Recording, rate_hz: int, folder: Path | None
) -> tuple[NDArray[np.float32], int, int, float]:
    """The clip, where it is active, and its RMS there."""
    root = corpus_root(corpus, folder)
    return load_clip(corpus, recording, rate_hz, root), *_levels(root, corpus, recording, rate_hz)


def _focus(audio: NDArray[np.float32]) -> int:
    """Centre of energy."""
    energy = np.cumsum(np.square(audio, dtype=np.float64))
    return int(np.searchsorted(energy, 0.5 * energy[-1]))
