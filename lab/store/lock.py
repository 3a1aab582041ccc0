"""One writer per store directory, held by the kernel: a killed process leaves no stale lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import ClassVar

from lab.errors import LabFailure

LOCK_NAME = "lab.lock"


class WriterLock:
    """An exclusive lock on DIRECTORY/lab.lock until `release`. Raises LabFailure when someone else holds it.

    A POSIX record lock, because forked workers do not inherit it: when the writer is killed, workers that
    linger block no resume. Such a lock knows processes only, so the same process is held off by a set.
    """

    _held: ClassVar[set[Path]] = set()

    def __init__(self, directory: Path) -> None:
        self._path = (directory / LOCK_NAME).resolve()
        if self._path in self._held:
            raise LabFailure(f"{directory}: this process already has the store open for writing")
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise LabFailure(
                f"{directory}: another process writes to this store; wait for it or use --out"
            ) from error
        self._held.add(self._path)

    def release(self) -> None:
        if self._path in self._held:
            self._held.discard(self._path)
            os.close(self._file)
