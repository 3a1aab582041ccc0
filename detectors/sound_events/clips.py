"""What was heard lately, in constant memory, and the clip of it that a label's second stage needs.

An alarm says what it is by its rhythm, so the last 20 s go; of a crash or a slam 1 s before and 2 s after; of steps 6 s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.sound_events.verifier import RATE_HZ, Clip

KEPT_S = 25.0


@dataclass(frozen=True)
class Excerpt:
    """Seconds before and after the moment of a label: its onset for what is over at once, its decision for what lasts."""

    before_s: float
    after_s: float


LASTING = Excerpt(20.0, 0.0)
SUDDEN = Excerpt(1.0, 2.0)
EXCERPTS = {
    "smoke_alarm": LASTING,
    "co_alarm": LASTING,
    "legacy_smoke_alarm": LASTING,
    "tv_smoke_alarm": LASTING,
    "appliance_beep": LASTING,
    "glass_break": SUDDEN,
    "door_close": SUDDEN,
    "door_knock": SUDDEN,
    "footsteps": Excerpt(6.0, 0.0),
}


def excerpt(label: str) -> Excerpt:
    """Raises DetectorError for a label that no second stage hears."""
    try:
        return EXCERPTS[label]
    except KeyError:
        raise DetectorError(f"clip: label: {label!r} has none; allowed: {', '.join(EXCERPTS)}") from None


class RecentAudio:
    """A ring of the last 25 s at 16 kHz. Time is counted in samples since it was made, so it does not drift."""

    def __init__(self) -> None:
        self._ring = np.zeros(round(KEPT_S * RATE_HZ), np.float32)
        self._heard = 0

    @property
    def heard_s(self) -> float:
        return self._heard / RATE_HZ

    def push(self, audio: NDArray[np.float32]) -> None:
        """Append (samples,), at most 25 s at once; samples that are no finite numbers are kept as silence."""
        if audio.ndim != 1 or len(audio) > len(self._ring):
            raise DetectorError(
                f"recent audio: at most ({len(self._ring)},) samples are taken at once, got {audio.shape}"
            )
        at = self._heard % len(self._ring)
        sound = np.where(np.isfinite(audio), audio, np.float32(0.0))
        first = min(len(sound), len(self._ring) - at)
        self._ring[at : at + first] = sound[:first]
        self._ring[: len(sound) - first] = sound[first:]
        self._heard += len(sound)

    def ready(self, label: str, moment_s: float) -> bool:
        """Whether all that the clip needs has been heard."""
        return self._heard >= _samples(moment_s + excerpt(label).after_s)

    def cut(self, label: str, moment_s: float) -> Clip:
        """The clip about a moment; shorter where the session had not begun. Raises DetectorError while it is not `ready`, and
        when part of it is older than what is kept."""
        span = excerpt(label)
        start = max(0, _samples(moment_s - span.before_s))
        end = _samples(moment_s + span.after_s)
        if end > self._heard or start < self._heard - len(self._ring):
            oldest_s = max(0, self._heard - len(self._ring)) / RATE_HZ
            raise DetectorError(
                f"clip of {label}: {start / RATE_HZ:.2f} to {end / RATE_HZ:.2f} s is asked, "
                f"{oldest_s:.2f} to {self.heard_s:.2f} s is kept"
            )
        audio = np.take(self._ring, np.arange(start, end), mode="wrap")
        return Clip(audio, label, start / RATE_HZ)


def _samples(time_s: float) -> int:
    return round(time_s * RATE_HZ)
