import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from lab.acoustics.rt60 import CALIBRATED_HZ, decay_db, fit_rt60_s, schroeder

RATE = 16000


def decaying_noise(rt60_s, seed, seconds):
    time_s = np.arange(round(seconds * RATE)) / RATE
    return np.random.default_rng(seed).standard_normal(len(time_s)) * 10.0 ** (-3.0 * time_s / rt60_s)


def test_an_exact_exponential_is_read_exactly():
    time_s = np.arange(4000) / RATE
    curve = decay_db(10.0 ** (-6.0 * time_s / 0.2))
    assert fit_rt60_s(curve, 1.0 / RATE) == pytest.approx(0.2, rel=2e-3)


@pytest.mark.parametrize("octave_hz", CALIBRATED_HZ)
@pytest.mark.parametrize("rt60_s", [0.3, 0.9])
def test_decaying_noise_reads_its_reverberation_time(rt60_s, octave_hz):
    read = [schroeder(decaying_noise(rt60_s, seed, 1.5 * rt60_s), RATE, octave_hz) for seed in range(20)]
    assert np.mean(read) == pytest.approx(rt60_s, rel=0.04)


def test_each_octave_is_read_by_itself():
    low = butter(8, 1000.0, "lowpass", fs=RATE, output="sos")
    high = butter(8, 1000.0, "highpass", fs=RATE, output="sos")
    mixed = sosfilt(low, decaying_noise(0.8, 1, 1.2)) + sosfilt(high, decaying_noise(0.2, 2, 1.2))
    assert schroeder(mixed, RATE, 500.0) == pytest.approx(0.8, rel=0.15)
    assert schroeder(mixed, RATE, 4000.0) == pytest.approx(0.2, rel=0.15)


def test_a_decay_that_never_reaches_35_db_has_no_reverberation_time():
    assert np.isnan(fit_rt60_s(np.linspace(0.0, -30.0, 100), 0.001))
