"""Which process holds a locked file, for messages to people."""

from __future__ import annotations

import os
from pathlib import Path


def holder_of(path: str | Path) -> str:
    """`process 1234 (lab run ...)` for the process whose flock is on this file, else `another process`."""
    try:
        file = os.stat(path)
        place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            # Those who wait for a lock are listed below who has it, with an arrow.
            if fields[1] == "FLOCK" and fields[-3] == place:
                return describe(int(fields[-4]))
    except (OSError, ValueError, IndexError):
        pass  # no /proc, or a lock taken in another container
    return "another process"


def describe(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        words = ""
    return f"process {pid} ({words.strip()[:80]})" if words.strip() else f"process {pid}"
