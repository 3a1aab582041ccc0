"""An instrument that speaks SCPI, made from a profile: what the profile may say it obeys, all else is an error.

Strict as IEEE 488.2 has it: an error brings no reply, only an entry in the error queue and a bit in the
event status register. Lines may hold several messages, joined by `;`; mnemonics are short or long, in
either case. A setting that a profile's command makes can be asked for, `VOLT 5` then `VOLT?`.
"""

from __future__ import annotations

import re
from collections import deque

from rigs.scpi_profile import Command, ScpiProfile

QUEUE = 20
COMMAND_ERROR, EXECUTION_ERROR = 32, 16
UNDEFINED = (-113, "Undefined header", COMMAND_ERROR)
WRONG_TYPE = (-104, "Data type error", COMMAND_ERROR)
NOT_ALLOWED = (-108, "Parameter not allowed", COMMAND_ERROR)
MISSING = (-109, "Missing parameter", COMMAND_ERROR)
OUT_OF_RANGE = (-222, "Data out of range", EXECUTION_ERROR)


class _Error(Exception):
    pass


class ScpiEmulator:
    """answers: reply by header, such as `MEAS:SPL?`, from the profile's examples. settings: what was last told,
    by header. heard: messages as they came."""

    def __init__(self, profile: ScpiProfile):
        self._profile = profile
        self._line = bytearray()
        self.heard: list[str] = []
        self.answers = {query.send: query.example for query in profile.queries.values()}
        self._blocks = {query.send for query in profile.queries.values() if query.reply == "block"}
        self._silent = {line for query in profile.queries.values() for line in query.before}
        self._silent |= {*profile.opening, *profile.safe}
        self.reboot()

    def feed(self, data: bytes) -> bytes:
        self._line += data
        end = self._profile.terminator.encode()
        reply = b""
        while end in self._line:
            line, _, rest = bytes(self._line).partition(end)
            self._line[:] = rest
            reply += self._execute(line.decode("ascii", "replace").strip())
        return reply

    def tick(self) -> bytes:
        return b""

    def reboot(self) -> bytes:
        self._line.clear()
        self.settings: dict[str, str] = {}
        self._errors: deque[tuple[int, str]] = deque()
        self._events = 0
        return b""

    def damage(self, reply: bytes) -> bytes:
        """A bit that fell over on the way; SCPI has no checksum that would tell."""
        return bytes([reply[0] ^ 0x80]) + reply[1:]

    def _execute(self, line: str) -> bytes:
        replies = []
        for message in filter(None, (part.strip().lstrip(":") for part in _split(line))):
            self.heard.append(message)
            try:
                if (reply := self._message(message)) is not None:
                    replies.append(reply)
            except _Error as error:
                self._remember(*error.args[0])
                break  # the rest of the line is not executed
        return b";".join(replies) + self._profile.reply_terminator.encode() if replies else b""

    def _message(self, message: str) -> bytes | None:
        header, _, value = message.partition(" ")
        error_query = self._profile.error_query
        if error_query and _same(message, error_query):
            code, text = self._errors.popleft() if self._errors else (0, "No error")
            return f'{code},"{text}"'.encode()
        common = self._common(header.upper(), value)
        if common is not None:
            return common or None
        for send, answer in self.answers.items():
            if _same(message, send):
                return _block(answer) if send in self._blocks else answer.encode()
        for command in self._profile.commands.values():
            own = command.send.partition(" ")[0]
            if _same(header, own):
                return self._tell(own, command, value.strip())
            if _same(header, own + "?") and own in self.settings:
                return self.settings[own].encode()
        if any(_same(message, line) for line in self._silent):
            return None
        raise _Error(UNDEFINED)

    def _common(self, header: str, value: str) -> bytes | None:
        """The reply to a common command, empty where it has none; None for other headers."""
        if not header.startswith("*"):
            return None
        if value:
            raise _Error(NOT_ALLOWED)
        if header == "*IDN?":
            return (self._profile.example_identity or "EARSHOT,EMULATED,0,1.0").encode()
        if header == "*OPC?":
            return b"1"
        if header == "*ESR?":
            events, self._events = self._events, 0
            return str(events).encode()
        if header in ("*CLS", "*RST"):
            if header == "*CLS":
                self._errors.clear()
                self._events = 0
            else:
                self.settings.clear()
            return b""
        raise _Error(UNDEFINED)

    def _tell(self, header: str, command: Command, value: str) -> None:
        takes = command.send.partition(" ")[2]
        if not takes and value:
            raise _Error(NOT_ALLOWED)
        if takes and not value:
            raise _Error(MISSING)
        if command.choices and value.upper() not in {choice.upper() for choice in command.choices}:
            raise _Error(WRONG_TYPE)
        if takes == "{value}" and not command.choices:
            if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
                raise _Error(WRONG_TYPE)
            if not command.low <= float(value) <= command.high:
                raise _Error(OUT_OF_RANGE)
        self.settings[header] = value

    def _remember(self, code: int, text: str, event: int) -> None:
        self._events |= event
        if len(self._errors) < QUEUE:
            self._errors.append((code, text))
        else:
            self._errors[-1] = (-350, "Queue overflow")


def _split(line: str) -> list[str]:
    """Messages of a line; a `;` inside quotes joins nothing."""
    return re.findall(r"""(?:"[^"]*"|'[^']*'|[^;"'])+""", line)


def _same(said: str, canonical: str) -> bool:
    """Whether a message is this one: `meas:spl?` and `MEASURE:SPL?` are `MEASure:SPL?`."""
    said_parts, parts = re.split(r"[:\s]+", said.strip()), re.split(r"[:\s]+", canonical.lstrip(":"))
    return len(said_parts) == len(parts) and all(map(_same_word, said_parts, parts))


def _same_word(said: str, word: str) -> bool:
    short = re.sub(r"[a-z]", "", word)
    return said.upper() in (word.upper(), short)


def _block(content: str) -> bytes:
    data = content.encode("latin-1")
    length = str(len(data)).encode()
    return b"#" + str(len(length)).encode() + length + data


EMULATOR = ScpiEmulator
