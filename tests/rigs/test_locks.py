"""One holder for a rig at a time, across processes, also when holders die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rigs.errors import RigBusy
from rigs.locks import holders, lease

LONG_S = 60.0
HOLD = """
import sys, time
from pathlib import Path
from rigs.locks import lease
held = lease(sys.argv[2], "measuring", Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
held.release()
print("released", flush=True)
"""
# Takes the lease over and over; while holding it, no other file of this name may exist.
CONTEND = """
import os, sys, time
from pathlib import Path
from rigs.errors import RigBusy
from rigs.locks import lease
folder, taken = Path(sys.argv[1]), 0
deadline = time.monotonic() + 60
while taken < 10 and time.monotonic() < deadline:
    try:
        with lease("bench", "contending", folder):
            os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
            time.sleep(0.002)
            os.unlink(folder / "inside")
            taken += 1
        time.sleep(0.005)
    except RigBusy:
        time.sleep(0.005)
print(taken)
"""


def hold_elsewhere(folder: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder), name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path):
    holder = hold_elsewhere(tmp_path, "bench")
    try:
        with pytest.raises(
            RigBusy, match=rf"bench is in use by .*, process {holder.pid}, since .*, for 'measuring'"
        ):
            lease("bench", "checking", tmp_path)
        with lease("other bench", "checking", tmp_path):
            pass  # another rig is free
    finally:
        holder.communicate("")
    with lease("bench", "checking", tmp_path) as mine:
        assert mine.taken_over is None


def test_a_second_lease_in_the_same_process_is_refused(tmp_path: Path):
    with lease("bench", "measuring", tmp_path), pytest.raises(RigBusy, match=str(os.getpid())):
        lease("bench", "checking", tmp_path)


def test_a_killed_holder_is_taken_over_and_said(tmp_path: Path):
    holder = hold_elsewhere(tmp_path, "bench")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    (left,) = holders(tmp_path)
    assert (left.pid, left.held, left.alive) == (holder.pid, False, False)
    assert str(left).endswith("(ended)")
    with lease("bench", "checking", tmp_path) as mine:
        assert mine.taken_over is not None
        assert mine.taken_over.pid == holder.pid
        assert mine.taken_over.purpose == "measuring"


def test_many_processes_never_hold_one_rig_together(tmp_path: Path):
    command = [sys.executable, "-c", CONTEND, str(tmp_path)]
    crowd = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    results = [process.communicate(timeout=120) for process in crowd]
    assert [error for _, error in results] == [""] * 4
    assert [out.strip() for out, _ in results] == ["10"] * 4


def test_looking_at_holders_never_refuses_a_lease(tmp_path: Path):
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            holders(tmp_path)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        for _ in range(200):
            lease("bench", "measuring", tmp_path).release()
    finally:
        done.set()
        looking.join()


def test_holders_names_everything_that_is_held(tmp_path: Path):
    with lease("bench", "measuring", tmp_path), lease("SPL meter / shared", "calibrating", tmp_path):
        seen = {holder.name: holder for holder in holders(tmp_path)}
    assert set(seen) == {"bench", "SPL meter / shared"}
    assert seen["bench"].pid == os.getpid()
    assert seen["bench"].purpose == "measuring"
    assert all(holder.held and holder.alive for holder in seen.values())
    assert holders(tmp_path) == ()


def test_a_child_that_inherits_the_lease_keeps_it_when_its_parent_dies(tmp_path: Path):
    """As a guardian does until the rig is safe."""
    program = (
        "import os, signal, subprocess, sys; from pathlib import Path; from rigs.locks import lease\n"
        "held = lease('bench', 'measuring', Path(sys.argv[1]))\n"
        "child = subprocess.Popen(['sleep', '600'], pass_fds=[held.fileno()], stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, check=False
    )
    child = int(parent.stdout)
    try:
        with pytest.raises(RigBusy, match="its guardian is still making the rig safe"):
            lease("bench", "checking", tmp_path)
    finally:
        os.kill(child, signal.SIGKILL)
    with lease("bench", "checking", tmp_path) as mine:  # patient while the child is just going
        assert mine.taken_over is not None


def test_release_twice_and_after_the_next_has_it(tmp_path: Path):
    first = lease("bench", "first", tmp_path)
    first.release()
    with lease("bench", "second", tmp_path):
        first.release()
        assert [holder.purpose for holder in holders(tmp_path)] == ["second"]


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff\xfe", b"null", b"9" * 70_000])
def test_a_spoilt_record_is_nobody(tmp_path: Path, record: bytes):
    (tmp_path / "bench.lock").write_bytes(record)
    assert holders(tmp_path) == ()
    with lease("bench", "measuring", tmp_path) as mine:
        assert mine.taken_over is None


def test_control_characters_of_a_record_reach_no_terminal(tmp_path: Path):
    record = {"owner": "a\x1b[2J", "pid": 1, "host": "h\n", "since": "\x07", "purpose": "<b>\x00"}
    (tmp_path / "bench.lock").write_text(json.dumps(record))
    assert str(holders(tmp_path)[0]).isprintable()


def test_any_name_is_a_name(tmp_path: Path):
    for name in ("../../etc/passwd", "a/b", "ä µ", ".", "with space"):
        with lease(name, "measuring", tmp_path):
            assert [holder.name for holder in holders(tmp_path)] == [name]
    assert {path.parent for path in tmp_path.rglob("*.lock")} == {tmp_path}


def test_the_folder_may_be_chosen_for_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_LOCKS", str(tmp_path / "leases"))
    with lease("bench", "measuring"):
        assert [holder.name for holder in holders()] == ["bench"]
