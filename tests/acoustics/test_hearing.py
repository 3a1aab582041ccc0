"""The noise-to-mask measure against a term-by-term evaluation of its formulas, and against what ears do."""

import math

import numpy as np
import pytest

from lab.acoustics.hearing import noise_to_mask
from lab.errors import BadInput

RATE_HZ = 48_000


def noise(seconds: float, seed: int = 0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))


def band(signal: np.ndarray, low_hz: float, high_hz: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    spectrum, hz = np.fft.rfft(signal), np.fft.rfftfreq(len(signal), 1 / rate_hz)
    return np.fft.irfft(np.where((hz >= low_hz) & (hz < high_hz), spectrum, 0), len(signal))


def tone(hz: float, seconds: float, level_db: float = 0.0) -> np.ndarray:
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def test_one_frame_matches_the_formulas_term_by_term():
    """A single frame, so forward masking only takes the larger of nothing and now. Residual below 1e-6 dB."""
    reference, error = noise(2048 / RATE_HZ, 1), 0.05 * noise(2048 / RATE_HZ, 2)
    measured = noise_to_mask(reference, reference + error, RATE_HZ)
    z_low, z_high = 7 * math.asinh(80 / 650), 7 * math.asinh(18000 / 650)
    count = int((z_high - z_low) / 0.25)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    full = 10 ** (92 / 10) / (np.sum(window**2) * 2048 / 4)

    def powers(signal):
        lines = np.abs(np.fft.rfft(signal * window)) ** 2 * full
        out = []
        for k in range(count):
            low, high = (650 * math.sinh((z_low + 0.25 * (k + i)) / 7) for i in (0, 1))
            total = 0.0
            for b, line in enumerate(lines):
                f = b * RATE_HZ / 2048
                share = min(high, f + RATE_HZ / 4096) - max(low, f - RATE_HZ / 4096)
                if share > 0:
                    khz = max(f, 20) / 1000
                    ear = -2.184 * khz**-0.8 + 6.5 * math.exp(-0.6 * (khz - 3.3) ** 2) - 1e-3 * khz**3.6
                    total += share * 2048 / RATE_HZ * line * 10 ** (ear / 10)
            out.append(total)
        return out

    centres = [z_low + 0.25 * (k + 0.5) for k in range(count)]
    hertz = [650 * math.sinh(z / 7) for z in centres]

    def spread(power):
        total = [0.0] * count
        for j in range(count):
            upward = min(0.0, -24 - 230 / hertz[j] + 2 * math.log10(power[j]))
            line = [
                10 ** ((27 * (z - centres[j]) if z < centres[j] else upward * (z - centres[j])) / 10)
                for z in centres
            ]
            for k in range(count):
                total[k] += (power[j] * line[k] / sum(line)) ** 0.4
        return [t**2.5 for t in total]

    masker = [p + 10 ** (0.1456 * (f / 1000) ** -0.8) for p, f in zip(powers(reference), hertz, strict=True)]
    flat = spread([1.0] * count)
    ratios = []
    for k, (excitation, disturbance) in enumerate(zip(spread(masker), powers(error), strict=True)):
        offset = 3.0 if centres[k] <= 12 else 0.25 * centres[k]
        ratios.append(disturbance / (excitation / flat[k] * 10 ** (-offset / 10)))
    assert measured.mean_db == pytest.approx(10 * math.log10(sum(ratios) / count), abs=1e-6)


@pytest.mark.parametrize("gain_db", [-20.0, -3.0, 6.0])
def test_noise_made_louder_raises_the_ratio_by_as_much(gain_db):
    reference, error = noise(1.0), 0.02 * noise(1.0, 1)
    first = noise_to_mask(reference, reference + error, RATE_HZ).mean_db
    second = noise_to_mask(reference, reference + 10 ** (gain_db / 20) * error, RATE_HZ).mean_db
    assert second - first == pytest.approx(gain_db, abs=1e-9)


def test_a_tone_masks_noise_above_it_better_than_below():
    masker = tone(1000, 1.0, -10)
    below = noise_to_mask(masker, masker + 0.01 * band(noise(1.0), 600, 700), RATE_HZ)
    above = noise_to_mask(masker, masker + 0.01 * band(noise(1.0), 1400, 1500), RATE_HZ)
    within = noise_to_mask(masker, masker + 0.01 * band(noise(1.0), 950, 1050), RATE_HZ)
    assert within.mean_db < above.mean_db - 10 < below.mean_db - 20


def test_a_masker_that_has_just_stopped_still_masks():
    masker = noise(1.0)
    masker[24000:] *= 1e-4

    def after(milliseconds):
        error = np.zeros(48000)
        first = 24000 + 48 * milliseconds
        error[first : first + 480] = 0.001 * noise(0.01, 3)
        return noise_to_mask(masker, masker + error, RATE_HZ).mean_db

    assert after(40) < after(120) - 3


def test_disturbed_share_counts_frames_with_an_audible_band():
    reference = noise(1.0)
    error = np.zeros_like(reference)
    error[:24000] = noise(0.5, 5)
    share = noise_to_mask(reference, reference + error, RATE_HZ).disturbed_share
    assert share == pytest.approx(0.5, abs=0.05)
    assert noise_to_mask(reference, reference + 1e-3 * error, RATE_HZ).disturbed_share == 0.0


def test_the_worst_channel_counts():
    pair = np.stack([noise(0.5), noise(0.5, 1)])
    error = np.stack([0.05 * noise(0.5, 2), 0.01 * noise(0.5, 3)])
    both = noise_to_mask(pair, pair + error, RATE_HZ).mean_db
    assert both == noise_to_mask(pair[0], pair[0] + error[0], RATE_HZ).mean_db


def test_the_rate_of_the_file_hardly_matters():
    reference, error = band(noise(1.0), 100, 7000), 0.02 * band(noise(1.0, 1), 500, 6500)
    wide = noise_to_mask(reference, reference + error, RATE_HZ)
    narrow = noise_to_mask(reference[::3], (reference + error)[::3], 16_000)
    # Bands above 8 kHz hold no noise; leaving them out of the mean makes the narrow file look the worse.
    assert 0.5 < narrow.mean_db - wide.mean_db < 1.5


def test_no_difference_is_minus_infinity():
    assert noise_to_mask(noise(0.2), noise(0.2), RATE_HZ).mean_db == -math.inf


@pytest.mark.parametrize(
    ("reference", "test", "named"),
    [
        (np.zeros(4800), np.zeros(4801), "shapes"),
        (np.zeros(100), np.zeros(100), "43 ms"),
        (np.full(4800, np.nan), np.zeros(4800), "finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(reference, test, named):
    with pytest.raises(BadInput, match=named):
        noise_to_mask(reference, test, RATE_HZ)
