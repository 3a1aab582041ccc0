"""Emission: levels, smooth changes, the limit, and seconds on the air."""

from __future__ import annotations

import numpy as np
import pytest

from lab.acoustics.levels import db_spl_from_pa, rms
from lab.acoustics.ultrasonic.emission import Emitter, level_db_spl_at
from lab.errors import BadInput

RATE = 96_000


def emitter(rate_hz: float = RATE, **options) -> Emitter:
    return Emitter(rate_hz, 48_000.0, **options)


def passband(one: Emitter, samples: int, start: int) -> np.ndarray:
    time = np.arange(start, start + samples) / one.rate_hz
    return sum(
        (tone.pressure_pa * np.exp(2j * np.pi * tone.carrier_hz * time)).real for tone in one.read(samples)
    )


def test_a_settled_tone_has_the_level_asked_for_at_one_metre() -> None:
    one = emitter()
    one.command((34_000.0,), 85.0)
    one.read(RATE // 10)
    assert db_spl_from_pa(rms(passband(one, RATE // 10, RATE // 10))) == pytest.approx(85.0, abs=1e-6)
    assert level_db_spl_at(0.3, 85.0) == pytest.approx(95.46, abs=0.01)


def test_start_change_and_stop_leave_nothing_to_hear() -> None:
    """Energy below 16 kHz of a start, a change and a stop of a tone at 32 kHz: under 0 dB SPL in any 125 ms."""
    one = emitter()
    commands = [((32_000.0,), 85.0), ((32_000.0,), 75.0), ((33_000.0,), 85.0), ((), 0.0)]
    blocks = []
    for index, command in enumerate(commands):
        one.command(*command)
        blocks.append(passband(one, RATE // 20, index * RATE // 20))
    signal = np.concatenate([np.zeros(RATE // 20), *blocks, np.zeros(RATE // 20)])
    spectrum = np.fft.rfft(signal)
    audible = np.fft.irfft(np.where(np.fft.rfftfreq(len(signal), 1 / RATE) < 16_000.0, spectrum, 0.0))
    energy = np.sum(audible**2) / RATE
    assert db_spl_from_pa(np.sqrt(energy / 0.125)) < 0.0
    assert rms(blocks[0]) > 0.1  # the start was there


def test_a_command_amid_a_ramp_makes_no_kink() -> None:
    one = emitter(8000)
    one.command((34_000.0,), 85.0)
    parts = [one.read(90)[0].pressure_pa.real]
    one.command((34_000.0,), 75.0)
    parts += [one.read(90)[0].pressure_pa.real]
    one.command((), 0.0)
    parts += [one.read(400)[0].pressure_pa.real]
    pressure = np.concatenate(parts)
    top = np.sqrt(2.0) * 20e-6 * 10 ** (85.0 / 20.0)
    slope_change = np.abs(np.diff(pressure, 2)).max() * 8000**2
    assert slope_change <= 2.0 * top * np.pi**2 / (2 * 0.03**2) * 1.01
    assert pressure[-1] == 0.0


def test_the_way_it_is_read_changes_no_sample() -> None:
    whole, cut = emitter(4000), emitter(4000)
    for one in (whole, cut):
        one.command((34_000.0, 36_000.0), 80.0)
    long = whole.read(400)
    pieces = [cut.read(size) for size in (1, 119, 3, 177, 100)]
    for index in range(2):
        joined = np.concatenate([piece[index].pressure_pa for piece in pieces])
        assert np.array_equal(joined, long[index].pressure_pa)
    assert not long[0].steady and whole.read(200)[0].steady


def test_a_change_of_carrier_fades_one_tone_out_and_the_other_in() -> None:
    one = emitter(4000)
    one.command((34_000.0,), 80.0)
    one.read(200)
    one.command((36_000.0,), 80.0)
    old, new = one.read(200)
    assert (old.carrier_hz, new.carrier_hz) == (34_000.0, 36_000.0)
    assert np.allclose(old.pressure_pa + new.pressure_pa, old.pressure_pa[0])
    assert old.pressure_pa[-1] == 0.0


def test_no_carrier_below_twenty_kilohertz_or_above_nyquist() -> None:
    for carrier in (19_000.0, 48_000.0):
        with pytest.raises(BadInput, match=r"emission\.carriers_hz = .*from 20000 to below 48000"):
            emitter().command((carrier,), 70.0)
    with pytest.raises(BadInput, match="every tone once"):
        emitter().command((34_000.0, 34_000.0), 70.0)


def test_the_limit_holds_for_all_tones_together_until_a_person_lifts_it() -> None:
    emitter().command((34_000.0,), 89.5)
    with pytest.raises(BadInput, match=r"at most 89\.5 dB SPL at 1 m, which is 100 dB SPL at 0\.3 m"):
        emitter().command((34_000.0,), 89.6)
    with pytest.raises(BadInput, match=r"2 tone\(s\) at most 86\.5"):
        emitter().command((34_000.0, 36_000.0), 87.0)
    lifted = emitter(override=True)
    lifted.command((34_000.0,), 95.0)
    lifted.read(10)
    assert lifted.facts()["emission_db_spl_at_0_3_m"] == pytest.approx(105.46, abs=0.01)


def test_a_ramp_that_would_click_is_refused() -> None:
    with pytest.raises(BadInput, match=r"emission\.ramp_s = 0\.005: at least 0\.02"):
        emitter(ramp_s=0.005)


def test_seconds_on_the_air_are_kept_per_level() -> None:
    one = emitter(4000)
    for carriers, level, seconds in (
        ((34e3,), 85.0, 2),
        ((), 0.0, 6),
        ((34e3,), 75.0, 1),
        ((36e3,), 85.0, 1),
    ):
        one.command(carriers, level)
        one.read(seconds * 4000)
    assert one.emitted_s == {75.0: 1.0, 85.0: 3.0}
    assert one.facts()["emission_duty"] == pytest.approx(0.4)
    assert one.facts()["emission_db_spl_at_1_m"] == 85.0
