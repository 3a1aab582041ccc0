"""What every mover offers: poses for the renderers, truth for the scoring.

A mover's file holds its spec (what a scenario may say, `kind` names it), and a class that implements `Mover`. It is made
once per trial from spec, room, device position and a seeded generator, and is a pure function of time from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Moving

# What a mover may claim as truth.
PRESENCE, MAJOR, MINOR = "presence", "major_motion", "minor_motion"


@dataclass(frozen=True)
class Doorway:
    """A hole in a wall, floor to lintel. wall: west, east (x = 0, x = size), south, north (y).

    along_m: of its middle, along the wall from its lower corner.
    """

    name: str
    wall: str
    along_m: float
    width_m: float = 0.9
    height_m: float = 2.0
    open: bool = True


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a mover is told of the place. device_m: (3,), the device's centre."""

    size_m: tuple[float, float, float]
    device_m: NDArray[np.float64]
    duration_s: float
    doorways: tuple[Doorway, ...] = ()


class Mover(Moving, Protocol):
    def truth(self) -> tuple[Event, ...]:
        """`presence` while a person is in the room, `major_motion` and `minor_motion` while one moves; () for clutter."""

    def blockers(self, time_s: Array) -> tuple[Array, float, float] | None:
        """What shadows static paths: an upright cylinder, its foot (T, 3) in m, its radius and height; None when too small."""
