"""LCUS relay boards: bytes as the sellers' sheets have them, dialects, and what is known after a fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigs.emulators.lcus import LcusEmulator
from rigs.errors import BadReply, LinkLost, NoReply, Unsafe
from rigs.lcus import Dialect, LcusBoard, LcusProfile, frame
from rigs.links import LinkState
from rigs.relay_board import RelayBoard
from tests.rigs.wires import conversation, emulated, hexes, wait_until


@pytest.mark.parametrize(
    ("channel", "on", "bytes_"),
    [
        (1, True, "A0 01 01 A2"),
        (1, False, "A0 01 00 A1"),
        (8, True, "A0 08 01 A9"),
        (8, False, "A0 08 00 A8"),
    ],
)
def test_frames_are_those_of_the_sheet(channel, on, bytes_):
    assert frame(Dialect.A0, channel, on) == bytes.fromhex(bytes_)


def test_opening_tells_every_relay_to_be_off_and_then_only_what_is_asked_is_sent():
    pairs = hexes(("A0 01 00 A1", ""), ("A0 02 00 A2", ""), ("A0 02 01 A3", ""), ("A0 02 00 A2", ""))
    with conversation(*pairs, baud_rate=9600) as link:
        board = LcusBoard(link, LcusProfile(channels=2, gap_s=0.0))
        assert board.commanded == {1: False, 2: False}
        board.set(2, True)
        assert board.commanded == {1: False, 2: True}
        board.set(2, False)


def test_the_d0_dialect_names_no_channel():
    with conversation(*hexes(("D0 00", ""), ("D0 01", ""))) as link:
        board = LcusBoard(link, LcusProfile(channels=1, dialect=Dialect.D0, gap_s=0.0))
        board.set(1, True)


def test_an_echo_is_waited_for_where_the_board_echoes():
    with conversation(*hexes(("A0 01 00 A1", "A0 01 00 A1"), ("A0 01 01 A2", "A0 01 01 A2"))) as link:
        LcusBoard(link, LcusProfile(channels=1, echo=True)).set(1, True)


def test_a_board_is_a_relay_board_whose_contacts_follow():
    with emulated("lcus", "lcus_4") as bench:
        assert isinstance(bench.device, RelayBoard)
        bench.device.set(3, True)
        wait_until(lambda: bench.emulator.contacts[3])
        bench.device.all_off()
        wait_until(lambda: not any(bench.emulator.contacts.values()))


@pytest.mark.parametrize("channel", [0, 5, -1, True, 1.0])
def test_a_channel_that_is_not_there_is_refused_before_anything_is_sent(channel):
    with emulated("lcus", "lcus_4") as bench:
        wait_until(lambda: len(bench.server.received) == 16)
        with pytest.raises(Unsafe, match=r"bench one: refused to switch channel .* channels 1 to 4"):
            bench.device.set(channel, True)
        bench.device.set(4, True)
        wait_until(lambda: bench.emulator.contacts[4])
        assert len(bench.server.received) == 20


@pytest.mark.parametrize("model", ["lcus_1", "lcus_8", "lcus_8_echo", "lcus_d0"])
def test_the_safe_bytes_open_every_contact_without_anybody_listening(model):
    with emulated("lcus", model) as bench:
        for channel in bench.device.commanded:
            bench.device.set(channel, True)
        wait_until(lambda: all(bench.emulator.contacts.values()))
        for safe in bench.device.safe_bytes():
            bench.link.write(safe)
        wait_until(lambda: not any(bench.emulator.contacts.values()))


ECHOING = LcusProfile(channels=2, echo=True, gap_s=0.0)


@pytest.mark.parametrize(
    ("faults", "junk", "error", "words"),
    [
        ({"silence": True}, None, NoReply, "channel 1: no echo of a0 01 01 a2"),
        ({"checksum": True}, 4, BadReply, "heard a0 01 01 a3: check dialect and speed"),
        ({"interleave": b"\xff"}, 5, BadReply, "heard a0 01 ff 01 a2"),
    ],
)
def test_a_missing_or_wrong_echo_leaves_that_channel_unknown_and_no_other(faults, junk, error, words):
    with emulated("lcus", ECHOING) as bench:
        bench.server.set_faults(**faults)
        bench.link.silent, bench.link.junk = (None, 0) if junk is None else ((), junk)
        with pytest.raises(error, match=words):
            bench.device.set(1, True)
        assert bench.device.commanded == {1: None, 2: False}


def test_a_failed_order_is_not_followed_by_switching_the_other_channels_off():
    with emulated("lcus", ECHOING) as bench:
        bench.server.set_faults(silence=True)
        bench.link.silent = None
        with pytest.raises(NoReply):
            bench.device.set(1, True)
        bench.server.set_faults(silence=False)
        bench.link.silent = ()
        wait_until(lambda: bench.emulator.contacts[1])
        bench.emulator.moves.clear()
        bench.device.set(1, False)
        assert bench.emulator.moves == [(1, False)]


@pytest.mark.parametrize("faults", [{"split": 1}, {"garbage": 7}, {"late_s": 0.1}])
def test_an_echo_in_pieces_late_or_behind_noise_is_still_an_echo(faults):
    with emulated("lcus", ECHOING) as bench:
        bench.server.set_faults(**faults)
        bench.device.set(1, True)
        assert bench.device.commanded == {1: True, 2: False}


def test_a_reboot_goes_unnoticed_for_what_is_commanded_is_not_verified():
    with emulated("lcus", "lcus_2") as bench:
        bench.device.set(2, True)
        wait_until(lambda: bench.emulator.contacts[2])
        bench.server.reboot()
        assert not bench.emulator.contacts[2]
        assert bench.device.commanded == {1: False, 2: True}


def test_after_an_unplug_nothing_is_known_and_everything_is_off_before_anything_is_on():
    with emulated("lcus", "lcus_2") as bench:
        bench.device.set(2, True)
        bench.server.unplug()
        wait_until(lambda: bench.link.state is LinkState.LOST)
        with pytest.raises(LinkLost):
            bench.device.set(1, True)
        assert bench.device.commanded == {1: None, 2: None}
        assert bench.emulator.contacts[2], "the emulated board has a supply of its own"
        bench.server.plug()
        wait_until(lambda: not any(bench.emulator.contacts.values()))
        wait_until(lambda: bench.link.state is LinkState.OPEN)
        bench.emulator.moves.clear()
        bench.device.set(1, True)
        wait_until(lambda: (1, True) in bench.emulator.moves)
        assert bench.emulator.moves[-3:] == [(1, False), (2, False), (1, True)]
        assert bench.device.commanded == {1: True, 2: False}


@given(st.lists(st.binary(max_size=12)))
def test_the_emulated_board_obeys_no_frame_with_a_wrong_sum(chunks):
    board = LcusEmulator(LcusProfile(channels=4))
    for chunk in chunks:
        assert board.feed(chunk) == b""
    heard = b"".join(chunks)
    assert all(frame(Dialect.A0, channel, on) in heard for channel, on in board.moves)


@given(st.binary(max_size=6).filter(lambda noise: b"\xa0" not in noise), st.integers(1, 4), st.booleans())
def test_the_emulated_board_finds_a_frame_behind_noise(noise, channel, on):
    board = LcusEmulator(LcusProfile(channels=4))
    board.feed(noise + frame(Dialect.A0, channel, on))
    assert board.moves == [(channel, on)]
