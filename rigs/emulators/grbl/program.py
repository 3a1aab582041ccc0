"""The program of a GRBL controller: it takes one line at a time, and waits where the firmware waits.

Written as generators: `yield` stands where the firmware looks after real-time commands, which is also
where a reset reaches it (`Aborted`). An interrupted line is still answered, before the banner.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator

from rigs.emulators.grbl.gcode import GcodeError, Modal, execute
from rigs.emulators.grbl.homing import Homing
from rigs.emulators.grbl.machine import Machine

LINE_CHARACTERS = 79
STORE_S = 0.02  # writing a setting

Steps = Generator[None, None, int]
Wait = Generator[None, None, None]


class Aborted(Exception):
    """A reset reached the running program."""


class Program:
    """Runs on a machine; `run` is the main loop and never ends by itself."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def run(self) -> Wait:
        """Read characters, drop blanks and comments, execute whole lines."""
        line, overflow, comment = "", False, ""
        while True:
            while self._machine.rx:
                byte, _ = self._machine.rx.popleft()
                if byte in b"\r\n":
                    yield from self._answer(line, overflow)
                    line, overflow, comment = "", False, ""
                elif overflow or comment:
                    comment = "" if comment == "(" and byte == 0x29 else comment
                elif byte in b"(;":
                    comment = chr(byte)
                elif byte > 0x20 and byte != 0x2F:
                    overflow = len(line) >= LINE_CHARACTERS
                    line += chr(byte).upper()
            self._auto_start()
            yield

    def _answer(self, line: str, overflow: bool) -> Wait:
        """Execute one line and answer it, also when a reset cuts it short."""
        try:
            if overflow:
                code = 11
            elif not line:
                code = 0
            elif line[0] == "$":
                code = yield from self._system(line)
            elif self._machine.state in ("Alarm", "Jog"):
                code = 9
            else:
                code = yield from self._gcode(line)
        except GcodeError as error:
            code = error.code
        except Aborted:
            self._machine.say("ok")
            raise
        self._machine.say(f"error:{code}" if code else "ok")

    def _gcode(self, line: str, jog: bool = False) -> Steps:
        command = execute(line, self._machine.modal, self._machine.planner.end, jog)  # type: ignore[arg-type]
        if command.modal.work_offset != self._machine.modal.work_offset:
            self._machine.reports.offset.now()
        self._machine.modal = command.modal
        if command.stores:
            yield from self._store()
            self._machine.offsets = self._machine.modal.offsets
        if command.dwell_s is not None and self._machine.state != "Check":
            yield from self._synchronise()
            yield from self._dwell(command.dwell_s)
        if command.target is not None:
            return (yield from self._line(command.target, command.feed, jog))
        if command.program in ("M2", "M30"):
            yield from self._synchronise()
            self._machine.modal = Modal(offsets=self._machine.modal.offsets, feed=self._machine.modal.feed)
            self._machine.say("[MSG:Pgm End]")
        elif command.program == "M0":
            yield from self._synchronise()
            self._machine.flags.add("hold")
            yield
        return 0

    def _line(self, target: tuple[float, ...], feed: float | None, jog: bool) -> Steps:
        if self._machine.settings[20] and self._outside(target):
            if jog:
                return 15
            yield from self._refuse_travel()
        if self._machine.state == "Check":
            return 0
        if self._machine.planner.free <= 0:
            self._auto_start()
            yield from self._until(lambda: self._machine.planner.free > 0)
        self._machine.planner.add(target, None if feed is None else max(feed, 1.0) / 60)
        if jog and self._machine.state == "Idle" and not self._machine.planner.empty:
            self._machine.state = "Jog"
        return 0

    def _outside(self, target: tuple[float, ...]) -> bool:
        """Machine space counts down from 0."""
        return any(
            not -way <= place <= 0.0
            for place, way in zip(target, self._machine.settings.axes(130), strict=True)
        )

    def _refuse_travel(self) -> Wait:
        self._machine.soft_limit = True
        if self._machine.state == "Run":
            self._machine.flags.add("hold")
            yield
            yield from self._until(lambda: self._machine.state == "Idle")
        self._machine.flags.add("reset")
        self._machine.alarm = 2
        while True:
            yield

    def _system(self, line: str) -> Steps:
        if line.startswith("$J"):
            if self._machine.state not in ("Idle", "Jog"):
                return 8
            return (yield from self._gcode(line[3:], jog=True)) if line[2:3] == "=" else 3
        match line:
            case "$":
                self._machine.say("[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]")
            case "$$":
                if self._machine.state in ("Run", "Hold"):
                    return 8
                for setting in self._machine.settings.lines():
                    self._machine.say(setting)
            case "$G":
                self._machine.say(f"[GC:{self._machine.modal.words()}]")
            case "$X":
                if self._machine.state == "Alarm":
                    self._machine.say("[MSG:Caution: Unlocked]")
                    self._machine.state = "Idle"
            case "$C" if self._machine.state == "Check":
                self._machine.say("[MSG:Disabled]")
                self._machine.flags.add("reset")
            case "$C" if self._machine.state == "Idle":
                self._machine.say("[MSG:Enabled]")
                self._machine.state = "Check"
            case "$C":
                return 8
            case _ if line[:2] in ("$C", "$G", "$X", "$$"):
                return 3
            case _ if self._machine.state not in ("Idle", "Alarm"):
                return 8
            case "$H":
                return (yield from self._home())
            case "$SLP":
                self._machine.say("[MSG:Sleeping]")
                self._machine.state = "Sleep"  # for good: only a reset wakes it
            case "$I":
                self._machine.say("[VER:1.1h.20190830:]")
                self._machine.say(f"[OPT:{self._machine.options}]")
            case "$#":
                for number, offset in enumerate(self._machine.modal.offsets, start=54):
                    self._machine.say(f"[G{number}:{offset[0]:.3f},{offset[1]:.3f},{offset[2]:.3f}]")
                self._machine.say("[G92:{:.3f},{:.3f},{:.3f}]".format(*self._machine.modal.shift))
            case "$N":
                for number, startup in enumerate(self._machine.startup):
                    self._machine.say(f"$N{number}={startup}")
            case _:
                return (yield from self._store_setting(line))
        return 0

    def _store_setting(self, line: str) -> Steps:
        key, equals, text = line[1:].partition("=")
        if not equals:
            return 3
        if key in ("N0", "N1"):
            if self._machine.state != "Idle":
                return 8
            yield from self._store()
            self._machine.startup[int(key[1])] = text
            return 0
        try:
            number, value = int(key), float(text)
        except ValueError:
            return 3 if not key[:1].isdigit() else 2
        if not math.isfinite(value):
            return 2
        code = self._machine.settings.store(number, value)
        if code == 0:
            yield from self._store()
            self._apply_settings()
        return code

    def _apply_settings(self) -> None:
        self._machine.planner.rates = tuple(rate / 60 for rate in self._machine.settings.axes(110))
        self._machine.planner.accelerations = self._machine.settings.axes(120)
        self._machine.planner.junction_mm = self._machine.settings[11]
        self._machine.reports.offset.now()

    def _store(self) -> Wait:
        """Write the EEPROM: bytes that come with or after this line are lost until it is done."""
        yield from self._synchronise()
        self._machine.deaf_until = self._machine.now + STORE_S
        kept = deque((byte, at) for byte, at in self._machine.rx if at < self._machine.now)
        self._machine.lost_bytes += len(self._machine.rx) - len(kept)
        self._machine.rx = kept
        yield from self._dwell(STORE_S)

    def _home(self) -> Steps:
        if not self._machine.settings[22]:
            return 5
        self._machine.state = "Home"
        self._machine.homing = homing = Homing(self._machine.settings, self._machine.carriage)
        while not homing.done and "reset" not in self._machine.flags:
            yield
        self._machine.homing = None
        if homing.alarm is not None:
            self._machine.alarm = homing.alarm
            self._machine.flags.add("reset")
        while "reset" in self._machine.flags:
            yield
        self._machine.planner.place(homing.place)
        self._machine.state = "Idle"
        return 0

    # -- where the program waits ----------------------------------------------------------------------

    def _auto_start(self) -> None:
        if self._machine.state == "Idle" and not self._machine.planner.empty:
            self._machine.cycle_start()

    def _synchronise(self) -> Wait:
        self._auto_start()
        yield from self._until(
            lambda: self._machine.planner.empty and self._machine.state not in ("Run", "Jog", "Hold", "Door")
        )

    def _dwell(self, seconds: float) -> Wait:
        end = self._machine.now + seconds
        self._machine.dwelling = True
        yield from self._until(lambda: self._machine.now >= end - 1e-9)
        self._machine.dwelling = False

    def _until(self, done: Callable[[], bool]) -> Wait:
        while not done():
            yield
