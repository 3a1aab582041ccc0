"""A step of the wall clock (NTP, daylight saving, a technician) changes nothing on a bench."""

from __future__ import annotations

import ast
import itertools
import time
from pathlib import Path

import pytest

import rigs
from rigs.emulators.wire import PtyServer
from rigs.errors import NoReply
from rigs.links import Link

LONG_S = 30.0
RIGS = Path(rigs.__file__).parent
WALL = {"time", "time_ns", "localtime", "gmtime", "ctime", "now", "utcnow", "today", "fromtimestamp"}
# Text for people: when a log began, since when a rig is held.
FOR_PEOPLE = {"links/log.py": {"now"}, "locks.py": {"now"}}
WATCHED = [
    *sorted((RIGS / "links").glob("*.py")),
    *sorted((RIGS / "guardian").glob("*.py")),
    RIGS / "locks.py",
    RIGS / "emulators/wire.py",
]


def wall_clock_calls(file: Path) -> set[str]:
    """Names of wall-clock functions that a file calls, as `time.time()` or `datetime.now()`."""
    calls = (node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    called = {
        f.attr for f in calls if isinstance(f, ast.Attribute) and ast.unparse(f.value) in ("time", "datetime")
    }
    imported = {
        name.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for name in node.names
    }
    return (called | imported) & WALL


@pytest.mark.parametrize("file", WATCHED, ids=lambda file: str(file.relative_to(RIGS)))
def test_only_text_for_people_asks_the_wall_clock(file: Path):
    assert wall_clock_calls(file) <= FOR_PEOPLE.get(str(file.relative_to(RIGS)), set())


def test_requests_and_timeouts_hold_while_the_clock_jumps(
    link: Link, wire: PtyServer, monkeypatch: pytest.MonkeyPatch
):
    jumps = itertools.cycle([0.0, 7200.0, -7200.0, 1e9, -1e9])
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + next(jumps))
    for number in range(20):
        assert link.request(b"%d\n" % number, timeout_s=LONG_S) == b"%d\n" % number
    wire.set_faults(silence=True)
    began = time.monotonic()
    with pytest.raises(NoReply):
        link.request(b"?\n", timeout_s=0.3)
    assert time.monotonic() - began >= 0.3
