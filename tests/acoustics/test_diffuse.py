import numpy as np
import pytest
from scipy.signal import coherence as measured_coherence
from scipy.signal import csd, welch

from lab.acoustics.diffuse import DiffuseField, coherence, mixing_filters

MICROPHONES = np.array([[0.035, 0, 0], [0, 0.035, 0], [-0.035, 0, 0], [0, -0.035, 0]])
RATE = 16000
SPEED = 343.2


def white(seed, channels=4):
    rngs = np.random.default_rng(seed).spawn(channels)
    return lambda n: np.stack([rng.standard_normal(n, dtype=np.float32) for rng in rngs])


@pytest.fixture(scope="module")
def field():
    return DiffuseField(MICROPHONES, RATE, SPEED, white(1)).read(60 * RATE)


@pytest.mark.parametrize("pair", [(0, 1), (0, 2)])
def test_coherence_between_microphones_is_that_of_a_diffuse_field(field, pair):
    one, two = field[pair[0]], field[pair[1]]
    frequency, cross = csd(one, two, RATE, nperseg=1024)
    _, power_one = welch(one, RATE, nperseg=1024)
    _, power_two = welch(two, RATE, nperseg=1024)
    measured = np.real(cross) / np.sqrt(power_one * power_two)
    expected = coherence(MICROPHONES, frequency, SPEED)[:, pair[0], pair[1]]
    inside = (frequency > 60.0) & (frequency < 7900.0)
    # 1900 averages leave a standard deviation of about 0.03 where the coherence is low.
    assert np.sqrt(np.mean(np.square(measured - expected)[inside])) < 0.03


def test_far_apart_microphones_hear_independent_noise():
    far = np.array([[0.0, 0, 0], [3.0, 0, 0]])
    heard = DiffuseField(far, RATE, SPEED, white(2, 2)).read(20 * RATE)
    frequency, magnitude = measured_coherence(heard[0], heard[1], RATE, nperseg=1024)
    assert magnitude[frequency > 300.0].mean() < 0.02


def test_power_is_kept_at_every_microphone(field):
    np.testing.assert_allclose(np.var(field, axis=1), 1.0, rtol=0.02)


def test_level_is_flat_over_frequency(field):
    _, power = welch(field[0], RATE, nperseg=256)
    assert np.ptp(10.0 * np.log10(power[2:-2])) < 0.6


def test_the_cut_into_blocks_changes_no_bit():
    whole = DiffuseField(MICROPHONES, RATE, SPEED, white(4)).read(30000)
    stream = DiffuseField(MICROPHONES, RATE, SPEED, white(4))
    pieces = np.concatenate([stream.read(n) for n in [800] * 37 + [400]], axis=1)
    np.testing.assert_array_equal(pieces, whole)


def test_it_sounds_from_the_first_sample():
    heard = DiffuseField(MICROPHONES, RATE, SPEED, white(6)).read(400)
    assert np.std(heard) > 0.7


def test_mixing_filters_are_symmetric_and_of_unit_power():
    filters = mixing_filters(MICROPHONES, RATE, SPEED)
    np.testing.assert_allclose(filters, np.swapaxes(filters, 0, 1), atol=1e-12)
    np.testing.assert_allclose(np.sum(np.square(filters), axis=(1, 2)), 1.0)
