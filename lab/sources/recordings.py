"""Recordings of events, and of what is none: one clip, whole, from where a source stands; truth is what the corpus says it is.

Clips were cut around what happens, so the event lasts from the first to the last 10 ms that are within 30 dB of the loudest. A clip of one step or
one knock can be heard several times running, as one event, each time a little louder or softer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, StringConstraints

from detectors.interface import Event
from lab.acoustics.levels import pa_from_db_spl
from lab.corpora.audio import load_clip
from lab.corpora.catalogue import Corpus, Purpose, Recording, load_corpus
from lab.errors import BadInput
from lab.sources.clip import faded
from lab.sources.loudness import active_rms, active_span
from lab.sources.media import Class
from lab.sources.placed import PlacedSpec, Sound, SoundStream, starts
from lab.sources.segments import Segment
from lab.sources.struck import lasting_s

LEVEL_DB = (60.0, 80.0)
LONGEST_S = 30.0
JITTER_DB, JITTER_S = 2.0, 0.05  # from time to time, one standard deviation; of the distance of two, relative


class RecordingSpec(PlacedSpec):
    """A recording of a corpus, played whole (its first 30 s) at each start, with the event that the corpus says it is.

    classes: of the corpus. number: which of their recordings, in the order of the corpus file and round and round; drawn
    where not given. times: how often running, every_s apart, as one event. level_db_spl: RMS at 1 m while active, 50 Hz-7 kHz, drawn
    from 60 to 80 where not given.
    """

    kind: Literal["recording"]
    corpus: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    classes: Annotated[tuple[Class, ...], Field(strict=False, min_length=1, max_length=20)]
    number: int | None = Field(None, ge=0, le=100_000)
    times: int = Field(1, ge=1, le=50)
    every_s: float = Field(0.6, ge=0.1, le=10.0)


class Recorded(SoundStream):
    """A recording in one trial, with the credit it is due."""

    def __init__(self, *args, played: list[Segment], **kwargs) -> None:
        self._played = played
        super().__init__(*args, **kwargs)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches heard so far, cut at the end of the trial."""
        end_s = self.samples / self.rate_hz
        begun = [one for one in self._played if one.at_s < self._read / self.rate_hz]
        return tuple(one.moved(0.0, min(one.duration_s, end_s - one.at_s)) for one in begun)


def open_recording(
    spec: RecordingSpec, *, seed: int, rate_hz: int, duration_s: float, split: str, folder: Path | None = None
) -> Recorded:
    """Start a recording for one trial. Raises BadInput for one that is not there or is silent."""
    rng = np.random.default_rng(seed)
    corpus = _corpus(spec.corpus)
    among = corpus.recordings(split=split, purpose=Purpose.TRIAL, classes=spec.classes)
    if not among:
        raise BadInput(
            f"{corpus.file}: classes {', '.join(spec.classes)} have no recording in split '{split}'"
        )
    drawn = int(rng.integers(len(among)))
    recording = among[drawn if spec.number is None else spec.number % len(among)]
    level_db = float(rng.uniform(*LEVEL_DB)) if spec.level_db_spl is None else spec.level_db_spl
    begun = starts(spec, rng, duration_s)
    played: list[Segment] = []
    return Recorded(
        spec.name,
        _sounds(spec, corpus, recording, level_db, begun, rng, rate_hz, folder, played),
        rate_hz,
        duration_s,
        cluster=recording.origin,
        measured={"level_db_spl": level_db},
        played=played,
    )


def _sounds(
    spec: RecordingSpec,
    corpus: Corpus,
    recording: Recording,
    level_db: float,
    begun: list[float],
    rng: np.random.Generator,
    rate_hz: int,
    folder: Path | None,
    played: list[Segment],
) -> Iterator[Sound]:
    whole = load_clip(corpus, recording, rate_hz, folder)
    level = active_rms(whole, rate_hz)
    if level <= 0.0:
        raise BadInput(f"{recording.path}: is silent")
    first, end = active_span(whole, rate_hz)
    audio = faded(whole[first : min(end, first + round(LONGEST_S * rate_hz))], rate_hz)
    audio *= np.float32(float(pa_from_db_spl(level_db)) / level)
    label = corpus.event_of(recording)
    rest_s = max(spec.every_s, len(audio) / rate_hz if spec.times == 1 else 0.0)
    free_s = 0.0
    for start_s in begun:
        apart = spec.every_s * np.maximum(0.5, 1.0 + JITTER_S * rng.standard_normal(spec.times - 1))
        moments = max(free_s, start_s) + np.concatenate(([0.0], np.cumsum(apart)))
        gains = 10.0 ** (JITTER_DB / 20.0 * rng.standard_normal(spec.times)) if spec.times > 1 else np.ones(1)
        end_s = float(moments[-1]) + lasting_s(audio, rate_hz)
        free_s = float(moments[-1]) + rest_s
        for at_s, gain in zip(moments.tolist(), gains, strict=True):
            truth = (Event(at_s, end_s, label),) if label and at_s == moments[0] else ()
            played.append(
                Segment(
                    spec.name,
                    recording.path,
                    recording.origin,
                    recording.title,
                    recording.author,
                    recording.licence,
                    first / rate_hz,
                    at_s,
                    len(audio) / rate_hz,
                )
            )
            yield Sound(at_s, np.float32(gain) * audio, truth)


@lru_cache(maxsize=16)
def _corpus(name: str) -> Corpus:
    return load_corpus(name)
