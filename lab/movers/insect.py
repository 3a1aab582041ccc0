"""An insect near the device: a speck that flies in short straight dashes and beats its wings.

At half a metre 5 mm of insect return more than a person at 5 m. The beat modulates its echo at 20 to 600 Hz, so its lines
lie where a person's do.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Points, Shape
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.spot import Name
from lab.movers.wander import Pace, Region, Wander
from lab.spec import Spec

WALL_M = 0.05
DEVICE_M = 0.25
# A beat at f adds lines f beside the echo: as much as a speed of f / 2 times the longest wavelength, 17 mm at 20 kHz.
HALF_WAVELENGTH_M = 0.0086


class InsectSpec(Spec):
    """An insect in a shell about the device.

    nearest_m, farthest_m: of the points it flies between, from the device's centre, 0.3 to 3; a dash may pass at DEVICE_M.
    speed_m_s: 0.2 to 3. wing_hz: 10 to 800. wing_depth: of the modulation of the echo's amplitude, 0 to 1.
    target_strength_db: -70 to -30, that of a rigid ball of 5 mm radius is -52.
    """

    kind: Literal["insect"]
    name: Name
    nearest_m: float = Field(0.5, ge=0.3, le=3.0)
    farthest_m: float = Field(1.0, ge=0.3, le=3.0)
    speed_m_s: float = Field(2.0, ge=0.2, le=3.0)
    wing_hz: float = Field(200.0, ge=10.0, le=800.0)
    wing_depth: float = Field(0.5, ge=0.0, le=1.0)
    target_strength_db: float = Field(-52.0, ge=-70.0, le=-30.0)


class Insect:
    def __init__(self, spec: InsectSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        if spec.farthest_m <= spec.nearest_m:
            raise BadInput(f"movers.{spec.name}.farthest_m must be more than nearest_m = {spec.nearest_m:g}")
        self.name = spec.name
        self._amplitude_m = 10.0 ** (spec.target_strength_db / 20.0)
        self._depth, self._wing_hz = spec.wing_depth, spec.wing_hz
        self._phase = rng.uniform(0.0, 2.0 * math.pi)
        device, size = surroundings.device_m, np.asarray(surroundings.size_m)

        def draw(generator: np.random.Generator) -> Array:
            for _ in range(1000):
                away = generator.standard_normal(3)
                radius = generator.uniform(spec.nearest_m, spec.farthest_m)
                point = device + radius * away / np.linalg.norm(away)
                if np.all(point > WALL_M) and np.all(point < size - WALL_M):
                    return point
            raise BadInput(
                f"movers.{spec.name}: no point {spec.nearest_m:g} to {spec.farthest_m:g} m from the device is inside the "
                "room"
            )

        pace = Pace(0.5 * spec.speed_m_s, spec.speed_m_s, (0.0, 0.3), ramp_s=0.06, shortest_m=0.2)
        region = Region(draw, device, DEVICE_M)
        self._way = Wander(region, pace, int(rng.integers(2**62)), spec.name, chapter_s=60.0)
        self.top_speed_m_s = spec.speed_m_s + spec.wing_hz * HALF_WAVELENGTH_M
        self.pose_rate_hz = max(500.0, 12.0 * spec.wing_hz)

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        time = np.asarray(time_s, dtype=np.float64)
        beat = np.cos(2.0 * math.pi * self._wing_hz * time + self._phase)
        # The power of the echo is that of the target strength, whatever the depth.
        amplitude = self._amplitude_m * (1.0 + self._depth * beat) / math.sqrt(1.0 + self._depth**2 / 2.0)
        return (Points(self._way.at(time).position_m[None], amplitude[None]),)

    def truth(self) -> tuple[Event, ...]:
        return ()

    def blockers(self, time_s: Array) -> None:
        return None


def make(spec: InsectSpec, surroundings: Surroundings, rng: np.random.Generator) -> Insect:
    """Raises BadInput when no flight fits about the device."""
    return Insect(spec, surroundings, rng)
