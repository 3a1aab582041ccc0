"""A motion stage behind a GRBL controller: home it, move it, know where it is, stop it.

Positions are mm on the stage, by axis name. What cannot be done is refused before a byte is sent: outside
the travel, faster than allowed, not homed, an alarm in force.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence

from rigs.errors import BadReply, InstrumentAlarm, LinkLost, NoReply, Unsafe
from rigs.grbl import checks, limits, program, protocol
from rigs.grbl.controller import Controller, Wire
from rigs.grbl.limits import in_words
from rigs.grbl.profile import StageProfile
from rigs.grbl.protocol import State, Status
from rigs.grbl.watch import Watch

_MOVING = frozenset({State.RUN, State.JOG, State.HOME})
_MARGIN_S = 10.0  # on top of twice the time that a move should take
_SYNC = "G4P0.01"  # answered when every move before it has ended


class Stage:
    """Driver of one stage. link: open, its lines end in LF. name: as in the rig file. Call `connect` first.

    `move_to`, `jog` and the like are for one thread at a time; `hold`, `resume`, `cancel`, `halt` and
    everything that only looks may come from any thread at any moment.
    """

    def __init__(self, link: Wire, profile: StageProfile, name: str = "stage") -> None:
        self.name = name
        self.profile = profile
        self._controller = Controller(link, name, profile.buffer_bytes, profile.reply_s)
        self._watch = Watch(self._controller, profile)
        self._moves = threading.RLock()
        self._connected = False
        self._restarts = 0
        self._target: dict[str, float] = {}
        self._done_at = 0.0  # when all queued moves should have ended, by time.monotonic

    # -- what is known ---------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Of the last report; ALARM as soon as one is in force. Never asks: see `refresh`."""
        return self._watch.state

    @property
    def status(self) -> Status | None:
        """The last report as it came, None before the first."""
        return self._controller.status

    @property
    def position_mm(self) -> dict[str, float]:
        """Where the stage stood at the last report, by axis; empty while that cannot be told."""
        return self._watch.position_mm

    @property
    def homed(self) -> bool:
        """Whether the position is known: homed since `connect`, and nothing has shaken that."""
        return self._connected and not self._controller.position_lost

    @property
    def settings(self) -> dict[str, str]:
        """Settings ($$) as last read, by number."""
        return dict(self._controller.settings)

    @property
    def build(self) -> str:
        """What the controller says of itself ($I)."""
        return " ".join(f"[{one.kind}:{one.text}]" for one in self._controller.build)

    @property
    def travel_mm(self) -> dict[str, tuple[float, float]]:
        """(lowest, highest) by axis; an axis whose travel nobody has told is missing."""
        return limits.travel_mm(self.profile, self._controller.settings, self._controller.build)

    def safe_bytes(self) -> tuple[bytes, ...]:
        return self.profile.safe_bytes()

    def refresh(self) -> State:
        """Ask for a report and answer the state. Raises NoReply, LinkLost."""
        return self._watch.refresh()

    def at_rest(self) -> bool:
        """Whether nothing moves, nor will by itself. Raises NoReply, LinkLost."""
        return self._watch.at_rest()

    # -- bringing up -----------------------------------------------------------------------------

    def connect(self) -> None:
        """Find the controller in whatever state it is, stop what it is doing, and learn what it can do.

        What still moves is held first, so that the reset which brings both sides into step leaves no
        carriage running. A stage with homing must be homed afterwards. Raises NoReply when nothing answers, LinkLost, Unsafe
        when a stage with homing has a controller that would let it run into its end stops.
        """
        with self._moves:
            self._connected = False
            self._controller.begin_again(self.profile.startup_s)
            try:
                self._controller.report(self.profile.startup_s)
                if self.state in _MOVING:
                    self.hold()
            except (NoReply, InstrumentAlarm):
                pass  # silent while homing or after an alarm; whether it is there at all, the reset will tell
            self._controller.reset(self.profile.startup_s)
            self._controller.learn()
            self._controller.report()
            if found := list(
                limits.unguarded(self.profile, self._controller.settings, self._controller.build)
            ):
                raise Unsafe(f"{self._watch.where()}: refused connect(): {'; '.join(found)}")
            self._restarts = self._controller.restarts
            self._controller.position_lost = self.profile.homing
            self._target.clear()
            self._connected = True

    def home(self, timeout_s: float | None = None) -> None:
        """Drive every axis to its switch; afterwards the position is known.

        timeout_s: the profile's `homing_s` when None. Raises InstrumentAlarm when a switch is not found,
        BadReply when homing is switched off, NoReply after stopping what takes too long, LinkLost.
        """
        limit_s = self.profile.homing_s if timeout_s is None else timeout_s
        with self._moves:
            self._ready("home()", {State.IDLE, State.ALARM})
            self._controller.position_lost = True
            try:
                self._controller.call("$H", limit_s, "home()")
            except NoReply as silence:
                raise self._watch.stopped(str(silence)) from silence
            if self.refresh() is not State.IDLE:
                raise InstrumentAlarm(f"{self._watch.where()}: home() did not end idle")
            self._controller.position_lost = False
            self._target.clear()

    def clear_alarm(self) -> None:
        """After someone has looked: reset and unlock. Raises NoReply, BadReply, LinkLost.

        The position is not known afterwards unless the alarm kept it: home the stage, or jog it off its switch.
        """
        with self._moves:
            self._linked("clear_alarm()")
            if not self.at_rest():
                raise Unsafe(f"{self._watch.where()}: refused clear_alarm(): it moves; cancel first")
            self._controller.reset()
            self._controller.call("$X")
            self.refresh()

    def set(self, number: int, value: float) -> None:
        """Store a setting, `$number=value`, alone on the line and at rest; read it back.

        Raises BadReply when it is refused or not kept, Unsafe while moving.
        """
        call = f"set({number}, {value:g})"
        with self._moves:
            self._ready(call, {State.IDLE, State.ALARM})
            self._controller.call(f"${number}={limits.number(value)}")
            kept = self._controller.read_settings().get(str(number))
            if kept not in (limits.number(value), f"{value:.3f}"):
                raise BadReply(f"{self._watch.where()}: {call}: it kept {kept}")

    # -- moving ----------------------------------------------------------------------------------

    def move_to(
        self, mm: Mapping[str, float], feed_mm_min: float, wait: bool = True, timeout_s: float | None = None
    ) -> None:
        """Go in a straight line to a position; axes not named stay.

        feed_mm_min: speed along the line. wait: come back when the stage stands there, else as soon as the
        move is queued (then see `wait_until_there`). timeout_s: for all of it; None takes twice what distance
        and speed ask for, and 10 s. Time on hold does not count.

        Raises Unsafe before anything moves; BadReply when the controller refuses or the stage ends
        elsewhere; InstrumentAlarm when it stops with an alarm, on a limit switch, or is cancelled; NoReply after stopping what
        takes too long; LinkLost.
        """
        call = f"move_to({in_words(mm)})"
        with self._moves:
            self._ready(call, {State.IDLE, State.RUN})
            checks.feed(self._watch.where(), call, feed_mm_min, self.profile)
            self._check_target(mm, call)
            limit_s = self._expect(mm, feed_mm_min, timeout_s)
            zero = self.profile.zero_mm
            words = limits.axis_words({axis: value + zero.get(axis, 0.0) for axis, value in mm.items()})
            line = f"G90G21G94G53G1{words}F{limits.number(feed_mm_min)}"
            self._watch.answered(self._controller.send(line, limit_s), limit_s, call)
            self._target |= mm
            if wait:
                self._arrive(call, limit_s)

    def wait_until_there(self, timeout_s: float | None = None) -> None:
        """Wait until every queued move has ended, at its target. Raises as `move_to`."""
        with self._moves:
            self._ready("wait_until_there()", {State.IDLE, State.RUN, State.HOLD})
            self._arrive("wait_until_there()", self._expect({}, 1.0, timeout_s))

    def jog(
        self, mm: Mapping[str, float], feed_mm_min: float, wait: bool = True, timeout_s: float | None = None
    ) -> None:
        """Move by an increment, as by hand: allowed before homing, ended by `hold` or `cancel` at any moment.

        Raises Unsafe when the controller finds the target outside its travel; else as `move_to`.
        """
        call = f"jog({in_words(mm)})"
        with self._moves:
            self._ready(call, {State.IDLE, State.JOG})
            checks.feed(self._watch.where(), call, feed_mm_min, self.profile)
            checks.axes(self._watch.where(), call, mm, self.profile)
            settings, axes = self._controller.settings, len(self.profile.axes)
            time_s = limits.duration_s(math.hypot(*mm.values()), feed_mm_min, axes, settings)
            limit_s = 2.0 * time_s + _MARGIN_S if timeout_s is None else timeout_s
            self._target.clear()
            line = f"$J=G91G21{limits.axis_words(mm)}F{limits.number(feed_mm_min)}"
            ticket = self._controller.send(line, limit_s)
            try:
                self._watch.answered(ticket, limit_s, call)
            except BadReply as error:
                beyond = ticket.answer == protocol.Refused(15)
                raise (Unsafe(str(error)) if beyond else error) from None
            if wait:
                self._watch.until_rest(limit_s, call)
                if self.state is State.ALARM:
                    raise InstrumentAlarm(f"{self._watch.where()}: {call} was cut short")

    def run(self, lines: Sequence[str], timeout_s: float, vet: bool = True) -> None:
        """Run G-code lines, as fast as the controller takes them, and wait until the last has ended.

        vet: have all of them read in check mode first, so that a bad line moves nothing. Lines are in the
        controller's coordinates. Raises BadReply naming the line; else as `move_to`.
        """
        with self._moves:
            self._ready("run()", {State.IDLE})
            self._check_homed("run()")
            if self._controller.settings.get("20") != "1":
                raise Unsafe(
                    f"{self._watch.where()}: refused run(): without soft limits ($20=1) nobody checks the travel"
                )
            if fault := program.too_fast(lines, self.profile.maximum_feed_mm_min):
                raise Unsafe(f"{self._watch.where()}: refused run(): {fault}")
            self._target.clear()
            if vet:
                program.vet(self._controller, lines, timeout_s)
            program.stream(self._controller, lines, timeout_s)
            self._arrive("run()", timeout_s)

    # -- stopping: from any thread ------------------------------------------------------------------

    def hold(self) -> None:
        """Stop with the stage's own deceleration and keep the queue; `resume` goes on. A jog ends instead.

        Raises NoReply when it does not come to rest, LinkLost.
        """
        self._controller.realtime(protocol.HOLD)
        self._watch.until_rest(self._stop_s(), "hold()")

    def resume(self) -> None:
        """Go on after `hold`, or after a door was closed. Raises InstrumentAlarm, NoReply, LinkLost."""
        if self.refresh() is State.ALARM:
            raise InstrumentAlarm(f"{self._watch.where()}: refused resume()")
        self._controller.realtime(protocol.RESUME)
        held = (State.HOLD, State.DOOR)
        self._watch.until(lambda: self.state not in held, self.profile.reply_s, "resume()")

    def cancel(self) -> None:
        """Stop with the stage's own deceleration and forget what is queued; the position stays known.

        A move that another thread waits for ends with InstrumentAlarm. Raises NoReply, LinkLost.
        """
        if self.refresh() is State.JOG:
            self._controller.realtime(protocol.JOG_CANCEL)
            self._watch.until_rest(self._stop_s(), "cancel()")
        elif self.state is State.HOLD or not self.at_rest():
            self.hold()
            self._controller.reset()
            self.refresh()
        self._target.clear()
        self._done_at = 0.0

    def halt(self) -> None:
        """Emergency: the safe bytes at once, waiting for nothing. What moved has lost its position."""
        self._watch.halt()

    # -- refusals ----------------------------------------------------------------------------------

    def _linked(self, call: str) -> None:
        if self._controller.lost is not None:
            raise LinkLost(f"{self._watch.where()}: refused {call}: {self._controller.lost}; connect again")
        if not self._connected:
            raise Unsafe(f"{self._watch.where()}: refused {call}: connect first")

    def _ready(self, call: str, states: set[State]) -> None:
        """Raises unless the stage is linked, in step, and in one of these states."""
        self._linked(call)
        if self._controller.restarts != self._restarts:
            why = "its controller restarted, unasked (power lost, or somebody else reset it)"
            raise InstrumentAlarm(f"{self._watch.where()}: refused {call}: {why}; connect and home")
        state = self._watch.ask(call)
        if self._controller.out_of_step:
            self._controller.reset() if self.at_rest() else self.cancel()
            state = self.refresh()
        if state in states:
            return
        if state is State.ALARM:
            raise InstrumentAlarm(f"{self._watch.where()}: refused {call}: home it, or clear the alarm")
        allowed = ", ".join(sorted(one.value for one in states))
        raise Unsafe(f"{self._watch.where()}: refused {call}: allowed while {allowed}")

    def _check_target(self, mm: Mapping[str, float], call: str) -> None:
        self._check_homed(call)
        checks.target(self._watch.where(), call, mm, self.profile, self.travel_mm)

    def _check_homed(self, call: str) -> None:
        if not self.homed:
            way = (
                "it is not homed"
                if self.profile.homing
                else "its place is lost; put it to zero and connect again"
            )
            raise Unsafe(f"{self._watch.where()}: refused {call}: {way}")

    # -- waiting -----------------------------------------------------------------------------------

    def _expect(self, mm: Mapping[str, float], feed_mm_min: float, timeout_s: float | None) -> float:
        """Add a move to what is queued; how long to wait for all of it."""
        now, here = time.monotonic(), self.position_mm | self._target
        distance = math.hypot(*(value - here.get(axis, 0.0) for axis, value in mm.items()))
        time_s = limits.duration_s(distance, feed_mm_min, len(self.profile.axes), self._controller.settings)
        self._done_at = max(self._done_at, now) + (time_s if mm else 0.0)
        return 2.0 * (self._done_at - now) + _MARGIN_S if timeout_s is None else timeout_s

    def _stop_s(self) -> float:
        """How long coming to rest from full speed may take."""
        feed, axes = self.profile.maximum_feed_mm_min, len(self.profile.axes)
        return 2.0 * limits.duration_s(0.0, feed, axes, self._controller.settings) + self.profile.reply_s

    def _arrive(self, call: str, timeout_s: float) -> None:
        ticket = self._controller.send(_SYNC, timeout_s)
        self._watch.answered(ticket, timeout_s, call)
        self._watch.until_rest(self._stop_s(), call)
        pins = "" if self.status is None else self.status.pins
        if pressed := [axis for axis in self.profile.axes if axis.upper() in pins]:
            raise InstrumentAlarm(
                f"{self._watch.where()}: {call} ended on the limit switch of {', '.join(pressed)}"
            )
        position = self.position_mm
        for axis, value in self._target.items():
            if abs(position.get(axis, math.inf) - value) > self.profile.arrival_mm:
                raise BadReply(f"{self._watch.where()}: {call} ended elsewhere: {axis} should be {value:g}")
