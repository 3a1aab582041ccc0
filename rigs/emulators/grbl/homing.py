"""The homing cycle of GRBL 1.1: Z first, then X and Y together; fast to the switch, off it, slowly to it, off it.

The stop at the switch is sudden; afterwards the controller waits $26 for things to calm down.
"""

from __future__ import annotations

from collections.abc import Iterator

from rigs.emulators.grbl.carriage import Carriage
from rigs.emulators.grbl.planner import Planner
from rigs.emulators.grbl.settings import Settings

SEARCH = 1.5  # times the travel, on the way to the switch
STEP_S = 0.002
LOCATE = 5.0  # times the pull-off, on the second way to the switch


class Homing:
    """One cycle over all axes. alarm: 8 or 9 when it failed. place: machine position where it ended."""

    def __init__(self, settings: Settings, carriage: Carriage) -> None:
        self.alarm: int | None = None
        self._settings = settings
        self._carriage = carriage
        self._motions: dict[int, tuple[Planner, bool]] = {}
        self._pause_s = 0.0
        self._steps = self._cycle()
        self.done = False
        self._go()

    @property
    def place(self) -> tuple[float, ...]:
        """After a good cycle: one pull-off away from the switch, in a space that counts down from 0."""
        mask, pull_off = int(self._settings[23]), self._settings[27]
        travel = self._settings.axes(130)
        return tuple(pull_off - travel[a] if mask >> a & 1 else -pull_off for a in range(3))

    def advance(self, seconds: float) -> None:
        """Let time pass; moves the carriage. In small steps, as a real controller stops within one of the motor's."""
        left = seconds
        while left > 0.0 and not self.done:
            self._advance(min(left, STEP_S))
            left -= STEP_S

    def _advance(self, seconds: float) -> None:
        if self._pause_s > 0:
            self._pause_s -= seconds
        else:
            for axis, (planner, stop_at_switch) in list(self._motions.items()):
                before = planner.position[0]
                planner.advance(seconds)
                self._carriage.move(axis, planner.position[0] - before)
                if stop_at_switch and self._carriage.switch(axis):
                    del self._motions[axis]
                elif planner.empty:
                    if stop_at_switch:
                        self.alarm = 9
                    del self._motions[axis]
        if self._pause_s <= 0 and not self._motions and not self.done:
            self._go()

    def _go(self) -> None:
        self.done = self.alarm is not None or next(self._steps, None) is None

    def _cycle(self) -> Iterator[bool]:
        mask, pull_off = int(self._settings[23]), self._settings[27]
        seek, locate = self._settings[25] / 60, self._settings[24] / 60
        for axes in ((2,), (0, 1)):
            for approach, rate, scale in ((1, seek, 0), (0, seek, 1), (1, locate, LOCATE), (0, seek, 1)):
                for axis in axes:
                    way = scale * pull_off or SEARCH * self._settings[130 + axis]
                    towards = -1.0 if mask >> axis & 1 else 1.0
                    speed = min(rate, self._settings[110 + axis] / 60)
                    planner = Planner((speed,), (self._settings[120 + axis],))
                    planner.add((way * towards if approach else -way * towards,), None)
                    self._motions[axis] = planner, bool(approach)
                yield True
                self._pause_s = self._settings[26] / 1000
                yield True
                if not approach and any(self._carriage.switch(axis) for axis in axes):
                    self.alarm = 8
                    yield True
