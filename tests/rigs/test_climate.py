"""The sensor for temperature and humidity: registers as its page has them, and values that cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigs.climate import Climate, ClimateProfile, ClimateSensor
from rigs.emulators.climate import ClimateEmulator
from rigs.errors import BadReply, InstrumentAlarm, NoReply
from rigs.modbus import Function, is_sealed, read_request, seal
from tests.rigs.wires import conversation, emulated, hexes

ASKED = "01 04 00 01 00 02 20 0B"
PLAIN = ClimateProfile()


def answer(counts: str) -> bytes:
    return seal(bytes.fromhex("01 04 04" + counts))


@pytest.mark.parametrize(
    ("counts", "climate"),
    [
        ("01 31 02 22", Climate(30.5, 54.6)),  # the maker's own examples
        ("FF 33 02 22", Climate(-20.5, 54.6)),
        ("00 00 03 E8", Climate(0.0, 100.0)),
    ],
)
def test_both_registers_come_in_one_request(counts, climate):
    with conversation((bytes.fromhex(ASKED), answer(counts)), baud_rate=9600) as link:
        assert ClimateSensor(link, PLAIN).read() == climate


def test_registers_step_and_function_are_those_of_the_profile():
    profile = ClimateProfile(
        address=2, registers="holding", temperature_register=5, humidity_register=3, step=0.01
    )
    pair = (seal(bytes.fromhex("02 03 00 03 00 03")), seal(bytes.fromhex("02 03 06 15 7C 00 00 08 66")))
    with conversation(pair) as link:
        assert ClimateSensor(link, profile).read() == Climate(21.5, 55.0)


@pytest.mark.parametrize("counts", ["80 00 80 00", "FF FF FF FF", "01 31 03 E9", "03 53 01 00"])
def test_values_that_cannot_be_are_refused(counts):
    words = "sensor porch: .* cannot be"
    with conversation((bytes.fromhex(ASKED), answer(counts))) as link, pytest.raises(BadReply, match=words):
        ClimateSensor(link, PLAIN, "porch").read()


def test_a_refusal_is_told_in_words():
    words = "refused reading temperature and humidity: it has no such"
    refused = hexes((ASKED, "01 84 02 C2 C1"))
    with conversation(*refused) as link, pytest.raises(InstrumentAlarm, match=words):
        ClimateSensor(link, PLAIN).read()


@pytest.mark.parametrize(
    ("faults", "junk", "error"),
    [({"silence": True}, None, NoReply), ({"checksum": True}, 9, BadReply)],
)
def test_silence_and_a_bad_sum_give_no_value(faults, junk, error):
    with emulated("climate", ClimateProfile(attempts=1, settle_s=0.0)) as bench:
        bench.server.set_faults(**faults)
        bench.link.silent, bench.link.junk = (None, 0) if junk is None else ((), junk)
        with pytest.raises(error):
            bench.device.read()


@pytest.mark.parametrize("faults", [{}, {"split": 1}, {"garbage": 20}, {"late_s": 0.1}])
def test_what_the_sensor_senses_is_read_in_pieces_late_or_behind_noise(faults):
    with emulated("climate", "sht20_modbus") as bench:
        bench.server.set_faults(**faults)
        bench.emulator.climate = Climate(-3.2, 81.5)
        assert bench.device.read() == Climate(-3.2, 81.5)


def test_a_broken_element_is_noticed():
    with emulated("climate", "sht20_modbus") as bench:
        bench.emulator.broken = True
        with pytest.raises(BadReply, match="is its element broken"):
            bench.device.read()


@given(st.integers(-400, 850), st.integers(0, 1000))
def test_the_emulated_sensor_holds_tenths(tenths_c, tenths_percent):
    sensor = ClimateEmulator(ClimateProfile(), Climate(tenths_c / 10, tenths_percent / 10))
    reply = sensor.feed(read_request(1, Function.READ_INPUT_REGISTERS, 1, 2))
    assert is_sealed(reply)
    assert (
        int.from_bytes(reply[3:5], signed=True) == tenths_c and int.from_bytes(reply[5:7]) == tenths_percent
    )
