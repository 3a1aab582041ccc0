"""The log of a wire: every byte with the time it passed, written at once, readable and harmless.

One line a record, tab-separated: monotonic time in ns, `rx`, `tx` or `--` (a remark), the bytes. Printable
ASCII stands for itself, everything else is `\\xNN`, so control characters and escape sequences of a device
never reach a terminal, and the bytes can be read back exactly.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from rigs.errors import RigError


class Direction(StrEnum):
    RECEIVED = "rx"
    SENT = "tx"
    REMARK = "--"


@dataclass(frozen=True)
class WireRecord:
    """at_ns: time.monotonic_ns() when the bytes had arrived, or right before they were sent."""

    at_ns: int
    direction: Direction
    data: bytes


class WireLog:
    """Appends records to a file, one system call each, so a killed process loses none of them."""

    def __init__(self, path: Path) -> None:
        """Raises RigError when the file cannot be opened."""
        self.fault: str | None = None
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RigError(
                f"log {path} cannot be opened ({error.strerror}); nothing is sent unlogged"
            ) from error
        # The only use of the wall clock: it tells a reader when this was, no span is computed from it.
        self.add(Direction.REMARK, f"opened {datetime.now().astimezone().isoformat()}".encode())

    def add(self, direction: Direction, data: bytes, at_ns: int | None = None) -> None:
        """Append one record. A full disk does not stop a link: the first failure is kept in `fault`."""
        at_ns = time.monotonic_ns() if at_ns is None else at_ns
        record = f"{at_ns}\t{direction}\t{escape(data)}\n".encode()
        try:
            while record:
                record = record[os.write(self._file, record) :]
        except OSError as error:
            self.fault = self.fault or f"{self._path}: {error.strerror}"

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


_ESCAPED = [chr(b) if 0x20 <= b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in range(256)]


def escape(data: bytes) -> str:
    """Bytes as printable ASCII."""
    return "".join([_ESCAPED[byte] for byte in data])


def unescape(text: str) -> bytes:
    """The bytes that `escape` was given."""
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")


def read_log(path: Path) -> tuple[WireRecord, ...]:
    """All whole records of a log; a last line cut short by a crash or a full disk is left out."""
    records = []
    for line in path.read_text(encoding="ascii").split("\n")[:-1]:
        at_ns, direction, text = line.split("\t", 2)
        records.append(WireRecord(int(at_ns), Direction(direction), unescape(text)))
    return tuple(records)
