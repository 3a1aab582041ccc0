"""A conversation with a GRBL controller: lines and their answers, real-time bytes, the last known status.

Every received line passes through `_receive` in the link's reader thread; callers wait on one condition.
Answers belong to lines by order alone, so whatever breaks the order (reset, reboot, lost link, a line
without an answer) ends in a soft reset, after which both sides start with nothing open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any, Protocol

from rigs.errors import BadReply, InstrumentAlarm, LinkLost, NoReply
from rigs.grbl import protocol
from rigs.grbl.codes import POSITION_KEPT, alarm_text, error_text
from rigs.grbl.protocol import Alarm, Banner, Feedback, Message, Ok, Refused, Setting, State, Status
from rigs.grbl.window import LINE_BYTES, Ticket, Window

MM_PER_INCH = 25.4
ASK_AGAIN_S = 0.5
RESET_S = 0.7  # GRBL sits still for 0.5 s after an alarm before it resets


class Wire(Protocol):
    """What is needed of a link (`rigs.links.Link`)."""

    @property
    def state(self) -> Enum: ...

    def write(self, data: bytes) -> None: ...

    def subscribe(self, callback: Callable[[Any, int], None]) -> object: ...

    def subscribe_state(self, callback: Callable[[Any], None]) -> object: ...


class Controller:
    """One controller on an open link.

    alarm: code of the alarm in force, None without; last_alarm: of the latest one. position_lost: the
    machine position cannot be trusted (any more). restarts: banners that nobody asked for. lost: why the
    conversation is broken off since the last `begin_again`, None while it is not. out_of_step: answers and
    lines no longer match; only a reset helps. settings, build: `$$` and `$I` as last read.
    """

    def __init__(self, link: Wire, name: str, buffer_bytes: int = 128, reply_s: float = 3.0) -> None:
        self.name = name
        self.alarm: int | None = None
        self.last_alarm: int | None = None
        self.lost: str | None = None
        self.position_lost = True
        self.restarts = 0
        self.out_of_step = False
        self.settings: dict[str, str] = {}
        self.build: list[Feedback] = []
        self._link = link
        self._reply_s = reply_s
        self._window = Window(buffer_bytes)
        self._changed = threading.Condition()
        self._sending = threading.RLock()
        self._status: Status | None = None
        self._reports = 0
        self._banners = 0
        self._resetting = False
        self._offset: tuple[float, ...] | None = None
        self._heard: list[Message] | None = None
        link.subscribe(self._receive)
        link.subscribe_state(self._link_changed)

    # -- what is known ---------------------------------------------------------------------------

    @property
    def status(self) -> Status | None:
        """The last report."""
        return self._status

    @property
    def machine_mm(self) -> tuple[float, ...] | None:
        """Machine position of the last report in mm; None while it cannot be told (WPos before any WCO)."""
        status, offset = self._status, self._offset
        if status is None:
            return None
        position = status.machine
        if position is None and status.work and offset and len(offset) == len(status.work):
            position = tuple(work + shift for work, shift in zip(status.work, offset, strict=True))
        return None if position is None else tuple(value * self._unit_mm for value in position)

    @property
    def unanswered(self) -> int:
        return len(self._window)

    @property
    def buffer_bytes(self) -> int:
        return self._window.capacity

    def describe(self) -> str:
        """`stage rail (Run)`, for the head of a message."""
        word = self._status.word if self._status else "state not known"
        locked = self._status is not None and self._status.state is State.ALARM
        code = self.alarm if self.alarm is not None else self.last_alarm if locked else None
        return f"stage {self.name} ({word if code is None else alarm_text(code)})"

    # -- talking ---------------------------------------------------------------------------------

    def realtime(self, data: bytes) -> None:
        """Send real-time bytes: no answer, no place in the buffer, any moment."""
        self._link.write(data)

    def send(self, line: str, timeout_s: float) -> Ticket:
        """Send a line as soon as the receive buffer has room; answers the open ticket.

        Raises NoReply when no room comes in time, InstrumentAlarm, LinkLost.
        """
        if len(line) > LINE_BYTES or not line.isascii() or not line.isprintable():
            raise BadReply(f"{self.describe()}: refused {line[:40]!r}: not a line a controller can take")
        with self._sending:
            with self._changed:

                def free() -> bool:
                    return self.alarm is not None or (not self._resetting and self._window.fits(line))

                self._wait(free, timeout_s, f"send {line}", "no room in its buffer")
                if self.alarm is not None:
                    raise InstrumentAlarm(f"{self.describe()}: refused {line}: reset it first")
                ticket = self._window.add(line)
            self._link.write(line.encode("ascii") + b"\n")
        return ticket

    def settle(self, ticket: Ticket, timeout_s: float, call: str, raise_refusal: bool = True) -> None:
        """Wait for the answer to a line. Raises BadReply for `error:N`, InstrumentAlarm, NoReply, LinkLost."""
        with self._changed:
            if not self._pause(lambda: ticket.closed, timeout_s, call):
                self.out_of_step = True
                why = f"{ticket.line!r} was not answered within {timeout_s:g} s"
                raise NoReply(f"{self.describe()}: {call}: {why}")
        if ticket.lost is not None:
            kind = LinkLost if self.lost else InstrumentAlarm
            why = "" if self.alarm is not None else f": {ticket.lost}"
            raise kind(f"{self.describe()}: {call} was cut short{why}")
        if raise_refusal and isinstance(ticket.answer, Refused):
            raise BadReply(f"{self.describe()}: refused {call}: {error_text(ticket.answer.code)}")

    def call(self, line: str, timeout_s: float | None = None, call: str = "") -> tuple[Message, ...]:
        """Send one line with nothing else open, wait for its answer; answers what was pushed meanwhile.

        call: what messages name, the line itself by default.
        """
        call = call or line
        limit_s = self._reply_s if timeout_s is None else timeout_s
        with self._sending:
            with self._changed:
                self._wait(lambda: not len(self._window), limit_s, call, "earlier lines were not answered")
                self._heard = heard = []
            try:
                self.settle(self.send(line, limit_s), limit_s, call)
            finally:
                with self._changed:
                    self._heard = None
        return tuple(heard)

    def report(self, timeout_s: float | None = None) -> Status:
        """Ask for a status report. A query may go unanswered, so it is repeated. Raises NoReply, LinkLost."""
        limit_s = self._reply_s if timeout_s is None else timeout_s
        with self._changed:
            seen, deadline = self._reports, time.monotonic() + limit_s

            def heard() -> bool:
                return self._reports != seen or self.alarm is not None

            while self._reports == seen:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise NoReply(f"{self.describe()}: no status report within {limit_s:g} s")
                if self.alarm is not None:  # it may be silent until it is reset
                    raise InstrumentAlarm(f"{self.describe()}: no status report")
                self._link.write(protocol.STATUS)
                self._pause(heard, min(left_s, ASK_AGAIN_S), "a status query")
            return self._status or Status(State.UNKNOWN, "?")

    def wait(self, done: Callable[[], bool], timeout_s: float, call: str) -> None:
        """Come back when something is done (judged by what is known, without asking), or after a time."""
        with self._changed:
            self._pause(done, timeout_s, call)

    def reset(self, timeout_s: float | None = None) -> None:
        """Soft reset and wait for the banner: nothing is open on either side afterwards.

        The position survives only when nothing was moving. Raises NoReply, LinkLost.
        """
        limit_s = (self._reply_s if timeout_s is None else timeout_s) + RESET_S
        with self._changed:
            seen, self._resetting = self._banners, True
            self._window.abandon("the controller was reset")
            self._changed.notify_all()
            try:
                self._link.write(protocol.RESET)
                if not self._pause(lambda: self._banners != seen, limit_s, "a reset"):
                    raise NoReply(f"{self.describe()}: no banner within {limit_s:g} s after a reset")
            finally:
                self._resetting = False
                self._changed.notify_all()

    def learn(self) -> None:
        """Read build information ($I) and settings ($$), and take the size of the receive buffer from them."""
        self.build = [one for one in self.call("$I") if isinstance(one, Feedback)]
        for size in filter(None, map(protocol.buffer_bytes, self.build)):
            self._window.capacity = max(size, 16)
        self.read_settings()

    def read_settings(self) -> dict[str, str]:
        found = {one.key: one.value for one in self.call("$$") if isinstance(one, Setting)}
        self.settings = found
        return found

    def begin_again(self, timeout_s: float) -> None:
        """Forget all that is open and known; wait for a lost link to come back. Raises LinkLost."""
        with self._changed:
            back = self._changed.wait_for(lambda: self._link.state.name != "LOST", timeout_s)
            if not back or self._link.state.name != "OPEN":
                raise LinkLost(f"{self.describe()}: the link is {self._link.state.name.lower()}")
            self._window.abandon("the conversation began anew")
            self.lost = self.alarm = self.last_alarm = self._status = self._offset = None
            self.position_lost = True
            self._changed.notify_all()

    # -- listening -------------------------------------------------------------------------------

    def _receive(self, line: bytes, _when_ns: int) -> None:
        message = protocol.parse(line)
        with self._changed:
            if self._heard is not None:
                self._heard.append(message)
            match message:
                case Ok() | Refused():
                    if self._window.answered(message) is None and self.alarm is None and not self._resetting:
                        self.out_of_step = True  # an answer too many: whose it was cannot be told
                case Status():
                    self._take(message)
                case Alarm(code):
                    self._alarmed(code)
                case Banner():
                    self._restarted()
            self._changed.notify_all()

    def _link_changed(self, state: Enum) -> None:
        with self._changed:
            if state.name != "OPEN":
                self.lost = f"the link was {state.name.lower()}"
                self.position_lost = True
                self._window.abandon(self.lost)
            self._changed.notify_all()

    def _take(self, status: Status) -> None:
        if status.offset is not None:
            self._offset = status.offset
        if status.machine is None and status.work is None and self._status is not None:
            last = self._status  # a position that came garbled, or not at all
            status = replace(status, machine=last.machine, work=last.work)
        self._status = status
        self._reports += 1

    def _alarmed(self, code: int) -> None:
        self.alarm = self.last_alarm = code
        self.position_lost |= code not in POSITION_KEPT
        self._window.abandon(alarm_text(code))

    def _restarted(self) -> None:
        self._banners += 1
        self.out_of_step = False
        if not self._resetting and self.alarm is None:
            self.restarts += 1
            self.position_lost = True
        self.alarm = self._status = self._offset = None  # the first report after a reset brings all
        self._window.abandon("the controller restarted, unasked")

    # -- waiting ---------------------------------------------------------------------------------

    @property
    def _unit_mm(self) -> float:
        try:
            return MM_PER_INCH if float(self.settings.get("13", "0")) else 1.0
        except ValueError:
            return 1.0

    def _wait(self, done: Callable[[], bool], timeout_s: float, call: str, why: str) -> None:
        if not self._pause(done, timeout_s, call):
            raise NoReply(f"{self.describe()}: {call}: {why} within {timeout_s:g} s")

    def _pause(self, done: Callable[[], bool], timeout_s: float, call: str) -> bool:
        """Wait for a condition; False when it does not come. Raises LinkLost. The caller holds `_changed`."""
        self._changed.wait_for(lambda: self.lost is not None or done(), timeout_s)
        if self.lost is not None:
            raise LinkLost(f"{self.describe()}: {call}: {self.lost}")
        return done()
