"""What every mover offers: poses for the renderers, truth for the scoring.

A mover's file holds its spec (what a scenario may say, `kind` names it), and a class that implements `Mover`. It is made
once per trial from spec, room, device position and a seeded generator, and is a pure function of time from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Moving
from lab.spec import Spec

# What a mover may claim as truth.
PRESENCE, MAJOR, MINOR = "presence", "major_motion", "minor_motion"
VACANCY = "vacancy"  # what follows from the presence of all of them


class Doorway(Spec):
    """A hole in a wall, floor to lintel. wall: west, east (x = 0, x = size), south, north (y).

    along_m: of its middle, along the wall from its lower corner. width_m: 0.3 to 10. height_m: 0.5 to 5. open: a closed
    one is a wall of drywall.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    wall: Literal["west", "east", "south", "north"]
    along_m: float = Field(ge=0.0, le=30.0)
    width_m: float = Field(0.9, ge=0.3, le=10.0)
    height_m: float = Field(2.0, ge=0.5, le=5.0)
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


def vacancies(truth: Iterable[Event], duration_s: float) -> tuple[Event, ...]:
    """From the moment when the last person is out to the end of the trial; none where nobody was, or somebody stays."""
    ends = [event.offset_s for event in truth if event.label == PRESENCE]
    gone_s = max(ends, default=duration_s)
    return (Event(gone_s, duration_s, VACANCY),) if gone_s < duration_s else ()
