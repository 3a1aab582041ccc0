"""What shakes the device itself: a bump against its table, or a machine that hums on the same floor.

Nothing in the room moves, so there is no pose to render. The device's shift changes the length of every path; between its own
loudspeaker and microphones, which move together, only the echoes of the room feel it.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Shape
from lab.errors import BadInput
from lab.movers.gesture import poisson_onsets
from lab.movers.mover import Surroundings
from lab.movers.spot import Name
from lab.movers.stroke import Wavering
from lab.spec import Spec

UPWARDS = 0.4  # of the horizontal motion
FORGOTTEN = 20.0  # decays after which a bump is over: -174 dB


class VibrationSpec(Spec):
    """A device that shakes.

    motion: `bump`, a hit that rings down, at start_s or per_h (0.1 to 600) times an hour; `hum`, all through. rate_hz: 1 to 100.
    amplitude_mm: 0.001 to 5, of the first swing that a hit would make undamped, or the mean of a hum. decay_s: to 1 / e, 0.01 to 2.
    """

    kind: Literal["vibration"]
    name: Name
    motion: Literal["bump", "hum"] = "bump"
    rate_hz: float = Field(15.0, ge=1.0, le=100.0)
    amplitude_mm: float = Field(0.3, ge=0.001, le=5.0)
    decay_s: float = Field(0.15, ge=0.01, le=2.0)
    start_s: float | None = Field(None, ge=0.0, le=86400.0)
    per_h: float | None = Field(None, ge=0.1, le=600.0)

    @model_validator(mode="after")
    def _when(self) -> Self:
        times = (self.start_s is not None) + (self.per_h is not None)
        if times != (1 if self.motion == "bump" else 0):
            raise ValueError("a bump needs exactly one of start_s, per_h; a hum takes neither")
        return self


class Vibration:
    """A mover without a shape; `device_shift_m` is what it does."""

    def __init__(self, spec: VibrationSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name, self._spec = spec.name, spec
        if spec.start_s is not None and spec.start_s > surroundings.duration_s:
            raise BadInput(
                f"movers.{spec.name}.start_s must be within the trial of {surroundings.duration_s:g} s"
            )
        azimuth = rng.uniform(0.0, 2.0 * math.pi)
        self._along = np.array([math.cos(azimuth), math.sin(azimuth), UPWARDS])
        self._phase = rng.uniform(0.0, 2.0 * math.pi)
        self._strength = Wavering(rng, 0.15, 0.05, 0.5)
        if spec.per_h is not None:
            self.onset_s = poisson_onsets(spec.per_h, 0.0, surroundings.duration_s, rng)
        else:
            self.onset_s = np.array([] if spec.start_s is None else [spec.start_s])
        # Bumps that fall together add up.
        self._deepest = self._overlap()
        most = 1.6 if spec.motion == "hum" else max(1, self._deepest)
        self.top_speed_m_s = (
            most * math.hypot(1.0, UPWARDS) * 2e-3 * math.pi * spec.rate_hz * spec.amplitude_mm
        )
        self.pose_rate_hz = 20.0 * spec.rate_hz

    def _overlap(self) -> int:
        """How many bumps are not yet over at the same time, at most."""
        over = np.searchsorted(self.onset_s, self.onset_s + FORGOTTEN * self._spec.decay_s)
        return int(np.max(over - np.arange(len(self.onset_s)), initial=0))

    def device_shift_m(self, time_s: Array) -> Array:
        """How far the device is from its place (T, 3)."""
        spec, time = self._spec, np.asarray(time_s, dtype=np.float64)
        turn = 2.0 * math.pi * spec.rate_hz
        if spec.motion == "hum":
            shift = (1.0 + self._strength(time)) * np.sin(turn * time + self._phase)
        else:
            shift = np.zeros(len(time))
            # Those of long ago have rung down; the rest are few.
            last = np.searchsorted(self.onset_s, time, side="right")
            for back in range(1, self._deepest + 1):
                heard = last - back >= 0
                since = time[heard] - self.onset_s[last[heard] - back]
                shift[heard] += np.exp(-since / spec.decay_s) * np.sin(turn * since)
        return 1e-3 * spec.amplitude_mm * shift[:, None] * self._along

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        return ()

    def truth(self) -> tuple[Event, ...]:
        return ()

    def blockers(self, time_s: Array) -> None:
        return None


def make(spec: VibrationSpec, surroundings: Surroundings, rng: np.random.Generator) -> Vibration:
    """Raises BadInput when a bump comes after the trial."""
    return Vibration(spec, surroundings, rng)
