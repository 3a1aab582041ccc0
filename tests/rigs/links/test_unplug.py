"""What a link does when the adapter is pulled out and put back."""

from __future__ import annotations

import queue
import threading

import pytest

from rigs.emulators.wire import PtyServer
from rigs.errors import LinkLost
from rigs.links import Link, LinkSpec, LinkState, open_link

LONG_S = 30.0


@pytest.fixture
def states(link: Link) -> queue.Queue:
    seen: queue.Queue = queue.Queue()
    link.subscribe_state(seen.put)
    return seen


def test_link_comes_back_by_itself(link: Link, wire: PtyServer, states: queue.Queue):
    wire.unplug()
    assert states.get(timeout=LONG_S) is LinkState.LOST
    with pytest.raises(LinkLost, match=r"echo \(link lost, .*unplugged.*\): write refused"):
        link.write(b"x")
    wire.plug()
    assert states.get(timeout=LONG_S) is LinkState.OPEN
    assert link.request(b"back\n", timeout_s=LONG_S) == b"back\n"


def test_many_unplugs_in_a_row(link: Link, wire: PtyServer, states: queue.Queue):
    for _ in range(5):
        wire.unplug()
        assert states.get(timeout=LONG_S) is LinkState.LOST
        wire.plug()
        assert states.get(timeout=LONG_S) is LinkState.OPEN


@pytest.mark.parametrize(
    "wait",
    [
        lambda link: link.request(b"home\n", until=b"ok\n", timeout_s=600),
        lambda link: link.wait_line(lambda line: line == b"ok", timeout_s=600),
        lambda link: [line for line in link.lines(idle_s=600) if line == b"ok"],
    ],
)
def test_whoever_waits_is_told_at_once(link: Link, wire: PtyServer, wait):
    told: queue.Queue = queue.Queue()

    def run() -> None:
        try:
            wait(link)
        except LinkLost as error:
            told.put(str(error))

    waiting = threading.Thread(target=run, daemon=True)
    waiting.start()
    wire.wait_received(b"home\n", 0.2)
    wire.unplug()
    assert "echo" in told.get(timeout=LONG_S)


def test_what_was_asked_before_a_loss_is_not_answered_after_it(
    link: Link, wire: PtyServer, states: queue.Queue
):
    told: queue.Queue = queue.Queue()

    def ask() -> None:
        try:
            told.put(link.request(b"position?\n", until=b"!", timeout_s=600))
        except LinkLost as error:
            told.put(error)

    threading.Thread(target=ask, daemon=True).start()
    assert wire.wait_received(b"position?\n", LONG_S)
    wire.unplug()
    wire.plug()
    wire.say(b"!")
    assert isinstance(told.get(timeout=LONG_S), LinkLost)


def test_half_a_line_from_before_is_not_joined_to_what_comes_after(
    link: Link, wire: PtyServer, states: queue.Queue
):
    link.request(b"half", until=b"half", timeout_s=LONG_S)
    wire.unplug()
    states.get(timeout=LONG_S)
    wire.plug()
    states.get(timeout=LONG_S)
    wire.say(b"whole\n")
    assert link.wait_line(timeout_s=LONG_S) == b"whole"


def test_without_reconnect_a_link_stays_lost(wire: PtyServer):
    with open_link(LinkSpec(wire.url, reconnect=False)) as link:
        states: queue.Queue = queue.Queue()
        link.subscribe_state(states.put)
        wire.unplug()
        assert states.get(timeout=LONG_S) is LinkState.LOST
        wire.plug()
        with pytest.raises(LinkLost):
            link.write(b"x")


def test_a_lost_link_closes(link: Link, wire: PtyServer, states: queue.Queue):
    wire.unplug()
    states.get(timeout=LONG_S)
    link.close()
    assert link.state is LinkState.CLOSED


def test_losses_and_returns_are_in_the_log(link: Link, wire: PtyServer, states: queue.Queue, log):
    wire.unplug()
    states.get(timeout=LONG_S)
    wire.plug()
    states.get(timeout=LONG_S)
    link.close()
    text = log.read_text()
    assert text.index("link lost: ") < text.index("link open") < text.index("link closed")
