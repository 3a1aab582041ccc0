"""What a GRBL controller is and does apart from its program: receive buffer, motion, switches, real-time bytes.

States as in the reports. `flags` hold what real-time bytes have asked for and nobody has looked after yet;
`alarm` is raised and not yet announced; while `critical`, everything but a reset is ignored.
"""

from __future__ import annotations

from collections import deque

from rigs.emulators.grbl.carriage import Carriage
from rigs.emulators.grbl.gcode import Modal
from rigs.emulators.grbl.homing import Homing
from rigs.emulators.grbl.planner import Planner
from rigs.emulators.grbl.reports import Reports
from rigs.emulators.grbl.settings import Settings

PLANNER_BLOCKS = 15
ALARM_S = 0.5  # the firmware stands still after an alarm, so that the message gets out
_OVERRIDES = {  # real-time byte -> (which, step; 0: back to 100 %)
    0x90: ("feed", 0),
    0x91: ("feed", +10),
    0x92: ("feed", -10),
    0x93: ("feed", +1),
    0x94: ("feed", -1),
}
_RAPIDS = {0x95: 100, 0x96: 50, 0x97: 25}


class Machine:
    """One controller with its carriage. now: emulated seconds since power-up.

    rx: bytes waiting to be read, with their time. out: bytes to the host. lost_bytes: that found the
    receive buffer full or the processor deaf. busy_until: it stands still; deaf_until: it receives nothing.
    """

    def __init__(
        self, settings: Settings, carriage: Carriage, banner: str, options: str, rx_bytes: int
    ) -> None:
        self.settings, self.carriage = settings, carriage
        self.banner, self.options, self.rx_bytes = banner, options, rx_bytes
        self.startup = ["", ""]
        self.offsets = Modal().offsets
        self.out = bytearray()
        self.lost_bytes = 0
        self.now = 0.0
        self._pins = carriage.pins
        self.power_up()

    def power_up(self) -> None:
        """The carriage is where it was; the count of steps begins at 0."""
        self.state = "Alarm" if self.settings[22] else "Idle"
        self.start((0.0, 0.0, 0.0))

    def start(self, position: tuple[float, ...] | None = None) -> None:
        """What happens after power-up and after every reset; without a position the count goes on."""
        rates = tuple(rate / 60 for rate in self.settings.axes(110))
        position = self.planner.position if position is None else position
        self.planner = Planner(rates, self.settings.axes(120), self.settings[11], PLANNER_BLOCKS, position)
        self.rx: deque[tuple[int, float]] = deque()
        self.modal = Modal(offsets=self.offsets)
        self.reports = Reports()
        self.flags: set[str] = set()
        self.alarm: int | None = None
        self.critical = self.hold_done = self.soft_limit = self.dwelling = self._jog_ends = False
        self.homing: Homing | None = None
        self.busy_until = self.deaf_until = self.now
        self._percent = {"feed": 100, "rapid": 100}
        self.say(f"\r\n{self.banner}")
        if self.state in ("Alarm", "Sleep"):
            self.state = "Alarm"
            self.say("[MSG:'$H'|'$X' to unlock]")
        else:
            self.state = "Idle"
            for line in filter(None, self.startup):
                self.say(f">{line}:ok")

    @property
    def moving(self) -> bool:
        return self.planner.moving or self.homing is not None

    @property
    def suspended(self) -> bool:
        """On hold the program stands still: no line is read, none answered."""
        return self.state in ("Hold", "Door", "Sleep") or self._jog_ends

    @property
    def position_mm(self) -> tuple[float, ...]:
        """Machine position by whole steps, as the controller counts."""
        per_mm = self.settings.axes(100)
        return tuple(round(p * s) / s for p, s in zip(self.planner.position, per_mm, strict=True))

    def advance(self, seconds: float) -> None:
        """Let the motors turn."""
        if self.homing is not None:
            self.homing.advance(seconds)
            self._pins = self.carriage.pins
            return
        before = self.planner.position
        self.planner.advance(seconds)
        for axis, (old, new) in enumerate(zip(before, self.planner.position, strict=True)):
            if new != old:
                self.carriage.move(axis, new - old)
        before_pins, self._pins = self._pins, self.carriage.pins
        if self.settings[21] and self._pins != before_pins:  # also when a switch opens: any change counts
            self.hit_limit()

    def say(self, line: str) -> None:
        self.out += line.encode("ascii") + b"\r\n"

    # -- at once: the interrupts -----------------------------------------------------------------------

    def receive(self, byte: int) -> None:
        match byte:
            case 0x18:
                self.reset()
            case 0x3F:
                self.flags.add("status")
            case 0x7E:
                self.flags.add("start")
            case 0x21:
                self.flags.add("hold")
            case 0x84:
                self.flags.add("door")
            case 0x85 if self.state == "Jog":
                self.flags.add("hold")
            case _ if byte in _OVERRIDES or byte in _RAPIDS:
                self._override(byte)
            case _ if byte >= 0x80:
                pass
            case _ if len(self.rx) >= self.rx_bytes or self.now < self.deaf_until:
                self.lost_bytes += 1
            case _:
                self.rx.append((byte, self.now))

    def reset(self) -> None:
        """Ask for a reset. Whatever moves stops at once, and its position is lost."""
        if "reset" in self.flags:
            return
        self.flags.add("reset")
        braking = self.planner.holding and self.planner.moving
        if self.state in ("Run", "Jog", "Home") or braking:
            if self.alarm is None:
                self.alarm = 6 if self.state == "Home" else 3
            self._kill()

    def hit_limit(self) -> None:
        """A limit switch changes while hard limits are on."""
        if self.state != "Alarm" and self.alarm is None:
            self.flags.add("reset")
            self.alarm = 1
            self._kill()

    def _kill(self) -> None:
        self.homing = None
        self.planner.stop_dead()

    def _override(self, byte: int) -> None:
        if byte in _RAPIDS:
            self._percent["rapid"] = _RAPIDS[byte]
        else:
            which, step = _OVERRIDES[byte]
            self._percent[which] = min(200, max(10, self._percent[which] + step)) if step else 100
        self.planner.feed_override = self._percent["feed"] / 100
        self.planner.rapid_override = self._percent["rapid"] / 100
        self.reports.overrides.now()

    # -- soon: whenever the program looks after real-time commands ---------------------------------------

    def look_after(self) -> None:
        """Alarms, reports, holds, resumes; ends of motion."""
        if self.alarm is not None:
            self._announce(self.alarm)
            return
        if self.critical and "reset" not in self.flags:
            return
        self.critical = False
        if "reset" in self.flags:
            return
        if "status" in self.flags:
            self.flags.discard("status")
            self._report()
        if self.flags & {"hold", "door"}:
            self._hold()
        if "start" in self.flags:
            self.flags.discard("start")
            self.cycle_start()
        if not self.planner.moving:
            self._cycle_stop()

    def _announce(self, code: int) -> None:
        self.alarm = None
        self.state = "Alarm"
        self.say(f"ALARM:{code}")
        self.busy_until = self.now + ALARM_S
        if code in (1, 2):
            self.critical = True
            self.flags.discard("reset")
            self.say("[MSG:Reset to continue]")

    def _hold(self) -> None:
        door = "door" in self.flags
        self.flags -= {"hold", "door", "start"}
        if self.state in ("Alarm", "Check", "Sleep"):
            return
        if self.state in ("Run", "Jog"):
            self.planner.hold()
            self._jog_ends = self.state == "Jog"
        elif self.state == "Idle":
            self.hold_done = True
        if door:
            self.say("[MSG:Check Door]")
            self.state = "Door"
        elif self.state not in ("Jog", "Door"):
            self.state = "Hold"

    def cycle_start(self) -> None:
        if self.state == "Idle" or (self.state in ("Hold", "Door") and self.hold_done):
            self.hold_done = False
            self.planner.resume()
            self.state = "Idle" if self.planner.empty else "Run"

    def _cycle_stop(self) -> None:
        """The steps have ended: the queue is done, or a hold is complete."""
        if self._jog_ends:
            self._jog_ends = False
            self.planner.stop_dead()
            self.state = "Idle" if self.state == "Jog" else self.state
            self.hold_done = self.state == "Door"
        elif self.state in ("Hold", "Door") and not self.soft_limit:
            self.hold_done = True
        elif self.state in ("Run", "Jog", "Hold"):
            self.state = "Idle"

    def _report(self) -> None:
        sub = {"Hold": int(not self.hold_done), "Door": 0 if self.hold_done else 2}.get(self.state)
        self.say(
            self.reports.line(
                self.state if sub is None else f"{self.state}:{sub}",
                self.state in ("Run", "Jog", "Hold", "Door"),
                self.position_mm,
                self.modal.work_offset,
                self.planner.speed * 60,
                self.modal.speed,
                self.carriage.pins,
                (self._percent["feed"], self._percent["rapid"], 100),
                (self.planner.free, self.rx_bytes - len(self.rx)),
                int(self.settings[10]),
                bool(self.settings[13]),
            )
        )
