import numpy as np
import pytest
from scipy import stats

from lab.acoustics.converter import distortion, gaussian, noise_density, noise_keys
from lab.acoustics.device import load_device
from lab.acoustics.levels import db_spl_from_pa, pa_from_db_spl

SPEC = load_device("ultrasonic_speaker").ultrasonic


def noise(key, first_pair, samples):
    out, scratch = np.empty((2, samples), dtype=np.float32)
    gaussian(key, first_pair, out, scratch)
    return out


def keys(seed, count=1):
    return noise_keys(np.random.default_rng(seed), count)


@pytest.mark.parametrize(("one", "ten"), [(115.0, 125.0), (115.0, 128.0), (110.0, 130.0)])
def test_a_sine_is_distorted_by_one_and_ten_percent_at_the_stated_levels(one, ten):
    a2, a3 = distortion(one, ten)
    phase = 2.0 * np.pi * np.arange(64) / 64
    for level, wanted in ((one, 0.01), (ten, 0.1)):
        x = np.sqrt(2.0) * pa_from_db_spl(level) * np.cos(phase)
        lines = np.abs(np.fft.rfft(x + a2 * x**2 + a3 * x**3))
        # Over the undistorted fundamental: compression takes up to a third of it at 10 %.
        fundamental = np.abs(np.fft.rfft(x))[1]
        assert np.hypot(lines[2], lines[3]) / fundamental == pytest.approx(wanted, rel=1e-6)


def test_loud_music_puts_sidebands_on_a_tone():
    """a2 A of music at 100 dB SPL: -49 dBc for a microphone with 1 %, all of it second order, at 115 dB SPL."""
    a2, a3 = distortion(115.0, 135.0)
    assert a3 == pytest.approx(0.0, abs=1e-9)
    music = float(np.sqrt(2.0) * pa_from_db_spl(100.0))
    assert 20.0 * np.log10(a2 * music) == pytest.approx(-49.0, abs=0.1)


def test_noise_is_flat_in_the_audible_range_and_risen_above_30_khz():
    """29 dB(A) spread over the 12.6 kHz that A-weighted white noise fills up to 20 kHz; half the rise at 30 kHz, all from 38."""
    level = db_spl_from_pa(np.sqrt(noise_density(SPEC, [1_000.0, 20_000.0, 30_000.0, 40_000.0])))
    assert level[0] == pytest.approx(29.0 - 10.0 * np.log10(12_480.0), abs=0.1)
    np.testing.assert_allclose(level - level[0], [0.0, 0.0, 7.5, 15.0], atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_fresh_noise_is_gaussian_and_white(seed):
    """Two million samples: moments and lag correlations within 4.5 standard errors, distribution by Kolmogorov and Smirnov
    on a part at 1e-5, tails beyond 4.5 standard deviations by count."""
    n = 1 << 21
    x = noise(keys(seed)[0], 0, n).astype(np.float64)
    assert abs(x.mean()) * np.sqrt(n) < 4.5
    assert abs(np.mean(x**2) - 1.0) * np.sqrt(n / 2.0) < 4.5
    assert abs(np.mean(x**3)) * np.sqrt(n / 15.0) < 4.5
    assert abs(np.mean(x**4) - 3.0) * np.sqrt(n / 96.0) < 4.5
    for lag in (1, 2, 3, 16, 768):
        assert abs(np.mean(x[lag:] * x[:-lag])) * np.sqrt(n) < 4.5
        assert abs(np.mean((x[lag:] ** 2 - 1.0) * (x[:-lag] ** 2 - 1.0))) * np.sqrt(n) / 2.0 < 4.5
    assert stats.kstest(x[: 1 << 18], "norm").pvalue > 1e-5
    expected = n * 2.0 * stats.norm.sf(4.5)
    assert stats.poisson.cdf(np.sum(np.abs(x) > 4.5), expected) == pytest.approx(0.5, abs=0.49999)


def test_fresh_noise_has_no_lines():
    """Periodogram of 2^20 samples: the largest bin is what the largest of as many exponential ones may be."""
    n = 1 << 20
    power = np.abs(np.fft.rfft(noise(keys(9)[0], 10**9, n))[1:-1]) ** 2 / n
    assert power.max() < np.log(n / 2) + 12.0
    assert power.max() > np.log(n / 2) - 4.0


def test_noise_of_different_keys_and_times_is_independent():
    a, b = keys(2, 2)
    n = 1 << 20
    first = noise(a, 0, n)
    for other in (noise(b, 0, n), noise(a, n, n)):
        assert abs(np.corrcoef(first, other)[0, 1]) * np.sqrt(n) < 4.5


def test_any_moment_of_the_noise_can_be_asked_for():
    key = keys(3)[0]
    whole = noise(key, 2**40, 4096)
    np.testing.assert_array_equal(noise(key, 2**40 + 500, 1000), whole[1000:2000])
