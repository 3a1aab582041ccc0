"""HTTP with one deadline for a whole exchange: a timeout of the socket alone would start anew with every byte that drips in."""

from __future__ import annotations

import http.client
import io
import socket
import time


class Connection(http.client.HTTPConnection):
    """connect_s: the longest that reaching somebody may take. deadline: on the clock of `time.monotonic`; past it every call
    raises TimeoutError."""

    def __init__(self, host: str, port: int, connect_s: float, deadline: float) -> None:
        super().__init__(host, port, timeout=connect_s)
        self._deadline = deadline
        self._plain: socket.socket | None = None

    def connect(self) -> None:
        super().connect()
        self._plain = self.sock
        self.sock = _Socket(self._plain, self._deadline)

    def hang_up(self) -> None:
        """The exchange is over."""
        self.close()
        if self._plain is not None:
            self._plain.close()


class _Socket:
    """The part of a socket that http.client uses, each call with what is left of the time."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain, self._deadline = plain, deadline

    def sendall(self, data: bytes) -> None:
        self._plain.settimeout(_left(self._deadline))
        self._plain.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._plain, self._deadline))

    def close(self) -> None:
        """http.client closes before it reads the last answer of a connection; `hang_up` does it."""


class _Incoming(io.RawIOBase):
    def __init__(self, plain: socket.socket, deadline: float) -> None:
        super().__init__()
        self._plain, self._deadline = plain, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        self._plain.settimeout(_left(self._deadline))
        return self._plain.recv_into(buffer)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0.0:
        raise TimeoutError("deadline")
    return left
