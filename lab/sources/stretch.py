"""A stretch of a source's timeline: audio with what is heard in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.interface import Event
from lab.sources.clip import Clip
from lab.sources.segments import Segment


@dataclass(frozen=True, eq=False)
class Stretch:
    """audio: Pa at 1 m, float32, shape (samples,). Times of segments and truth count from its first sample.

    lead: samples before what the stretch is about (a mark may begin before its clip does). marked: the segment
    that bears the mark.
    """

    audio: NDArray[np.float32]
    segments: tuple[Segment, ...] = ()
    truth: tuple[Event, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    lead: int = 0
    marked: Segment | None = None


def stretch_of(clip: Clip, source: str, gain: float, most: int | None = None) -> Stretch:
    """A clip on its own, times `gain`; cut to `most` samples when it is longer."""
    if most is not None and len(clip.audio) > most:
        clip = clip.cut(0, most)
    return Stretch(clip.audio * np.float32(gain), (clip.segment(source, 0.0, len(clip.audio)),))


def silence(samples: int, rate_hz: int) -> Iterator[Stretch]:
    """Nothing, a second at a time."""
    for start in range(0, samples, rate_hz):
        yield Stretch(np.zeros(min(rate_hz, samples - start), np.float32))
