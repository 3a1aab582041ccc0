"""The server behind every emulator: faults, unplugging, power cycles, on a real pseudo-terminal."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from rigs.emulators.wire import Faults, PtyServer
from rigs.links import Link, LinkSpec, open_link

LONG_S = 30.0


class Thermometer:
    """Answers every line with a reading, counts its boots, and can raise an alarm."""

    def __init__(self) -> None:
        self.boots = 1
        self.ticks = 0
        self._heard = b""

    def feed(self, data: bytes) -> bytes:
        *lines, self._heard = (self._heard + data).split(b"\n")
        return b"T=21.5 C\n" * len(lines)

    def tick(self) -> bytes:
        self.ticks += 1
        return b""

    def alarm(self) -> bytes:
        return b"TOO HOT\n"

    def reboot(self) -> bytes:
        self.boots += 1
        self._heard = b""
        return b"boot %d\n" % self.boots


@pytest.fixture
def wire() -> Iterator[PtyServer]:
    with PtyServer(Thermometer(), "thermometer") as server:
        yield server


@pytest.fixture
def link(wire: PtyServer) -> Iterator[Link]:
    with open_link(LinkSpec(wire.url)) as link:
        yield link


def reply(link: Link) -> bytes:
    return link.request(b"?\n", timeout_s=LONG_S)


@pytest.mark.parametrize(
    ("faults", "heard"),
    [
        (Faults(), b"T=21.5 C\n"),
        (Faults(split=3), b"T=21.5 C\n"),
        (Faults(interleave=b"[MSG]"), b"T=21[MSG].5 C\n"),
        (Faults(checksum=True), b"T=21.5 C\x0b"),
    ],
)
def test_reply_under_each_fault(wire: PtyServer, link: Link, faults: Faults, heard: bytes):
    wire.faults = faults
    assert link.request(b"?\n", until=len(heard), timeout_s=LONG_S) == heard


def test_garbage_comes_first_and_differs_every_time(wire: PtyServer, link: Link):
    wire.set_faults(garbage=8)
    first, second = (link.request(b"?\n", until=17, timeout_s=LONG_S) for _ in range(2))
    assert first.endswith(b"T=21.5 C\n")
    assert first != second


def test_silence_hears_but_does_not_answer(wire: PtyServer, link: Link):
    wire.set_faults(silence=True)
    link.write(b"?\n")
    assert wire.wait_received(b"?\n", LONG_S)
    wire.set_faults(silence=False)
    assert reply(link) == b"T=21.5 C\n"
    assert list(link.lines()) == [b"T=21.5 C"]


def test_late_replies_are_late_and_keep_their_order(wire: PtyServer, link: Link):
    wire.set_faults(late_s=0.2)
    began = time.monotonic()
    link.write(b"?\n")
    assert wire.wait_received(b"?\n", LONG_S)
    wire.set_faults(late_s=0.0)
    wire.reboot()
    assert link.wait_line(timeout_s=LONG_S) == b"boot 2"  # a power cycle forgets what was still to be said
    wire.set_faults(late_s=0.2)
    assert reply(link) == b"T=21.5 C\n"
    assert time.monotonic() - began >= 0.2


def test_alarm_is_raised_once(wire: PtyServer, link: Link):
    wire.set_faults(alarm=True)
    assert link.wait_line(timeout_s=LONG_S) == b"TOO HOT"
    assert reply(link) == b"T=21.5 C\n"
    assert list(link.lines()) == [b"T=21.5 C"]


def test_power_cycle_forgets_half_a_command(wire: PtyServer, link: Link):
    link.write(b"half a com")
    assert wire.wait_received(b"half a com", LONG_S)
    wire.reboot()
    assert link.wait_line(timeout_s=LONG_S) == b"boot 2"
    assert reply(link) == b"T=21.5 C\n"


def test_unplugged_port_is_gone_and_comes_back_at_the_same_place(wire: PtyServer):
    assert os.path.exists(wire.url)
    wire.unplug()
    assert not os.path.exists(wire.url)
    wire.plug()
    with open_link(LinkSpec(wire.url)) as link:
        assert reply(link) == b"T=21.5 C\n"


def test_host_may_close_and_open_again(wire: PtyServer):
    for _ in range(3):
        with open_link(LinkSpec(wire.url)) as link:
            assert reply(link) == b"T=21.5 C\n"


def test_time_passes_in_the_emulator(wire: PtyServer):
    deadline = time.monotonic() + LONG_S
    while wire.emulator.ticks < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert wire.emulator.ticks >= 3


def test_a_host_that_does_not_listen_stops_nothing(wire: PtyServer):
    """More than a pseudo-terminal holds, said to nobody; the server goes on and closes."""
    wire.say(b"x" * (1 << 20))
    wire.set_faults(silence=True)
    assert wire.faults.silence


def test_closing_leaves_nothing_behind():
    server = PtyServer(Thermometer())
    folder, threads = os.path.dirname(server.url), threading.active_count()
    server.close()
    server.close()
    assert not os.path.exists(folder)
    assert threading.active_count() == threads - 1
