"""Keeping an eye on a stage: its state, whether it is at rest, and waiting for it, with a way out."""

from __future__ import annotations

import time
from collections.abc import Callable

from rigs.errors import InstrumentAlarm, NoReply, RigError
from rigs.grbl.controller import Controller
from rigs.grbl.limits import in_words
from rigs.grbl.profile import StageProfile
from rigs.grbl.protocol import State
from rigs.grbl.window import Ticket

_RESTING = frozenset({State.IDLE, State.ALARM, State.CHECK, State.SLEEP})


class Watch:
    """Looks at a stage through its controller. A stage that takes too long or falls silent is told to stop."""

    def __init__(self, controller: Controller, profile: StageProfile) -> None:
        self._controller = controller
        self._profile = profile

    @property
    def state(self) -> State:
        """Of the last report; ALARM as soon as one is in force."""
        if self._controller.alarm is not None:
            return State.ALARM
        status = self._controller.status
        return status.state if status else State.UNKNOWN

    @property
    def position_mm(self) -> dict[str, float]:
        """Place on the stage at the last report, by axis; empty while it cannot be told."""
        machine = self._controller.machine_mm or ()
        zero = self._profile.zero_mm
        return {a: value - zero.get(a, 0.0) for a, value in zip(self._profile.axes, machine, strict=False)}

    def where(self) -> str:
        """`stage rail (Run) at x 12 mm`, for the head of a message."""
        position = self.position_mm
        return self._controller.describe() + (f" at {in_words(position)} mm" if position else "")

    def halt(self) -> None:
        """The safe bytes at once, waiting for nothing."""
        for data in self._profile.safe_bytes():
            self._controller.realtime(data)

    def refresh(self) -> State:
        """Ask for a report and answer the state. Raises NoReply, LinkLost."""
        if self._controller.alarm is None:  # with an alarm in force it may be silent until reset
            try:
                self._controller.report()
            except InstrumentAlarm:
                pass
        return self.state

    def at_rest(self) -> bool:
        """Whether nothing moves, nor will by itself. Asks twice: a move just taken is not reported at once."""
        for _ in range(2):
            self.refresh()
            if not self.still():
                return False
        return True

    def still(self) -> bool:
        state, status = self.state, self._controller.status
        if state is State.HOLD or state is State.DOOR:
            return status is not None and status.sub not in ({1} if state is State.HOLD else {2, 3})
        return state in _RESTING and (state is State.ALARM or not self._controller.unanswered)

    def answered(self, ticket: Ticket, timeout_s: float, call: str) -> None:
        """Wait for the answer to a line, also through a hold, during which a controller answers nothing."""
        self._controller.wait(lambda: ticket.closed, 1.0 / self._profile.poll_hz, call)
        if not ticket.closed:
            self.until(lambda: ticket.closed, timeout_s, call)
        self._controller.settle(ticket, 0.0, call)

    def until(self, done: Callable[[], bool], timeout_s: float, call: str) -> None:
        """Poll until done; time on hold does not count. Stops the stage when it takes too long."""
        polled = time.monotonic()
        deadline = polled + timeout_s
        while True:
            held = self.ask(call) in (State.HOLD, State.DOOR)
            if done():
                return
            self._controller.wait(done, 1.0 / self._profile.poll_hz, call)
            now = time.monotonic()
            deadline, polled = deadline + (now - polled if held else 0.0), now
            if now > deadline:
                raise self.stopped(f"{self.where()}: {call} did not end within {timeout_s:g} s")

    def until_rest(self, timeout_s: float, call: str) -> None:
        self.until(self.still, timeout_s, call)
        while not self.at_rest():
            self.until(self.still, timeout_s, call)

    def ask(self, call: str) -> State:
        """The state; a stage that does not tell it may be moving, and is stopped."""
        try:
            return self.refresh()
        except NoReply as silence:
            raise self.stopped(f"{self.where()}: {call}: it does not answer") from silence

    def stopped(self, why: str) -> NoReply:
        try:
            self.halt()
        except RigError as error:
            return NoReply(f"{why}; stopping it failed: {error}")
        return NoReply(f"{why}; it was told to stop")
