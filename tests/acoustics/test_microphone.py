import numpy as np
import pytest
from scipy.signal import welch

from lab.acoustics.device import ConverterSpec
from lab.acoustics.levels import a_weighting_db, db_spl_from_pa, pa_from_db_spl, rms
from lab.acoustics.microphone import Microphone, self_noise_rms_pa

RATE = 16000


def spec(**changes):
    given = {
        "rate_hz": RATE,
        "bits": 24,
        "full_scale_db_spl": 120.0,
        "noise_floor_dba": -20.0,
        "band_hz": (40.0, 7600.0),
    }
    return ConverterSpec(**(given | changes))


def tone(level_db_spl, frequency_hz=1000.0, seconds=1.0):
    time_s = np.arange(round(seconds * RATE)) / RATE
    return (np.sqrt(2.0) * pa_from_db_spl(level_db_spl) * np.sin(2.0 * np.pi * frequency_hz * time_s))[None]


def hear(given, pressure, seed=0):
    return Microphone(given, len(pressure), np.random.default_rng(seed)).process(pressure)


def test_a_tone_lands_below_full_scale_by_its_distance_in_db():
    heard = hear(spec(full_scale_db_spl=120.0), tone(94.0))[:, RATE // 4 :]
    peak_db = 20.0 * np.log10(np.abs(heard).max())
    assert peak_db == pytest.approx(-26.0, abs=0.1)


def test_a_louder_tone_than_full_scale_clips():
    heard = hear(spec(bits=16), tone(126.0))[0, RATE // 4 :]
    assert heard.max() == np.float32(32767 / 32768)
    assert heard.min() == -1.0
    assert np.mean(np.abs(heard) > 0.999) > 0.5


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_samples_lie_on_the_converter_grid(bits):
    steps = hear(spec(bits=bits, noise_floor_dba=30.0), tone(100.0))[0].astype(float) * 2 ** (bits - 1)
    np.testing.assert_array_equal(steps, np.round(steps))
    assert len(np.unique(steps)) > 10


def test_quantisation_noise_is_that_of_a_step():
    given = {"full_scale_db_spl": 120.0, "noise_floor_dba": 45.0}
    coarse = hear(spec(bits=10, **given), tone(110.0, 997.3))
    fine = hear(spec(bits=24, **given), tone(110.0, 997.3))
    assert float(rms((coarse - fine)[0])) == pytest.approx(2.0**-9 / np.sqrt(12.0), rel=0.05)


def test_self_noise_reads_its_dba_over_the_audible_range():
    pressure = np.zeros((1, 20 * 48000))
    wide = ConverterSpec(
        rate_hz=48000, bits=24, noise_floor_dba=30.0, band_hz=(5.0, 23900.0), full_scale_db_spl=110.0
    )
    heard = hear(wide, pressure)[0, 48000:] * np.sqrt(2.0) * float(pa_from_db_spl(110.0))
    frequency, density = welch(heard.astype(float), 48000, nperseg=8192)
    inside = (frequency >= 20.0) & (frequency <= 20000.0)
    weighted = density[inside] * 10.0 ** (a_weighting_db(frequency[inside]) / 10.0)
    level = float(db_spl_from_pa(np.sqrt(np.sum(weighted) * (frequency[1] - frequency[0]))))
    assert level == pytest.approx(30.0, abs=0.2)


def test_a_slower_converter_hears_less_of_the_same_noise():
    assert self_noise_rms_pa(30.0, 16000) == pytest.approx(self_noise_rms_pa(30.0, 48000) / np.sqrt(3.0))


@pytest.mark.parametrize("edge_hz", [40.0, 7000.0])
def test_the_band_is_3_db_down_at_its_edges(edge_hz):
    given = spec(band_hz=(40.0, 7000.0))
    edge, middle = (float(rms(hear(given, tone(90.0, f, 2.0))[0, RATE:])) for f in (edge_hz, 1000.0))
    assert 20.0 * np.log10(edge / middle) == pytest.approx(-3.01, abs=0.1)


def test_sensitivities_spread_as_the_file_says_and_differ_between_microphones():
    given = spec(gain_spread_db=1.0)
    microphones = Microphone(given, 1000, np.random.default_rng(1))
    assert np.std(microphones.gain_db) == pytest.approx(1.0, abs=0.08)
    heard = Microphone(given, 2, np.random.default_rng(2))
    level = 20.0 * np.log10(rms(heard.process(np.repeat(tone(90.0), 2, axis=0))[:, RATE // 4 :]))
    assert level[0] - level[1] == pytest.approx(heard.gain_db[0] - heard.gain_db[1], abs=0.01)


def test_noise_of_two_microphones_is_independent():
    heard = hear(spec(noise_floor_dba=40.0), np.zeros((2, 5 * RATE)))
    assert abs(np.corrcoef(heard)[0, 1]) < 0.02


@pytest.mark.parametrize("block", [1, 123, 800])
def test_the_cut_into_blocks_changes_no_bit(block):
    pressure = np.repeat(tone(80.0, 440.0, 0.2), 3, axis=0).astype(np.float32)
    given = spec(bits=16, noise_floor_dba=30.0, gain_spread_db=0.5)
    whole = hear(given, pressure)
    stream = Microphone(given, 3, np.random.default_rng(0))
    cuts = range(0, pressure.shape[1], block)
    pieces = np.concatenate([stream.process(pressure[:, i : i + block]) for i in cuts], axis=1)
    np.testing.assert_array_equal(pieces, whole)


def test_same_seed_same_samples():
    given = spec(noise_floor_dba=30.0)
    np.testing.assert_array_equal(hear(given, tone(60.0), 5), hear(given, tone(60.0), 5))
    assert np.any(hear(given, tone(60.0), 5) != hear(given, tone(60.0), 6))


def test_a_wrong_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"\(2, n\)"):
        Microphone(spec(), 2, np.random.default_rng(0)).process(np.zeros((3, 10)))
