"""Whoever may be at the other end of the wire: the real service as a process, and servers that misbehave."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.verifier.little_verifier import FILE

ROOT = Path(__file__).parents[2]
GOOD = b'{"format": "earshot-verdict/1", "label": "glass_break", "confirmed": true, "score": 0.75}'


@contextmanager
def service(*options: str, **process_options) -> Iterator[tuple[str, subprocess.Popen]]:
    """`lab verifier serve` on a free port with the little verifier: its address and process."""
    command = "import sys; sys.path.insert(0, sys.argv.pop(1)); from lab.commands.main import main; main()"
    arguments = ["verifier", "serve", "--port", "0", "--model", str(FILE), *options]
    with subprocess.Popen(
        [sys.executable, "-c", command, str(ROOT), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **process_options,
    ) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("verifier at http://"), line + process.stderr.read()
            yield line.split()[-1], process
        finally:
            process.kill()


@dataclass
class Peer:
    """A TCP server that reads a whole request and then lets `answer` do what it likes with the connection."""

    answer: Callable[[socket.socket], None]
    requests: list[bytes] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.requests.append(_request(connection))
                self.heard.set()
                self.answer(connection)
            except OSError:  # the client has gone, as it may
                pass


@contextmanager
def peer(answer: Callable[[socket.socket], None]) -> Iterator[Peer]:
    one = Peer(answer)
    try:
        yield one
    finally:
        one.close()


def saying(body: bytes, status: str = "200 OK") -> Callable[[socket.socket], None]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + body)


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise OSError("the client has gone")
    return piece
