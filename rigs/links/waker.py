"""A way to wake a thread that waits in `select`."""

from __future__ import annotations

import os
import threading
from contextlib import suppress


class Waker:
    """A pipe that turns readable on `wake`. Waking a closed one does nothing."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._open = True

    def fileno(self) -> int:
        return self._read

    def wake(self) -> None:
        with self._lock, suppress(BlockingIOError):
            if self._open:  # the number may belong to another file by now
                os.write(self._write, b"w")

    def clear(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._read, 4096)

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._read)
                os.close(self._write)
