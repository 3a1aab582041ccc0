"""Baselines that listen to the tone of the detector beside them, so that all score one capture.

One tone is in the air. In a build that compares detectors the one under test stands last and commands it; a baseline here commands
nothing, and has no score for the first HOLD_S, in which the other calibrates and its tone comes up. Build files name these with
`factory = "lab.bench.beside:doppler_cfar"` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from detectors.build import DetectorSpec
from detectors.interface import Block, Detector, ScoreTrack, StreamFormat
from detectors.presence import from_build

HOLD_S = 5.0


class Beside:
    """The scores of a detector, without its wish for a tone."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.name, self.labels, self.needs = detector.name, detector.labels, detector.needs

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        self._detector.open(formats)

    def feed(self, block: Block) -> None:
        self._detector.feed(block)

    def tracks(self) -> Sequence[ScoreTrack]:
        return [
            replace(track, scores=np.where(track.times_s < HOLD_S, np.float32(np.nan), track.scores))
            for track in self._detector.tracks()
        ]


def doppler_cfar(spec: DetectorSpec) -> Beside:
    return Beside(from_build.doppler_cfar(spec))


def prediction(spec: DetectorSpec) -> Beside:
    return Beside(from_build.prediction(spec))


def notch(spec: DetectorSpec) -> Beside:
    return Beside(from_build.notch(spec))
