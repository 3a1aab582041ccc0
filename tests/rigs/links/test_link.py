"""Requests, lines and subscribers on a link to a real pseudo-terminal."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import time

import pytest

from rigs.emulators.wire import PtyServer
from rigs.errors import BadRigFile, LinkBusy, LinkLost, NoReply, RigError
from rigs.links import Link, LinkSpec, LinkState, open_link

LONG_S = 30.0  # for what should happen at once, on a machine that has other things to do


@pytest.mark.parametrize(
    ("sent", "until", "reply"),
    [
        (b"*IDN?\n", b"\n", b"*IDN?\n"),
        (b"one\ntwo\n", b"\n", b"one\n"),
        (b"\xa0\x01\x01\xa2", 4, b"\xa0\x01\x01\xa2"),
        (b"\xff" * 9, 8, b"\xff" * 8),
        (b"#15hello\n", lambda got: len(got) >= 9, b"#15hello\n"),
    ],
)
def test_reply_ends_where_it_is_said_to_end(link: Link, sent, until, reply):
    assert link.request(sent, until, LONG_S) == reply


def test_reply_in_pieces_is_put_together(link: Link, wire: PtyServer):
    wire.set_faults(split=1, late_s=0.05)
    assert link.request(b"pieces\n", b"\n", LONG_S) == b"pieces\n"


def test_silence_names_instrument_and_request(link: Link, wire: PtyServer):
    wire.set_faults(silence=True)
    with pytest.raises(
        NoReply, match=r"echo: no whole reply to b'\*IDN\?\\n' within 0.05 s \(nothing came\)"
    ):
        link.request(b"*IDN?\n", timeout_s=0.05)


def test_half_a_reply_is_kept_with_the_error(link: Link):
    received = b""
    for timeout_s in (0.1, 1.0, 10.0):  # the first is enough on a machine at rest
        with pytest.raises(NoReply) as caught:
            link.request(b"half", b"\n", timeout_s)
        received += caught.value.received
        if b"half" in received:
            break
    assert b"half" in received


def test_a_late_reply_does_not_answer_the_next_request(link: Link, wire: PtyServer):
    wire.set_faults(late_s=0.5)
    with pytest.raises(NoReply):
        link.request(b"first\n", timeout_s=0.01)
    wire.set_faults(late_s=0.0)
    link.wait_line(lambda line: line == b"first", LONG_S)
    assert link.request(b"second\n", timeout_s=LONG_S) == b"second\n"


def test_lines_come_whole_without_their_ends(link: Link, wire: PtyServer):
    wire.say(b"one\r\ntw")
    wire.say(b"o\nthree\r\nunfinis")
    assert link.wait_line(lambda line: line == b"three", LONG_S) == b"three"
    wire.say(b"hed\n")
    assert link.wait_line(timeout_s=LONG_S) == b"unfinished"
    assert list(link.lines()) == []


def test_a_line_that_came_before_the_wait_is_found(link: Link, wire: PtyServer):
    heard: queue.Queue = queue.Queue()
    link.subscribe(lambda line, at_ns: heard.put(line))
    wire.say(b"ALARM:1\n")
    assert heard.get(timeout=LONG_S) == b"ALARM:1"
    assert link.wait_line(lambda line: line.startswith(b"ALARM"), 0.0) == b"ALARM:1"


def test_drained_lines_are_gone(link: Link, wire: PtyServer):
    heard: queue.Queue = queue.Queue()
    link.subscribe(lambda line, at_ns: heard.put(line))
    wire.say(b"old\n")
    heard.get(timeout=LONG_S)
    link.drain()
    wire.say(b"new\n")
    assert link.wait_line(timeout_s=LONG_S) == b"new"


def test_a_line_that_does_not_come_says_how_many_others_did(link: Link):
    link.request(b"ok\n", timeout_s=LONG_S)
    with pytest.raises(NoReply, match="1 others did"):
        link.wait_line(lambda line: line == b"done", 0.01)


def test_subscribers_learn_when_a_line_was_whole(link: Link):
    heard: queue.Queue = queue.Queue()
    leave = link.subscribe(lambda line, at_ns: heard.put((line, at_ns)))
    before = time.monotonic_ns()
    link.write(b"door open\n")
    line, at_ns = heard.get(timeout=LONG_S)
    assert line == b"door open"
    assert before <= at_ns <= time.monotonic_ns()
    leave()
    link.request(b"unheard\n", timeout_s=LONG_S)
    assert heard.empty()


def test_a_failing_subscriber_stops_nobody(link: Link):
    def fail(line: bytes, at_ns: int) -> None:
        raise ValueError(line)

    link.subscribe(fail)
    assert link.request(b"1\n", timeout_s=LONG_S) == b"1\n"
    assert link.request(b"2\n", timeout_s=LONG_S) == b"2\n"


def test_waiting_inside_a_callback_is_refused(link: Link):
    refused: queue.Queue = queue.Queue()

    def ask(line: bytes, at_ns: int) -> None:
        try:
            link.request(b"again\n")
        except RigError as error:
            refused.put(str(error))

    link.subscribe(ask)
    link.write(b"x\n")
    assert "would wait for itself" in refused.get(timeout=LONG_S)


def test_paced_bytes_take_their_time(wire: PtyServer):
    with open_link(LinkSpec(wire.url, pacing_s=0.02)) as link:
        began = time.monotonic()
        link.write(b"slow\n")
        assert time.monotonic() - began >= 5 * 0.02
    assert wire.wait_received(b"slow\n", LONG_S)


def test_second_opener_in_this_process_is_refused(link: Link, wire: PtyServer):
    with pytest.raises(LinkBusy, match=rf"in use by process {os.getpid()} "):
        open_link(LinkSpec(wire.url))


def test_second_opener_in_another_process_is_refused_until_the_first_closes(link: Link, wire: PtyServer):
    program = (
        "import sys; from rigs.links import LinkSpec, open_link; from rigs.errors import LinkBusy\n"
        "try: open_link(LinkSpec(sys.argv[1])).close()\n"
        "except LinkBusy: sys.exit(7)\n"
    )

    def open_elsewhere() -> int:
        return subprocess.run([sys.executable, "-c", program, wire.url], check=False).returncode

    assert open_elsewhere() == 7
    link.close()
    assert open_elsewhere() == 0


def test_a_port_that_is_not_there_is_said():
    with pytest.raises(LinkLost, match="/dev/ttyUSB_none: cannot be opened"):
        open_link(LinkSpec("/dev/ttyUSB_none"))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "neither `url` nor `usb_path`"),
        ({"url": "/dev/ttyS0", "baud_rate": 0}, "`baud_rate` is 0"),
        ({"url": "/dev/ttyS0", "parity": "X"}, "allowed are N, E, O, M, S"),
        ({"url": "/dev/ttyS0", "stop_bits": 3}, "`stop_bits` is 3"),
        ({"url": "/dev/ttyS0", "terminator": b""}, "`terminator` is empty"),
        ({"url": "/dev/ttyS0", "pacing_s": -1.0}, "`pacing_s` is -1.0"),
    ],
)
def test_impossible_settings_are_refused_with_what_is_allowed(settings, complaint):
    with pytest.raises(BadRigFile, match=complaint):
        LinkSpec(**settings)


def test_unknown_url_is_refused():
    with pytest.raises(BadRigFile, match="carrier-pigeon"):
        open_link(LinkSpec("carrier-pigeon://roof"))


def test_a_closed_link_refuses(link: Link):
    link.close()
    link.close()
    assert link.state is LinkState.CLOSED
    with pytest.raises(LinkLost, match=r"echo \(link closed\): write refused"):
        link.write(b"x")
