"""What the lab and its guardian say to each other.

Every instrument has a socket of whole messages. To the guardian: bytes to send, nothing else. To the lab:
one letter, the time (time.monotonic_ns, shared by all processes of a machine) and, by letter, the bytes
received (d) or why the port is lost (l) or open again (o).

One more socket is for control. To the guardian: b beat, r release, t trip with its reason, e the id of a
process to end when tripped, s the lab has stopped what it plays. To the lab: one JSON object a message.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from enum import StrEnum

from rigs.errors import LinkLost
from rigs.links.waker import Waker

PIECE = 4096
SEND_TIMEOUT_S = 2.0
_HEAD = struct.Struct("<cq")


class Word(StrEnum):
    BEAT = "b"
    RELEASE = "r"
    TRIP = "t"
    END = "e"
    STOPPED = "s"


class Kind(StrEnum):
    DATA = "d"
    LOST = "l"
    OPEN = "o"


def pack(kind: Kind, at_ns: int, data: bytes = b"") -> bytes:
    return _HEAD.pack(kind.encode(), at_ns) + data


def unpack(message: bytes) -> tuple[Kind, int, bytes]:
    letter, at_ns = _HEAD.unpack_from(message)
    return Kind(letter.decode()), at_ns, message[_HEAD.size :]


class GuardedLine:
    """The lab's end of one instrument: hands ports to a Link, as often as the guardian opens the real one."""

    def __init__(self, name: str, end: socket.socket) -> None:
        self.name = name
        self.end = end
        self.end.settimeout(SEND_TIMEOUT_S)
        self._open = True

    def connect(self) -> GuardedPort:
        """Raises LinkLost while the guardian has not got the port."""
        while not self._open:
            ready, _, _ = select.select([self.end], [], [], 0)
            if not ready:
                raise LinkLost(f"{self.name}: not plugged in")
            self.receive()
        return GuardedPort(self)

    def receive(self) -> tuple[Kind, int, bytes]:
        """The next message; raises LinkLost when the guardian is gone."""
        try:
            message = self.end.recv(PIECE + _HEAD.size)
        except OSError as error:
            raise LinkLost(f"{self.name}: the guardian has closed the port") from error
        if not message:
            raise LinkLost(f"{self.name}: the guardian has ended")
        kind, at_ns, data = unpack(message)
        if kind is not Kind.DATA:
            self._open = kind is Kind.OPEN
        return kind, at_ns, data

    def close(self) -> None:
        self.end.close()


class GuardedPort:
    """A port (rigs.links.port.Port) whose bytes go through the guardian."""

    def __init__(self, line: GuardedLine) -> None:
        self._line = line
        self._waker = Waker()

    def read(self, timeout_s: float) -> tuple[bytes, int]:
        try:
            ready, _, _ = select.select([self._line.end, self._waker], [], [], timeout_s)
        except (OSError, ValueError) as error:
            raise LinkLost(f"{self._line.name}: released") from error
        if self._line.end not in ready:
            self._waker.clear()
            return b"", time.monotonic_ns()
        kind, at_ns, data = self._line.receive()
        if kind is Kind.LOST:
            raise LinkLost(data.decode(errors="replace"))
        return data, at_ns

    def write(self, data: bytes) -> None:
        """Raises LinkLost when the guardian takes nothing."""
        for start in range(0, len(data), PIECE):
            try:
                self._line.end.send(data[start : start + PIECE])
            except OSError as error:
                raise LinkLost(f"{self._line.name}: the guardian takes no bytes ({error})") from error

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        self._waker.close()
