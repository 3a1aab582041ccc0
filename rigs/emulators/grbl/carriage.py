"""The mechanics behind the motors: where the carriage really is, its switches and its end stops.

The controller only counts steps; it learns of the carriage through the switches. Beyond a switch comes
the end stop, where the motor loses steps and the count goes on without the carriage.
"""

from __future__ import annotations

OVERTRAVEL_MM = 3.0  # from switch to end stop


class Carriage:
    """travel_mm: way between the switches, by axis. position_mm: where it stands, 0 at the lower switch."""

    def __init__(self, travel_mm: tuple[float, ...], position_mm: tuple[float, ...]) -> None:
        self.travel_mm = travel_mm
        self.position_mm = list(position_mm)
        self.blocked: set[int] = set()  # axes with a switch that never answers, for failed homing
        self.pressed: set[int] = set()  # axes whose switch is pressed by hand
        self.lost_mm = 0.0  # way the motor turned without moving the carriage

    def move(self, axis: int, way_mm: float) -> None:
        wanted = self.position_mm[axis] + way_mm
        reached = min(max(wanted, -OVERTRAVEL_MM), self.travel_mm[axis] + OVERTRAVEL_MM)
        self.lost_mm += abs(wanted - reached)
        self.position_mm[axis] = reached

    def switch(self, axis: int) -> bool:
        """Whether the limit switch of an axis is pressed; both ends share one wire."""
        if axis in self.blocked:
            return False
        place = self.position_mm[axis]
        return axis in self.pressed or place < -1e-6 or place > self.travel_mm[axis] + 1e-6

    @property
    def pins(self) -> str:
        return "".join(name for axis, name in enumerate("XYZ") if self.switch(axis))
