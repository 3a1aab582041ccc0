"""A detector of one's own, as small as one can be: the level of each 50 ms of the first microphone.

It also asks for a tone while it hears something, so that the emission loop can be tried.
"""

from __future__ import annotations

import numpy as np

from detectors.interface import AUDIBLE, SILENT, Emission, ScoreTrack, StreamNeed

RATE_HZ = 16_000
HOP = RATE_HZ // 20
TONE = Emission((32_000.0,), 60.0)


class LevelDetector:
    labels = ("glass_break",)

    def __init__(self, name: str = "level", loud_db: float = -40.0) -> None:
        self.name, self.loud_db = name, loud_db
        self.needs = {AUDIBLE: StreamNeed((RATE_HZ,), 1)}

    def open(self, formats) -> None:
        self._pending = np.zeros(0, np.float32)
        self._scores: list[float] = []

    def feed(self, block):
        self._pending = np.concatenate([self._pending, block.streams[AUDIBLE][0]])
        while len(self._pending) >= HOP:
            power = float(np.mean(np.square(self._pending[:HOP], dtype=np.float64)))
            self._scores.append(10.0 * np.log10(power + 1e-12))
            self._pending = self._pending[HOP:]
        return TONE if self._scores and self._scores[-1] > self.loud_db else SILENT

    def tracks(self):
        return (
            ScoreTrack(self.name, "glass_break", 0.05, 0.05, np.array(self._scores, np.float32), span_s=0.05),
        )


def from_spec(spec):
    return LevelDetector(spec.name, **spec.settings)


class Faltering(LevelDetector):
    """Raises in every session after the first `sessions`."""

    def __init__(self, name: str, sessions: int) -> None:
        super().__init__(name)
        self.left = sessions

    def open(self, formats) -> None:
        super().open(formats)
        self.left -= 1

    def feed(self, block):
        if self.left < 0:
            raise RuntimeError("lost count")
        return super().feed(block)


def faltering(spec):
    return Faltering(spec.name, **spec.settings)
