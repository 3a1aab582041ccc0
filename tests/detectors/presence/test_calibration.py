"""A unit of known response, emission obeyed a block later: what the calibration finds, and what it makes of it."""

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.interface import SILENT, Emission
from detectors.presence.calibration import Calibration, CalibrationSettings, absorption_db_m
from detectors.presence.front_end import RATE_HZ

FS, HOP = 96_000, 4_800
SETTINGS = {"carrier_band_hz": (32_000.0, 40_000.0), "step_hz": 2_000.0}


class Unit:
    """Microphones hear a tone of L dB SPL at 1 m as L + direct_db + response; full scale is 130 dB SPL."""

    def __init__(self, response_db, lines=(), noise_db=0.0, blocked_db=0.0, seed=1):
        self.response_db = response_db  # carrier -> (M,), -inf for a dead microphone
        self.lines, self.noise_db, self.blocked_db = lines, noise_db, blocked_db
        self._rng = np.random.default_rng(seed)
        self._hops = 0

    def hop(self, emission):
        time = (self._hops * HOP + np.arange(HOP)) / FS
        self._hops += 1
        channels = len(next(iter(self.response_db.values())))
        sigma = 10 ** ((self.noise_db - 130.0) / 20) * np.sqrt(FS / 4)  # a tone of 130 dB SPL RMS peaks at 1
        out = sigma * self._rng.standard_normal((channels, HOP))
        for carrier in emission.carriers_hz:
            level = emission.level_db_spl + 22.0 - self.blocked_db + np.asarray(self.response_db[carrier])
            out += 10 ** ((level[:, None] - 130.0) / 20) * np.cos(2 * np.pi * carrier * time)
        for frequency, level in self.lines:
            out += 10 ** ((level - 130.0) / 20) * np.cos(2 * np.pi * frequency * time)
        return out.astype(np.float32)


def calibrate(unit, channels=2, gap=(), **settings):
    calibration = Calibration(CalibrationSettings(**{**SETTINGS, **settings}), FS, channels, 0.05)
    emissions = []
    emission = calibration.emission
    for index in range(400):
        hop = unit.hop(emission)
        usable = np.full(channels, index not in gap)
        calibration.push(hop if usable.any() else 0 * hop, usable)
        emission = calibration.emission
        emissions.append(emission)
        if calibration.result is not None:
            return calibration.result, emissions
    raise AssertionError("no result")


def responses(best=36_000.0, gain_db=6.0, channels=2):
    return {f: np.full(channels, gain_db if f == best else 0.0) for f in np.arange(32e3, 40.1e3, 2e3)}


def test_finds_the_carrier_that_needs_least_and_the_level_of_the_link_budget():
    result, _ = calibrate(Unit(responses()))
    assert result.carrier_hz == 36_000.0
    index = result.candidates_hz.index(36_000.0)
    assert result.response_db[index] == pytest.approx(28.0, abs=0.1)
    assert result.noise_db[index] == pytest.approx(0.0, abs=1.5)
    # 11 dB above 0 dB/Hz in 10 Hz, TS -18 dB, 7 m and back at 1.17 dB/m, 6 dB better than designed.
    wanted = 11.0 + 10.0 + 18.0 + 40 * np.log10(7.0) + 14 * absorption_db_m(36_000.0) - 6.0
    assert result.emission.level_db_spl == pytest.approx(wanted, abs=1.6)
    assert not result.blocked
    assert result.alive.all()


def test_a_nearer_range_takes_a_lower_level():
    levels = [
        calibrate(Unit(responses()), range_m=r, level_range_db_spl=(40, 100))[0].emission.level_db_spl
        for r in (3.0, 6.0)
    ]
    assert levels[1] - levels[0] == pytest.approx(40 * np.log10(2) + 6 * absorption_db_m(36_000.0), abs=0.5)


def test_sweeps_at_the_low_level_after_a_silence_and_is_done_in_ten_seconds():
    result, emissions = calibrate(
        Unit({f: np.zeros(2) for f in np.arange(32e3, 40.1e3, 500.0)}), step_hz=500.0
    )
    assert result.took_s < 10.0
    assert emissions[:19] == [SILENT] * 19
    assert {e.level_db_spl for e in emissions[19:-1]} == {65.0}
    assert list(dict.fromkeys(e.carriers_hz[0] for e in emissions[19:-1])) == list(result.candidates_hz)


def test_keeps_away_from_tones_of_others():
    result, _ = calibrate(Unit(responses(), lines=[(36_700.0, 50.0)]))
    assert result.interfered.tolist() == [False, False, True, False, False]
    assert result.carrier_hz == 32_000.0  # of equals, the air takes least of the lowest


def test_finds_dead_microphones():
    unit = Unit({f: np.array([0.0, -np.inf, 3.0, 0.0]) for f in np.arange(32e3, 40.1e3, 2e3)})
    result, _ = calibrate(unit, channels=4)
    assert result.alive.tolist() == [True, False, True, True]
    assert not result.blocked


@pytest.mark.parametrize(("blocked_db", "blocked"), [(0.0, False), (8.0, False), (20.0, True), (120.0, True)])
def test_tells_a_blocked_loudspeaker_from_a_weak_one(blocked_db, blocked):
    result, _ = calibrate(Unit(responses(gain_db=0.0), blocked_db=blocked_db))
    assert result.blocked is blocked
    assert result.alive.all()
    assert result.emission.level_db_spl <= 89.0


def test_waits_through_a_gap():
    result, _ = calibrate(Unit(responses()), gap=range(30, 60))
    assert result.carrier_hz == 36_000.0
    assert result.response_db == pytest.approx(
        np.array([22.0, 22.0, 28.0, 22.0, 22.0])[:, None] * np.ones(2), abs=0.2
    )


@pytest.mark.parametrize("gap", [range(260), range(10, 250)])
def test_where_nothing_could_be_heard_all_starts_over(gap):
    clean, _ = calibrate(Unit(responses()))
    result, emissions = calibrate(Unit(responses()), gap=gap)
    assert not result.blocked
    assert result.emission.carriers_hz == clean.emission.carriers_hz
    assert result.emission.level_db_spl == pytest.approx(clean.emission.level_db_spl, abs=0.5)
    assert result.took_s < 0.05 * gap[-1] + 20.0
    assert max(one.level_db_spl for one in emissions[:-1]) <= 65.0


def test_a_carrier_that_could_not_be_heard_is_not_taken_and_blocks_nothing():
    result, _ = calibrate(Unit(responses()), gap=range(20, 160))
    assert not result.blocked
    assert result.carrier_hz == 38_000.0  # of 38 and 40 kHz, which were heard


def test_a_baseband_keeps_its_carrier_and_finds_a_level():
    calibration = Calibration(CalibrationSettings(carrier_hz=34_000.0), RATE_HZ, 2, 0.05)
    rng = np.random.default_rng(1)
    while calibration.result is None:
        tone = 0.0 if calibration.emission == SILENT else 10 ** ((65.0 + 22.0 - 130.0) / 20)
        noise = 10 ** (-130 / 20) * np.sqrt(RATE_HZ / 2) * rng.standard_normal((2, 2, 200))
        calibration.push((tone + noise[0] + 1j * noise[1]).astype(np.complex64), np.ones(2, bool))
    assert calibration.result.carrier_hz == 34_000.0
    assert calibration.result.took_s < 2.0
    assert 80.0 < calibration.result.emission.level_db_spl < 89.0


def test_given_values_are_kept():
    result, _ = calibrate(Unit(responses()), carrier_hz=34_000.0, level_db_spl=85.0)
    assert result.emission == Emission((34_000.0,), 85.0)


@pytest.mark.parametrize(
    ("frequency_hz", "printed"), [(32e3, 1.016), (34e3, 1.094), (36e3, 1.171), (40e3, 1.318)]
)
def test_absorption_follows_the_standard(frequency_hz, printed):
    assert absorption_db_m(frequency_hz) == pytest.approx(printed, abs=0.005)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("range_m", 0.0),
        ("carrier_band_hz", (40e3, 32e3)),
        ("step_hz", 10.0),
        ("level_db_spl", 120.0),
        ("probe_db_spl", "loud"),
    ],
)
def test_refuses_settings_out_of_range(key, value):
    with pytest.raises(DetectorError, match=f"settings.{key}"):
        CalibrationSettings(**{key: value})
