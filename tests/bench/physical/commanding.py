"""A detector that emits what a test tells it to; no product has it. Settings: `quietly` in silence, `loudly` once it hears something."""

import numpy as np

from detectors.interface import ULTRASONIC, Emission, ScoreTrack, StreamNeed


class Commanding:
    labels = ("presence",)

    def __init__(self, name, settings):
        self.name, self._settings = name, settings
        self.needs = {ULTRASONIC: StreamNeed((96_000,))}

    def open(self, formats):
        self._heard = False

    def feed(self, block):
        self._heard |= bool(np.abs(block.streams[ULTRASONIC]).max() > 0.003)
        return Emission((34_000.0,), self._settings["loudly" if self._heard else "quietly"])

    def tracks(self):
        return [ScoreTrack(self.name, "presence", 0.05, 0.05, np.zeros(1, np.float32))]


def from_spec(spec):
    return Commanding(spec.name, spec.settings)


BUILD = """
format = "earshot-build/1"
id = "commanding"
[[detector]]
name = "commanding"
factory = "tests.bench.physical.commanding:from_spec"
streams = ["ultrasonic"]
threshold = 0.5
refractory_s = 1.0
settings = {{quietly = {quietly}, loudly = {loudly}}}
"""
