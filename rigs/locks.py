"""Leases: one holder for a rig or a shared instrument at a time, across processes.

A lease is an flock on a file named after the rig, so it ends with the process that holds it, however that
ends. The file says who holds it, for people; a record left by a process that is gone is taken over, and
said so.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

from rigs.errors import RigBusy

SUFFIX = ".lock"
PATIENCE_S = 1.0  # for a holder that is just going, or whose guardian still makes the rig safe


@dataclass(frozen=True)
class Holder:
    """Who holds a lease. since: wall-clock time, for people only. held: the lock itself is in force."""

    name: str
    owner: str
    pid: int
    host: str
    since: str
    purpose: str
    held: bool = True

    @property
    def alive(self) -> bool:
        """Whether the process is there, as far as this machine can tell."""
        if self.host != socket.gethostname():
            return True
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        return state not in "ZX"  # a zombie holds nothing any more

    def __str__(self) -> str:
        who = f"{self.owner} on {self.host}, process {self.pid}, since {self.since}, for {self.purpose!r}"
        if self.alive:
            return who
        return who + (" (ended; its guardian is still making the rig safe)" if self.held else " (ended)")


class Lease:
    """A held lease; give it back with `release` or at the end of a `with`.

    holder: this process. taken_over: whose record stood there although its process was gone, None in the
    ordinary case; worth telling, because that process may have left the rig in any state.
    """

    def __init__(self, holder: Holder, taken_over: Holder | None, file: int) -> None:
        self.holder = holder
        self.taken_over = taken_over
        self._file = file

    def fileno(self) -> int:
        """The locked file; a child process that inherits it keeps the lease when this process dies."""
        return self._file

    def release(self) -> None:
        """Give the lease back; does nothing the second time, nor in a forked copy of the holder."""
        if self._file < 0 or os.getpid() != self.holder.pid:
            return
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def default_folder() -> Path:
    """Where all users of this machine keep leases: `EARSHOT_LOCKS`, /run/lock/earshot or the temporary folder."""
    if chosen := os.environ.get("EARSHOT_LOCKS"):
        return Path(chosen)
    system = Path("/run/lock")
    return (system if os.access(system, os.W_OK) else Path(tempfile.gettempdir())) / "earshot"


def lease(name: str, purpose: str, folder: Path | None = None) -> Lease:
    """Take the lease on a rig or a shared instrument.

    name: any text. purpose: what it is taken for, shown to whoever is refused. Raises RigBusy, naming the
    holder, when another process has it.
    """
    path = _path(name, folder)
    file = _open(path)
    try:
        before = _lock(file, name)
    except BaseException:
        os.close(file)
        raise
    holder = Holder(
        name,
        _user(),
        os.getpid(),
        socket.gethostname(),
        datetime.now().astimezone().isoformat("T", "seconds"),
        purpose,
    )
    record = {key: value for key, value in asdict(holder).items() if key != "held"}
    os.ftruncate(file, 0)
    os.pwrite(file, json.dumps(record).encode(), 0)
    return Lease(holder, before, file)


def holders(folder: Path | None = None) -> tuple[Holder, ...]:
    """Who holds what, by name; with records that ended processes left behind (`held` is false)."""
    folder = folder or default_folder()
    return tuple(_holders(sorted(folder.glob(f"*{SUFFIX}")))) if folder.is_dir() else ()


def _holders(paths: list[Path]) -> Iterator[Holder]:
    for path in paths:
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            held = _is_held(file)
            if record := _read(file, unquote(path.name.removesuffix(SUFFIX)), held):
                yield record
        finally:
            os.close(file)


def _is_held(file: int) -> bool:
    """A shared lock for an instant: readers do not disturb each other, and `lease` is patient with them."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _lock(file: int, name: str) -> Holder | None:
    """Take the lock; returns the record that an ended process left. Raises RigBusy."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _read(file, name, held=False)
        except BlockingIOError:
            holder = _read(file, name, held=True)
            # No record: someone is looking, or just taking or giving it back. Ended: its guardian is at work.
            if (holder and holder.alive) or time.monotonic() > deadline:
                raise RigBusy(
                    f"{name} is in use by {holder or 'another process'}; taking it was refused"
                ) from None
            time.sleep(0.02)


def _read(file: int, name: str, held: bool) -> Holder | None:
    """The record in a lock file, None when there is none or it cannot be read."""
    try:
        record = json.loads(os.pread(file, 65536, 0))
        return Holder(
            name=name,
            owner=_printable(record["owner"]),
            pid=int(record["pid"]),
            host=_printable(record["host"]),
            since=_printable(record["since"]),
            purpose=_printable(record["purpose"]),
            held=held,
        )
    except (ValueError, KeyError, TypeError):
        return None


def _printable(text: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(text))[:200]


def _path(name: str, folder: Path | None) -> Path:
    folder = folder or default_folder()
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            folder.chmod(0o1777)  # every user of the machine may lease
    return folder / (quote(name, safe=" ") + SUFFIX)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)  # without O_CREAT: kernels refuse that for another user's file here
    except FileNotFoundError:
        file = os.open(path, flags | os.O_CREAT, 0o666)
        with suppress(OSError):
            os.fchmod(file, 0o666)
        return file


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
