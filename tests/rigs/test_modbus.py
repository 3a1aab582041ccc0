"""Modbus RTU: frames of the standard and of the makers' pages, replies found in noise, relay boards that read back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigs.emulators.modbus import ModbusSlave
from rigs.emulators.modbus_relay import ModbusRelayEmulator
from rigs.emulators.wire import PtyServer
from rigs.errors import BadReply, InstrumentAlarm, LinkLost, NoReply, Unsafe
from rigs.links import LinkSpec, LinkState, open_link
from rigs.links.log import Direction, read_log
from rigs.modbus import (
    Function,
    crc16,
    find_reply,
    frame_gap_s,
    is_sealed,
    pack_bits,
    read_request,
    seal,
    unpack_bits,
    write_coil,
    write_coils,
)
from rigs.modbus_relay import ModbusRelayBoard, ModbusRelayProfile
from rigs.relay_board import RelayBoard
from tests.rigs.wires import Patient, conversation, emulated, hexes, wait_until

# Frames whose CRC was computed here and compared with an independent implementation (pymodbus, minimalmodbus).
ON_0 = "01 05 00 00 FF 00 8C 3A"
OFF_0 = "01 05 00 00 00 00 CD CA"
READ_8 = "01 01 00 00 00 08 3D CC"
ALL_OFF_8 = "01 0F 00 00 00 08 01 00 FE 95"


def body(bytes_: str) -> bytes:
    """A frame of the script from its bytes without CRC."""
    return seal(bytes.fromhex(bytes_))


@pytest.mark.parametrize(
    ("made", "bytes_"),
    [
        (write_coil(1, 0, True), ON_0),
        (write_coil(1, 0, False), OFF_0),
        (read_request(1, Function.READ_COILS, 0, 8), READ_8),
        (write_coils(1, 0, (False,) * 8), ALL_OFF_8),
        (seal(b"\x01\x05\x02\x00\x00\x07"), "01 05 02 00 00 07 8D B0"),
        (seal(b"\x01\x85\x02"), "01 85 02 C3 51"),
        (read_request(1, Function.READ_INPUT_REGISTERS, 1, 2), "01 04 00 01 00 02 20 0B"),
    ],
)
def test_frames_are_those_of_the_makers_pages(made, bytes_):
    assert made == bytes.fromhex(bytes_)


def test_the_crc_has_the_check_value_of_the_catalogue():
    assert crc16(b"123456789") == 0x4B37  # CRC-16/MODBUS in the catalogue of parametrised CRC algorithms


def test_the_gap_is_three_and_a_half_characters_and_fixed_above_19200_baud():
    assert frame_gap_s(9600) == pytest.approx(4.01e-3, rel=1e-2)
    assert frame_gap_s(115200) == 1.75e-3


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_coils_come_back_as_they_were_packed(states):
    assert unpack_bits(pack_bits(tuple(states)), len(states)) == tuple(states)


REQUESTS = st.one_of(
    st.builds(write_coil, st.integers(1, 247), st.integers(0, 0xFFFF), st.booleans()),
    st.builds(
        read_request,
        st.integers(1, 247),
        st.sampled_from(
            [Function.READ_COILS, Function.READ_INPUT_REGISTERS, Function.READ_HOLDING_REGISTERS]
        ),
        st.integers(0, 0xFFFF),
        st.integers(1, 16),
    ),
)


@given(st.binary(max_size=300), REQUESTS)
def test_what_is_taken_for_a_reply_is_always_a_sealed_frame_of_the_address_asked(received, request):
    found = find_reply(received, request)
    if found is not None:
        assert found in received and is_sealed(found)
        assert found[0] == request[0] and found[1] & 0x7F == request[1]


@given(st.binary(max_size=40), st.booleans(), st.integers(1, 16), st.data())
def test_a_reply_is_found_behind_noise_once_its_last_byte_is_there(noise, refused, count, data):
    request = read_request(7, Function.READ_COILS, 0, count)
    size = (count + 7) // 8
    content = data.draw(st.binary(min_size=size, max_size=size))
    reply = seal(b"\x07\x81\x02" if refused else bytes([7, 1, size]) + content)
    assert find_reply(noise + reply, request) is not None
    if find_reply(noise + reply[:-1], request) is None:  # the noise happens to hold no reply of its own
        assert find_reply(noise + reply, request) == reply


@given(st.lists(st.binary(max_size=20)), st.lists(st.binary(min_size=2, max_size=12)))
def test_the_emulated_board_answers_nothing_to_what_is_not_sealed_and_never_fails(chunks, bodies):
    board = ModbusRelayEmulator(ModbusRelayProfile(channels=8))
    for chunk in (*chunks, *(seal(b"\x01" + data) for data in bodies)):
        for reply in (board.feed(chunk), board.tick(), board.tick(), board.tick()):
            assert reply == b"" or is_sealed(reply[-8:]) or is_sealed(reply[-6:]) or is_sealed(reply[-5:])


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("01 05 00 08 FF 00", "01 85 02"),  # no such coil
        ("01 05 00 00 12 34", "01 85 03"),  # neither on nor off
        ("01 01 00 00 00 09", "01 81 02"),  # more coils than there are
        ("01 01 00 00 00 00", "01 81 03"),
        ("01 2B 0E 01 00", "01 AB 01"),  # no such function
        ("02 05 00 00 FF 00", ""),  # somebody else's
        ("00 05 00 00 FF 00", ""),  # a broadcast is obeyed, not answered
    ],
)
def test_the_emulated_board_answers_as_the_standard_says(asked, answer):
    board = ModbusRelayEmulator(ModbusRelayProfile(channels=8))
    reply = board.feed(body(asked)) + board.tick() + board.tick()
    assert reply == (body(answer) if answer else b"")
    assert board.contacts[1] is asked.startswith("00")


def test_the_emulated_board_is_silent_on_a_bad_crc_and_answers_the_next_frame():
    board = ModbusRelayEmulator(ModbusRelayProfile(channels=8))
    assert board.feed(bytes.fromhex("01 05 00 00 FF 00 8C 3B")) == b""
    assert not board.contacts[1]
    assert board.feed(bytes.fromhex(ON_0)) == bytes.fromhex(ON_0)


def test_a_slave_refuses_every_function_that_nobody_gave_it():
    assert ModbusSlave(1).feed(body("01 03 00 00 00 01")) == body("01 83 01")


def test_a_board_that_reads_back_is_written_read_and_compared():
    pairs = hexes(
        (ALL_OFF_8, "01 0F 00 00 00 08 54 0D"),
        (READ_8, "01 01 01 00 51 88"),
        (ON_0, ON_0),
        (READ_8, "01 01 01 01 90 48"),
    )
    with conversation(*pairs, baud_rate=9600) as link:
        board = ModbusRelayBoard(link, ModbusRelayProfile(channels=8))
        board.set(1, True)
        assert board.commanded == {1: True} | dict.fromkeys(range(2, 9), False)


def test_a_board_that_takes_one_coil_a_frame_is_told_each():
    with conversation(*hexes((OFF_0, OFF_0), ("01 05 00 01 00 00 9C 0A", "01 05 00 01 00 00 9C 0A"))) as link:
        ModbusRelayBoard(link, ModbusRelayProfile(channels=2, read_back=False, write_many=False))


def test_a_refusal_is_told_in_words():
    refused = (write_coil(1, 0, True), bytes.fromhex("01 85 02 C3 51"))
    with conversation((write_coil(1, 0, False), write_coil(1, 0, False)), refused) as link:
        board = ModbusRelayBoard(link, ModbusRelayProfile(channels=1, read_back=False), "fans")
        with pytest.raises(InstrumentAlarm, match=r"fans at address 1: refused channel 1 on: .*no such coil"):
            board.set(1, True)
        assert board.commanded == {1: None}


def test_a_late_reply_to_an_earlier_request_is_not_taken_for_this_one():
    late, answer = write_coil(1, 1, True), write_coil(1, 0, True)
    opening = (write_coils(1, 0, (False, False)), seal(bytes.fromhex("01 0F 00 00 00 02")))
    with conversation(opening, (answer, late + answer)) as link:
        board = ModbusRelayBoard(link, ModbusRelayProfile(channels=2, read_back=False))
        board.set(1, True)
        assert board.commanded == {1: True, 2: False}


PROFILE = ModbusRelayProfile(channels=8, attempts=1, settle_s=0.0)


def test_the_boards_contacts_follow_and_can_be_read():
    with emulated("modbus_relay", "waveshare_8") as bench:
        assert isinstance(bench.device, RelayBoard)
        bench.device.set(8, True)
        assert bench.emulator.contacts[8]
        assert bench.device.read_back() == dict.fromkeys(range(1, 8), False) | {8: True}
        with pytest.raises(Unsafe, match="refused to switch channel 9 on: it has channels 1 to 8"):
            bench.device.set(9, True)


@pytest.mark.parametrize("model", ["waveshare_8", "modbus_relay_plain_4"])
def test_the_safe_bytes_open_every_contact_without_anybody_listening(model):
    with emulated("modbus_relay", model) as bench:
        for channel in bench.device.commanded:
            bench.device.set(channel, True)
        for safe in bench.device.safe_bytes():
            bench.link.write(safe)
        wait_until(lambda: not any(bench.emulator.contacts.values()))


@pytest.mark.parametrize(
    ("faults", "junk", "error", "words"),
    [
        ({"silence": True}, None, NoReply, r"channel 3 on: silent for .* in one try: check power, address"),
        ({"checksum": True}, 8, BadReply, r"no valid reply in one try, last heard 01 05 00 02"),
        ({"interleave": b"\0\xff"}, 10, BadReply, "no valid reply"),
    ],
)
def test_silence_and_replies_that_are_none_leave_the_channel_unknown(faults, junk, error, words):
    with emulated("modbus_relay", PROFILE) as bench:
        bench.server.set_faults(**faults)
        bench.link.silent, bench.link.junk = (None, 0) if junk is None else ((), junk)
        with pytest.raises(error, match=words):
            bench.device.set(3, True)
        assert bench.device.commanded == dict.fromkeys(range(1, 9), False) | {3: None}


class DeafAtFirst(ModbusRelayEmulator):
    """Loses the replies to the first requests after `deaf_for` was set."""

    deaf_for = 0

    def feed(self, data: bytes) -> bytes:
        reply = super().feed(data)
        self.deaf_for -= 1
        return reply if self.deaf_for < 0 else b""


def test_a_request_whose_reply_was_lost_is_sent_again():
    profile = ModbusRelayProfile(channels=1, read_back=False, timeout_s=1.0, attempts=9, settle_s=0.0)
    with PtyServer(DeafAtFirst(profile)) as server, open_link(LinkSpec(server.url)) as link:
        board = ModbusRelayBoard(link, profile)
        server.emulator.deaf_for = 1
        board.set(1, True)
        assert board.commanded == {1: True}
        assert server.received.count(write_coil(1, 0, True)) >= 2


@pytest.mark.parametrize("faults", [{"split": 1}, {"garbage": 40}, {"late_s": 0.1}])
def test_replies_in_pieces_late_or_behind_noise_are_still_replies(faults):
    with emulated("modbus_relay", PROFILE) as bench:
        bench.server.set_faults(**faults)
        bench.device.set(3, True)
        assert bench.device.commanded[3] is True


def test_a_coil_that_does_not_follow_is_noticed():
    with emulated("modbus_relay", PROFILE) as bench:
        bench.emulator.stuck.add(2)
        with pytest.raises(BadReply, match="channel 2 on: channel 2 reads back off"):
            bench.device.set(2, True)
        assert bench.device.commanded[2] is None


def test_a_reboot_shows_in_the_coils():
    with emulated("modbus_relay", PROFILE) as bench:
        bench.device.set(2, True)
        bench.server.reboot()
        assert not any(bench.device.read_back().values())


def test_after_an_unplug_the_board_is_off_before_anybody_asks():
    with emulated("modbus_relay", PROFILE) as bench:
        bench.device.set(2, True)
        bench.server.unplug()
        wait_until(lambda: bench.link.state is LinkState.LOST)
        with pytest.raises(LinkLost):
            bench.device.set(1, True)
        assert set(bench.device.commanded.values()) == {None}
        bench.server.plug()
        wait_until(lambda: not any(bench.emulator.contacts.values()))
        bench.device.set(1, True)
        assert bench.device.commanded == {1: True} | dict.fromkeys(range(2, 9), False)


def test_requests_keep_their_distance_from_each_other(tmp_path):
    with (
        PtyServer(ModbusRelayEmulator(PROFILE)) as server,
        open_link(LinkSpec(server.url), log=tmp_path / "wire.log") as link,
    ):
        board = ModbusRelayBoard(Patient(link), PROFILE)
        for _ in range(3):
            board.set(1, True)
    sent = [record.at_ns for record in read_log(tmp_path / "wire.log") if record.direction is Direction.SENT]
    assert len(sent) == 8
    assert min(after - before for before, after in pairwise(sent)) >= frame_gap_s(9600) * 1e9
