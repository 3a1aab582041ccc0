"""The log of a wire: whole, exact, and alive when the disk is not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from rigs.emulators.wire import PtyServer
from rigs.errors import RigError
from rigs.links import Link, LinkSpec, open_link
from rigs.links.log import Direction, WireLog, read_log

LONG_S = 30.0


def test_every_byte_is_there_in_order_with_its_time(link: Link, log: Path):
    before = time.monotonic_ns()
    link.request(b"M114\n", timeout_s=LONG_S)
    link.request(b"G0 X5\n", timeout_s=LONG_S)
    link.close()
    records = [r for r in read_log(log) if r.direction is not Direction.REMARK]
    stamps = [r.at_ns for r in records]
    assert before <= stamps[0]
    assert stamps == sorted(stamps)
    assert b"".join(r.data for r in records if r.direction is Direction.SENT) == b"M114\nG0 X5\n"
    assert b"".join(r.data for r in records if r.direction is Direction.RECEIVED) == b"M114\nG0 X5\n"


def test_a_second_session_is_appended(wire: PtyServer, log: Path):
    for text in (b"one\n", b"two\n"):
        with open_link(LinkSpec(wire.url), log) as link:
            link.request(text, timeout_s=LONG_S)
    sent = [r.data for r in read_log(log) if r.direction is Direction.SENT]
    assert sent == [b"one\n", b"two\n"]


def test_a_record_cut_short_by_a_crash_is_left_out(tmp_path: Path):
    file = tmp_path / "wire.log"
    log = WireLog(file)
    log.add(Direction.RECEIVED, b"whole", 5)
    log.close()
    file.write_bytes(file.read_bytes() + b"6\trx\tcut sh")
    assert [r.data for r in read_log(file) if r.direction is Direction.RECEIVED] == [b"whole"]


def test_a_killed_process_loses_no_record(wire: PtyServer, log: Path):
    program = (
        "import os, signal, sys; from pathlib import Path; from rigs.links import LinkSpec, open_link\n"
        "link = open_link(LinkSpec(sys.argv[1]), Path(sys.argv[2]))\n"
        "for n in range(50): link.request(b'%d\\n' % n, timeout_s=30)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, wire.url, str(log)], check=False)
    received = b"".join(r.data for r in read_log(log) if r.direction is Direction.RECEIVED)
    assert received == b"".join(b"%d\n" % n for n in range(50))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, the disk that is always full")
def test_a_full_disk_is_said_and_the_link_goes_on(wire: PtyServer):
    with open_link(LinkSpec(wire.url), Path("/dev/full")) as link:
        assert link.request(b"!\n", timeout_s=LONG_S) == b"!\n"
        assert link.log_fault == "/dev/full: No space left on device"


def test_a_log_that_cannot_be_opened_stops_the_link(wire: PtyServer, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RigError, match="cannot be opened .* nothing is sent unlogged"):
        open_link(LinkSpec(wire.url), tmp_path / "file" / "wire.log")
    open_link(LinkSpec(wire.url)).close()


def test_a_whole_log_has_no_fault(link: Link):
    link.request(b"?\n", timeout_s=LONG_S)
    assert link.log_fault is None
