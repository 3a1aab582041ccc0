"""A GRBL 1.1 controller and the stage behind it, as a program."""

from __future__ import annotations

import time
from collections.abc import Callable

from rigs.emulators.grbl.controller import GrblEmulator, MotionLog
from rigs.errors import BadRigFile
from rigs.grbl.profile import StageProfile

__all__ = ["EMULATOR", "GrblEmulator"]

RATE_MM_MIN = 30000.0
ACCELERATION_MM_S2 = 1000.0
CLEARANCE_MM = 2.0  # from the low end of the travel to its switch
USUAL_TRAVEL_MM = (-200.0, 0.0)


def EMULATOR(
    profile: StageProfile,
    speed: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    log: MotionLog | None = None,
) -> GrblEmulator:
    """A stage that fits a profile: homing, soft and hard limits on, homing towards the low ends.

    speed: emulated seconds a second. clock, log: see `GrblEmulator`. Raises BadRigFile for a travel that reaches above machine zero.
    """
    settings: dict[int, float] = {20: 1, 21: 1, 22: 1, 23: 7, 24: 300.0, 25: 6000.0, 26: 25}
    for number, axis in enumerate(("x", "y", "z")):
        zero = profile.zero_mm.get(axis, 0.0)
        low, high = profile.travel_mm.get(axis, USUAL_TRAVEL_MM)
        if zero + high > 0:
            raise BadRigFile(
                f"zero_mm.{axis}: must be at most {-high:g} for the emulator: GRBL counts downwards from 0"
            )
        settings |= {
            100 + number: 100.0,
            110 + number: max(RATE_MM_MIN, profile.maximum_feed_mm_min),
            120 + number: ACCELERATION_MM_S2,
            130 + number: CLEARANCE_MM - zero - low,
        }
    return GrblEmulator(settings, speed=speed, clock=clock, log=log)
