"""Instruments that speak SCPI over a serial line: level meter, supply, generator. The model is its profile.

IEEE 488.2 and SCPI-99: a command or query is a line of ASCII; a query brings one line back. A bad command
brings nothing at all: a query then runs into its timeout, and the reason waits in the error queue
(`SYST:ERR?` until `0,"No error"`). That queue is also the fence after a timeout: the instrument answers in
order, so whatever comes before the answer of the queue belongs to an earlier query, and is dropped.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rigs.errors import BadReply, InstrumentAlarm, NoReply, RigError, Unsafe
from rigs.links import Link, LinkState
from rigs.profile import Instrument
from rigs.scpi_profile import Command, ScpiProfile
from rigs.scpi_replies import ERROR, block_end, parse_block, parse_number, parse_text

MOST_ERRORS = 100  # no queue is longer; an instrument that never says "no error" must not hold the lab
LONGEST_ERROR = 4096  # bytes; a flood of noise is not searched again and again from its beginning


@dataclass(frozen=True)
class ScpiIdentity:
    """The four fields of `*IDN?`; fields that are not sent are empty."""

    maker: str
    model: str
    serial_number: str
    firmware: str


class ScpiInstrument:
    """An instrument behind an open link.

    Making one checks that it is the model the profile is for and sends the opening lines; so does the first
    call after the link was lost, for what is plugged in again has been without power, or is another one.
    """

    def __init__(self, link: Link, profile: ScpiProfile, name: str = "scpi"):
        self.name, self._link, self._profile = name, link, profile
        self._fenced = False  # what is left over from before is dropped first
        self._ready = False
        link.subscribe_state(self._on_link)
        self._prepare()

    def identity(self) -> ScpiIdentity:
        """Who it says it is. Raises BadReply when that is another model than the profile's."""
        reply = self.ask("*IDN?")
        if not re.search(self._profile.identity, reply):
            raise BadReply(
                f'{self.name}: says it is "{reply[:80]}", where the profile wants {self._profile.identity}'
            )
        fields = [part.strip() for part in reply.split(",", 3)]
        return ScpiIdentity(*fields, *[""] * (4 - len(fields)))

    def read(self, what: str) -> float | str | bytes:
        """One of the profile's queries, by name: a number, text without its quotes, or a block.

        Numbers may be NaN (9.91E37: not measurable) or infinite (9.9E37: overload). Raises BadReply for
        what is no such value or cannot be, InstrumentAlarm with the words of the error queue, NoReply, LinkLost.
        """
        query = self._known(what, self._profile.queries, "read")
        self._prepare()
        timeout_s = query.timeout_s or self._profile.timeout_s
        for line in query.before:
            self.tell(line)
        if query.reply == "block":
            return self.ask_block(query.send, timeout_s)
        reply = self.ask(query.send, timeout_s)
        if query.pattern is not None:
            found = re.search(query.pattern, reply)
            if found is None:
                raise BadReply(f'{self.name}: {query.send}: "{reply[:80]}" does not fit {query.pattern}')
            reply = found[1] or ""
        if query.reply == "text":
            return parse_text(reply)
        try:
            value = parse_number(reply)
        except ValueError as error:
            raise BadReply(f"{self.name}: {query.send}: {error}") from None
        low, high = query.low, query.high
        if math.isfinite(value) and (
            (low is not None and value < low) or (high is not None and value > high)
        ):
            raise BadReply(
                f"{self.name}: {query.send}: {value:g} {query.unit} cannot be: the profile says "
                f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"
            )
        return value

    def set(self, what: str, value: float | str | None = None) -> None:
        """Tell one of the profile's commands, by name. Raises Unsafe, before anything is sent, for a value
        beyond the profile's limits; InstrumentAlarm when the instrument's error queue fills by it."""
        command = self._known(what, self._profile.commands, "set")
        line = command.send.replace("{value}", self._written(what, command, value))
        self._prepare()
        self.tell(line)

    def tell(self, line: str) -> None:
        """Send a line that brings no reply, and read the error queue where the profile says so."""
        self._send(line)
        if self._profile.check and self._profile.error_query:
            self._raise_errors(line)

    def ask(self, line: str, timeout_s: float | None = None) -> str:
        """Send a query; its reply without terminator. Raises InstrumentAlarm, NoReply, BadReply, LinkLost."""
        end = self._profile.reply_terminator.encode()
        raw = self._request(line, lambda received: end in received, timeout_s)
        raw = raw[: raw.find(end)].removesuffix(b"\r")
        if not raw.isascii() or any(byte < 32 and byte != 9 for byte in raw):
            self._fenced = False
            raise BadReply(f"{self.name}: {line}: garbage: {raw[:32].hex(' ')}: check the speed of the line")
        return raw.decode("ascii")

    def ask_block(self, line: str, timeout_s: float | None = None) -> bytes:
        """Send a query that a definite block answers: `#`, digits of the length, length, that many bytes."""
        end = self._profile.reply_terminator.encode()

        def complete(received: bytes) -> bool:
            try:
                return block_end(received, end) is not None
            except ValueError:
                return True  # it can never become a block: no use to wait

        raw = self._request(line, complete, timeout_s)
        try:
            block_end(raw, end)
            return parse_block(raw)
        except ValueError as error:
            self._fenced = False
            raise BadReply(f"{self.name}: {line}: {error}") from None

    def errors(self) -> tuple[str, ...]:
        """Drain the error queue: its entries, oldest first, such as `-113,"Undefined header"`."""
        found: list[str] = []
        while len(found) < MOST_ERRORS:
            entry = self._next_error()
            if int(entry.split(",", 1)[0]) == 0:
                break
            found.append(entry)
        self._fenced = True
        return tuple(found)

    def safe_bytes(self) -> tuple[bytes, ...]:
        return self._profile.safe_bytes()

    def _on_link(self, state: LinkState) -> None:
        """In the link's reader thread."""
        if state is not LinkState.OPEN:
            self._ready = self._fenced = False

    def _prepare(self) -> None:
        if self._ready:
            return
        self._ready = True  # a loss from here on makes it False again
        try:
            if self._profile.identity:
                self.identity()
            for line in self._profile.opening:
                self.tell(line)
        except RigError:
            self._ready = False
            raise

    def _known(self, what: str, table: dict[str, Any], call: str) -> Any:
        if what not in table:
            known = ", ".join(table) or "nothing"
            raise Unsafe(f'{self.name}: refused to {call} "{what}": its profile has {known}')
        return table[what]

    def _written(self, what: str, command: Command, value: float | str | None) -> str:
        refused = f"{self.name}: refused to set {what} to {value!r}"
        if ("{value}" in command.send) is (value is None):
            raise Unsafe(f"{refused}: it takes {'a value' if value is None else 'no value'}")
        if value is None:
            return ""
        if command.choices:
            if value not in command.choices:
                raise Unsafe(f"{refused}: it is one of {', '.join(command.choices)}")
            return str(value)
        if isinstance(value, str | bool) or not command.low <= value <= command.high:
            raise Unsafe(f"{refused}: it is a number from {command.low:g} to {command.high:g} {command.unit}")
        return f"{value:.{command.decimals}f}"

    def _encode(self, line: str) -> bytes:
        if not line.isascii() or not line.isprintable():
            raise Unsafe(f"{self.name}: refused to send {line!r}: commands are one line of printable ASCII")
        return (line + self._profile.terminator).encode("ascii")

    def _send(self, line: str) -> None:
        self._link.write(self._encode(line))
        time.sleep(self._profile.pause_s)

    def _request(self, line: str, complete: Callable[[bytes], bool], timeout_s: float | None) -> bytes:
        if not self._fenced and line != self._profile.error_query:
            self._fence()
        timeout_s = timeout_s or self._profile.timeout_s
        try:
            reply = self._link.request(self._encode(line), until=complete, timeout_s=timeout_s)
        except NoReply:
            self._fenced = False
            self._explain_silence(line, timeout_s)
        time.sleep(self._profile.pause_s)
        return reply

    def _fence(self) -> None:
        """Let what an earlier query left behind come in and be dropped; errors of before are dropped too."""
        if self._profile.error_query:
            self.errors()
        else:
            time.sleep(self._profile.timeout_s)
            self._fenced = True

    def _explain_silence(self, line: str, timeout_s: float) -> None:
        silent = f"{self.name}: {line}: no reply for {timeout_s:g} s"
        if not self._profile.error_query:
            raise NoReply(f"{silent}: check power, speed and terminator, or the command") from None
        try:
            self._raise_errors(line)
        except NoReply:
            raise NoReply(
                f"{silent}, nor to {self._profile.error_query}: check power, cable, speed and terminator"
            ) from None
        raise NoReply(
            f"{silent}, and its error queue is empty: is it busy, or the timeout too short?"
        ) from None

    def _raise_errors(self, line: str) -> None:
        if found := self.errors():
            raise InstrumentAlarm(f"{self.name}: refused {line}: {'; '.join(found)}")

    def _next_error(self) -> str:
        """The next entry of the queue; lines before it are late replies to earlier queries."""
        entry: re.Match[bytes] | None = None

        def complete(received: bytes) -> bool:
            nonlocal entry
            entry = ERROR.search(received[-LONGEST_ERROR:])
            return entry is not None

        query, timeout_s = self._profile.error_query, self._profile.timeout_s
        self._link.request(self._encode(query), until=complete, timeout_s=timeout_s)
        time.sleep(self._profile.pause_s)
        assert entry is not None
        return entry[1].decode("ascii", "backslashreplace")


INSTRUMENT = Instrument(profile=ScpiProfile, driver=ScpiInstrument)
