"""Whatever comes down a line, a link stays whole: every byte is in the log, and nothing grows without bounds."""

from __future__ import annotations

import queue
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.emulators.wire import PtyServer
from rigs.links import Link
from rigs.links.lines import LONGEST_LINE, LineSplitter
from rigs.links.log import Direction, escape, read_log, unescape

LONG_S = 60.0

HOSTILE = {
    "control characters": b"\x1b[2J\x1b]0;owned\x07\x08\x00\x04\x11\x13 beep\n",
    "HTML": b"<script>alert('x')</script><img src=x onerror=y>\n",
    "every byte": bytes(b for b in range(256) if b != 0x0A) + b"\n",
    "broken UTF-8": b"\xff\xfe\xc3\x28 \xf0\x9f\n",
    "tabs and a fake record": b"1\trx\tspoof\\x0a2\ttx\tM3\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_arrives_as_it_is_and_its_log_is_harmless(link: Link, log, text: bytes):
    assert link.request(text, timeout_s=LONG_S) == text
    assert link.request(b"still here\n", timeout_s=LONG_S) == b"still here\n"
    link.close()
    assert (
        b"".join(r.data for r in read_log(log) if r.direction is Direction.RECEIVED) == text + b"still here\n"
    )
    printable = set(range(0x20, 0x7F)) | {0x09, 0x0A}
    assert set(log.read_bytes()) <= printable
    assert all(line.count("\t") >= 2 for line in log.read_text().splitlines())


def test_a_line_of_a_megabyte_is_cut_and_the_next_one_is_whole(link: Link, wire: PtyServer, log):
    wire.say(b"A" * (1 << 20) + b"\r\nnext\r\n")
    line = link.wait_line(timeout_s=LONG_S)
    assert (len(line), line.cut) == (LONGEST_LINE, True)
    line = link.wait_line(timeout_s=LONG_S)
    assert (line, line.cut) == (b"next", False)
    link.close()
    assert sum(len(r.data) for r in read_log(log) if r.direction is Direction.RECEIVED) == (1 << 20) + 8


def test_garbage_before_and_inside_every_reply_loses_nothing(link: Link, wire: PtyServer, log):
    wire.set_faults(garbage=50, interleave=b"\x00<html>", checksum=True)
    heard = [
        link.request(b"question %02d?\n" % number, until=lambda got: len(got) >= 70, timeout_s=LONG_S)
        for number in range(20)
    ]
    wire.set_faults(garbage=0, interleave=b"", checksum=False)
    assert link.request(b"sane\n", until=b"sane\n", timeout_s=LONG_S).endswith(b"sane\n")
    link.close()
    logged = b"".join(r.data for r in read_log(log) if r.direction is Direction.RECEIVED)
    assert all(reply in logged for reply in heard)


def test_a_flood_of_lines_keeps_the_newest(link: Link, wire: PtyServer):
    last: queue.Queue = queue.Queue()
    link.subscribe(lambda line, at_ns: last.put(line) if line == b"end" else None)
    wire.say(b"noise\n" * 30_000 + b"end\n")
    last.get(timeout=LONG_S)
    unread = list(link.lines())
    assert len(unread) == 10_000
    assert unread[-1] == b"end"


@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(1, 40), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_how_bytes_are_cut_changes_no_line(data: bytes, cuts: list[int]):
    for terminator in (b"\n", b"\r\n", b"> "):
        whole = LineSplitter(terminator).feed(data, 0)
        splitter = LineSplitter(terminator)
        pieces, rest, lines = iter(cuts * 400), data, []
        while rest:
            size = next(pieces)
            lines += splitter.feed(rest[:size], 0)
            rest = rest[size:]
        assert lines == whole


@given(
    size=st.integers(LONGEST_LINE - 3, 3 * LONGEST_LINE),
    cut=st.integers(1000, 70_000),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_an_overlong_line_never_takes_the_next_one_along(size: int, cut: int, seed: int):
    splitter = LineSplitter(b"\r\n")
    data = bytes(random.Random(seed).choices(b"ab\r", k=size)) + b"x\r\nnext\r\n"
    lines = [
        line for start in range(0, len(data), cut) for line in splitter.feed(data[start : start + cut], 0)
    ]
    assert len(lines) == 2
    assert (len(lines[0]) == LONGEST_LINE) == lines[0].cut or len(lines[0]) <= LONGEST_LINE
    assert lines[0].cut == (size + 1 > LONGEST_LINE)
    assert lines[1] == b"next"


@given(st.binary(max_size=300))
def test_escaped_bytes_read_back_exactly(data: bytes):
    text = escape(data)
    assert text.isascii()
    assert text.isprintable()
    assert unescape(text) == data
