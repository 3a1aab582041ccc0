"""The console of the device under test: what it runs, what it heard, and its few commands.

The device talks when it likes. Every line is read as it comes, kept as harmless text, and held against the
patterns of the rig file; an answer to a command is the first line after it that the answer's pattern fits.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from rigs.console_patterns import ConsoleEvent, ConsolePatterns, EventPattern, Identity
from rigs.console_text import escaped, plain
from rigs.errors import BadReply, LinkLost, NoReply, RigError
from rigs.links import Link, LinkState
from rigs.profile import Instrument

__all__ = [
    "ClockReading",
    "ConsoleEvent",
    "ConsoleLine",
    "ConsolePatterns",
    "DeviceConsole",
    "EventPattern",
    "Identity",
    "Mark",
]

REPLY_S = 2.0
KEPT_LINES = 5_000
KEPT_EVENTS = 100_000
BOOT_LINES = 2_000
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class ConsoleLine:
    """One line as it is kept: printable, no markup. monotonic_ns: when it came in."""

    monotonic_ns: int
    text: str


@dataclass(frozen=True)
class Mark:
    """A moment on a console: how many lines, events and starts were seen before it."""

    monotonic_ns: int
    lines: int
    events: int
    boots: int


@dataclass(frozen=True)
class ClockReading:
    """The device's clock between two moments of the lab's: it read `device_time_s` after sent, before received."""

    device_time_s: float
    sent_ns: int
    received_ns: int

    def monotonic_ns(self, device_time_s: float) -> int:
        """The lab's time of a moment on the device's clock, good to half the time the question took."""
        middle = (self.sent_ns + self.received_ns) // 2
        return middle + round((device_time_s - self.device_time_s) * 1e9)


class DeviceConsole:
    """Reads and asks one device. Safe to call from any thread; one question at a time.

    link: open, with a line terminator. power: switches the device off and on again, where the rig can.
    name: of the device in messages.
    """

    def __init__(
        self,
        link: Link,
        patterns: ConsolePatterns,
        power: Callable[[], None] | None = None,
        name: str = "device",
    ) -> None:
        self.name = name
        self._link = link
        self._patterns = patterns
        self._power = power
        self._news = threading.Condition()
        self._one_question = threading.Lock()
        self._lines: deque[tuple[ConsoleLine, str]] = deque(maxlen=KEPT_LINES)
        self._events: deque[ConsoleEvent] = deque(maxlen=KEPT_EVENTS)
        self._seen_lines = self._seen_events = self._boots = self._readies = 0
        self._boot_log: list[str] = []
        self._booting = False
        self._losses = 0
        link.subscribe(self._take)
        link.subscribe_state(self._note_link)

    # What it said

    def mark(self) -> Mark:
        with self._news:
            return Mark(time.monotonic_ns(), self._seen_lines, self._seen_events, self._boots)

    def events_since(self, mark: Mark) -> list[ConsoleEvent]:
        """Events after a mark, in the order they came. Raises BadReply when there were more than are kept."""
        with self._news:
            return _tail(self._events, self._seen_events, mark.events, f"{self.name}: console: events")

    def lines_since(self, mark: Mark) -> list[ConsoleLine]:
        """Lines after a mark, harmless text. Raises BadReply when there were more than are kept."""
        with self._news:
            kept = _tail(self._lines, self._seen_lines, mark.lines, f"{self.name}: console: lines")
        return [line for line, _ in kept]

    def boots_since(self, mark: Mark) -> int:
        """How often the device has started since a mark; anything but 0 spoils a trial."""
        with self._news:
            return self._boots - mark.boots

    @property
    def boot_log(self) -> tuple[str, ...]:
        """The lines of the last start that was seen, harmless text; empty before the first."""
        with self._news:
            return tuple(self._boot_log)

    # What it is asked

    def identify(self, timeout_s: float = REPLY_S) -> Identity:
        """Version, build and hash. Asks twice: the first characters on a console just opened may be lost.

        Raises NoReply, BadReply, LinkLost.
        """
        command = self._patterns.identify_command
        try:
            return self._ask(command, self._patterns.identity_in, timeout_s / 2)
        except (NoReply, BadReply):
            return self._ask(command, self._patterns.identity_in, timeout_s / 2)

    def read_clock(self, timeout_s: float = REPLY_S) -> ClockReading:
        """The device's clock. Raises NoReply, BadReply, LinkLost, or RigError when it has no such command."""
        if self._patterns.clock_command is None:
            raise RigError(f"{self.name}: read clock refused: its profile has no clock_command")
        sent = time.monotonic_ns()
        device_time_s = self._ask(self._patterns.clock_command, self._patterns.clock_in, timeout_s)
        return ClockReading(device_time_s, sent, time.monotonic_ns())

    def set_sensitivity(self, label: str, value: float | str, timeout_s: float = REPLY_S) -> None:
        """Set how readily a label is reported, in the device's own unit (often a threshold).

        Without a pattern `accepted` there is no answer to wait for. Raises NoReply, BadReply (refused), LinkLost.
        """
        template, accepted = self._patterns.sensitivity_command, self._patterns.accepted
        if template is None:
            raise RigError(
                f"{self.name}: set sensitivity of {label} refused: its profile has no sensitivity_command"
            )
        setting = value if isinstance(value, str) else f"{value:g}"
        command = template.format(label=self._patterns.device_word(label), value=setting)
        if accepted is None:
            self._send(command)
            return
        self._ask(command, lambda text: re.search(accepted, text), timeout_s)

    def reset(self, timeout_s: float = 30.0) -> tuple[str, ...]:
        """Restart by command, or by power where there is none; returns the boot log once the device is ready.

        Raises NoReply when it is not ready in time, LinkLost when the console has not come back.
        """
        command = self._patterns.reset_command
        if command is None:
            return self.power_cycle(timeout_s)
        return self._restart(lambda: self._send(command), "reset", timeout_s)

    def power_cycle(self, timeout_s: float = 30.0) -> tuple[str, ...]:
        """Switch the device off and on; returns the boot log once it is ready. Raises as `reset` does."""
        if self._power is None:
            raise RigError(f"{self.name}: power cycle refused: nothing in the rig switches its power")
        return self._restart(self._power, "power cycle", timeout_s)

    # How

    def _take(self, line: bytes, monotonic_ns: int) -> None:
        """One line from the link's reader thread."""
        text, kept = plain(line), escaped(line)
        event = self._patterns.event(text, monotonic_ns)
        booted = self._patterns.boot is not None and re.search(self._patterns.boot, text) is not None
        ready = self._patterns.ready is not None and re.search(self._patterns.ready, text) is not None
        with self._news:
            self._lines.append((ConsoleLine(monotonic_ns, kept), text))
            self._seen_lines += 1
            if event is not None:
                self._events.append(event)
                self._seen_events += 1
            if booted:
                self._boots += 1
                self._booting, self._boot_log = True, []
            if self._booting and len(self._boot_log) < BOOT_LINES:
                self._boot_log.append(kept)
            if ready:
                self._readies += 1
                self._booting = False
            self._news.notify_all()

    def _send(self, command: str) -> None:
        if not command.isprintable():
            raise RigError(
                f"{self.name}: {escaped(command)!r} refused: a command is one line of printable text"
            )
        self._link.write((command + self._patterns.newline).encode())

    def _ask(self, command: str, read: Callable[[str], _Answer | None], timeout_s: float) -> _Answer:
        """Send a command and wait for the line that `read` makes sense of."""
        refused = self._patterns.refused
        with self._one_question:
            at, losses = self.mark(), self._losses
            self._send(command)
            deadline = time.monotonic() + timeout_s
            looked = at.lines
            while True:
                with self._news:
                    fresh = [text for _, text in _newest(self._lines, self._seen_lines - looked)]
                    looked = self._seen_lines
                for text in fresh:
                    if (answer := read(text)) is not None:
                        return answer
                    if refused is not None and re.search(refused, text):
                        raise BadReply(f"{self.name}: {command!r} was answered with {escaped(text)!r}")
                if not self._wait(lambda seen=looked: self._seen_lines > seen, deadline, losses):
                    restarted = " (it restarted meanwhile)" if self.boots_since(at) else ""
                    raise NoReply(f"{self.name}: no answer to {command!r} within {timeout_s:g} s{restarted}")

    def _restart(self, act: Callable[[], None], what: str, timeout_s: float) -> tuple[str, ...]:
        patterns = self._patterns
        if patterns.boot is None and patterns.ready is None:
            raise RigError(f"{self.name}: {what} refused: its profile has neither boot nor ready")
        deadline = time.monotonic() + timeout_s
        with self._one_question:
            with self._news:
                boots, readies = self._boots, self._readies
                if patterns.boot is None:
                    self._booting, self._boot_log = True, []
            act()
            # A link that goes away with the device's power comes back with it.
            if not self._wait(lambda: self._is_up(boots, readies), deadline):
                if self._link.state is not LinkState.OPEN:
                    raise LinkLost(f"{self.name}: {what}: the console has not come back in {timeout_s:g} s")
                said = "started but is not ready" if self._boots > boots else "has not started"
                raise NoReply(f"{self.name}: {what}: {said} after {timeout_s:g} s")
        return self.boot_log

    def _is_up(self, boots: int, readies: int) -> bool:
        """A start was seen since, and its end; where the profile lacks one of the two, the other alone counts."""
        started = self._patterns.boot is None or self._boots > boots
        # Without a pattern for its end, a start is taken to end at once.
        ended = self._patterns.ready is None or (self._readies > readies and not self._booting)
        return started and ended

    def _wait(self, happened: Callable[[], bool], deadline: float, losses: int | None = None) -> bool:
        """Wait for news until `happened`; False at the deadline. Raises LinkLost at the first loss after `losses`."""
        with self._news:
            while not happened():
                if losses is not None and self._losses > losses:
                    raise LinkLost(f"{self.name}: the console's link was lost while its answer was awaited")
                left = deadline - time.monotonic()
                if left <= 0.0:
                    return False
                self._news.wait(left)
        return True

    def _note_link(self, state: LinkState) -> None:
        with self._news:
            if state is not LinkState.OPEN:
                self._losses += 1
            self._news.notify_all()


def _newest(kept: deque, count: int) -> list:
    """The last `count` of what is kept, or as many as there are."""
    return list(islice(kept, max(0, len(kept) - count), None))


def _tail(kept: deque, seen: int, at: int, what: str) -> list:
    if seen - at > len(kept):
        raise BadReply(f"{what}: {seen - at} came in since the mark, only the last {len(kept)} are kept")
    return _newest(kept, seen - at)


INSTRUMENT = Instrument(profile=ConsolePatterns, driver=DeviceConsole)
