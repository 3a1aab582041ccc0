"""A GRBL 1.1 controller and the stage behind it, as a program."""

from __future__ import annotations

from rigs.emulators.grbl.controller import GrblEmulator
from rigs.grbl.profile import StageProfile

__all__ = ["EMULATOR", "GrblEmulator"]

RATE_MM_MIN = 30000.0
ACCELERATION_MM_S2 = 1000.0


def EMULATOR(profile: StageProfile, speed: float = 1.0) -> GrblEmulator:
    """A stage that fits a profile: homing, soft and hard limits on, homing towards the stage's lower end."""
    travel = [profile.travel_mm.get(axis, (0.0, 200.0)) for axis in ("x", "y", "z")]
    settings: dict[int, float] = {22: 1, 20: 1, 21: 1, 23: 7, 24: 300.0, 25: 6000.0, 26: 25}
    for number, (low, high) in enumerate(travel):
        settings |= {
            100 + number: 100.0,
            110 + number: RATE_MM_MIN,
            120 + number: ACCELERATION_MM_S2,
            130 + number: high - low,
        }
    return GrblEmulator(settings, speed=speed, options="V,15,128")
