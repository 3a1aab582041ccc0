"""The smallest detector that reports something: the level of each 50 ms of the first microphone in dB full scale."""

from __future__ import annotations

import numpy as np

from detectors.interface import AUDIBLE, ScoreTrack, StreamNeed

RATE_HZ = 16_000
HOP = RATE_HZ // 20


class LoudDetector:
    labels = ("glass_break",)

    def __init__(self, name: str, channels: int) -> None:
        self.name = name
        self.needs = {AUDIBLE: StreamNeed((RATE_HZ,), channels)}

    def open(self, formats) -> None:
        self._pending = np.zeros(0, np.float32)
        self._scores: list[float] = []

    def feed(self, block):
        self._pending = np.concatenate([self._pending, block.streams[AUDIBLE][0]])
        while len(self._pending) >= HOP:
            power = float(np.mean(np.square(self._pending[:HOP], dtype=np.float64)))
            self._scores.append(10.0 * np.log10(power + 1e-12))
            self._pending = self._pending[HOP:]

    def tracks(self):
        scores = np.array(self._scores, np.float32)
        return (ScoreTrack(self.name, self.labels[0], 0.05, 0.05, scores, span_s=0.05),)


def from_spec(spec):
    return LoudDetector(spec.name, spec.settings.get("channels", 1))
