"""A clip: a piece of audio at a known loudness, with what must be said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lab.sources.segments import Segment

FADE_S = 0.015


@dataclass(frozen=True, eq=False)
class Clip:
    """audio: float32, shape (samples,), RMS 1 while active (50 Hz-7 kHz), faded in and out.

    start_s: where in the recording it was cut. round_s: length of one round when the clip is a loop. focus:
    the sample in the middle of what happens, on which a mark may be centred.
    """

    audio: NDArray[np.float32]
    rate_hz: int
    recording: str
    origin: str
    title: str
    author: str
    licence: str
    start_s: float
    focus: int
    round_s: float | None = None

    def segment(self, source: str, at_s: float, samples: int) -> Segment:
        """What to report when the first `samples` were heard from `at_s` on; a loop reports one round."""
        heard_s = samples / self.rate_hz
        return Segment(
            source=source,
            recording=self.recording,
            origin=self.origin,
            title=self.title,
            author=self.author,
            licence=self.licence,
            start_s=self.start_s,
            at_s=at_s,
            duration_s=heard_s if self.round_s is None else min(heard_s, self.round_s),
        )

    def cut(self, start: int, stop: int) -> Clip:
        """Samples `start` to `stop` of it, faded anew."""
        return replace(
            self,
            audio=faded(self.audio[start:stop], self.rate_hz),
            start_s=self.start_s + start / self.rate_hz,
            focus=self.focus - start,
        )


def faded(audio: NDArray[np.float32], rate_hz: int, fade_s: float = FADE_S) -> NDArray[np.float32]:
    """A copy with raised-cosine ends, so that neighbours meet without a click."""
    out = np.array(audio, np.float32)
    n = min(round(fade_s * rate_hz), len(out) // 2)
    if n:
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)).astype(np.float32)
        out[:n] *= ramp
        out[-n:] *= ramp[::-1]
    return out
