import numpy as np
import pytest

from lab.acoustics.late import DENSEST_PER_S, late_responses, octave_weights, reflections

CENTRES_HZ = 125.0 * 2.0 ** np.arange(7)
SPEED = 343.2


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_reflections_have_unit_power_at_every_time_and_rate(rate_hz):
    rng = np.random.default_rng(0)
    noise = np.array([reflections(0.004, rate_hz // 2, 50.0, SPEED, rate_hz, rng) for _ in range(100)])
    power = np.mean(np.square(noise), axis=0).reshape(10, -1).mean(axis=1)
    np.testing.assert_allclose(power[1:], 1.0, rtol=0.05)


def test_reflections_arrive_at_the_rate_of_a_room():
    """4 pi c^3 t^2 / V per second: in 20 m3 2540 per second at 10 ms, the cap from 20 ms on."""
    rng = np.random.default_rng(1)
    rate_hz = 1_000_000  # so fine that hardly any two share a sample
    counts, draws = np.zeros(40), 300
    for _ in range(draws):
        hits = np.flatnonzero(reflections(0.002, 40_000, 20.0, SPEED, rate_hz, rng))
        counts += np.histogram(hits / rate_hz, 40, (0.0, 0.04))[0]
    centre_s = (np.arange(40) + 0.5) / 1000.0
    per_s = np.minimum(4.0 * np.pi * SPEED**3 * centre_s**2 / 20.0, DENSEST_PER_S)
    expected = per_s * 0.001 * draws
    np.testing.assert_array_less(np.abs(counts - expected)[3:], 5.0 * np.sqrt(expected)[3:])
    assert counts[:2].sum() == 0.0


def test_octaves_add_up_to_everything():
    frequency = np.linspace(0.0, 8000.0, 2000)
    weights = octave_weights(frequency, CENTRES_HZ)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, atol=1e-12)
    assert weights.min() >= 0.0
    for band, centre in enumerate(CENTRES_HZ):
        assert weights[band, np.argmin(np.abs(frequency - centre))] == pytest.approx(1.0, abs=1e-6)


def test_energy_is_the_traced_energy_by_octave_and_by_time():
    energy = np.zeros((2, 7, 60))
    energy[:, :, 5:] = np.exp(-np.arange(55) / 12.0)
    energy *= np.array([4.0, 1.0, 2.0, 0.5, 1.0, 3.0, 1.0])[None, :, None]
    positions = np.array([[0.0, 0, 0], [0.07, 0, 0]])
    arrival = np.array([0.01, 0.011])
    spectra, slots = 0.0, 0.0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        built = late_responses(energy, 0.004, arrival, positions, CENTRES_HZ, 60.0, SPEED, 16000, rng)
        spectra = spectra + np.abs(np.fft.rfft(built, 16000)) ** 2 / 60
        slots = slots + np.square(built).reshape(2, 60, 64).sum(axis=2) / 60
    for band, centre in enumerate(CENTRES_HZ[1:], 1):
        inside = slice(int(centre / 2**0.2), int(min(centre * 2**0.2, 8000.0)))
        level = 10.0 * np.log10(spectra[:, inside].mean(axis=1) / energy[:, band].sum(axis=1))
        np.testing.assert_allclose(level, 0.0, atol=0.8)
    widths = np.diff([0.0, *CENTRES_HZ[:-1] * 2**0.5, 8000.0]) / 8000.0
    expected = np.einsum("cbt,b->ct", energy, widths)
    np.testing.assert_allclose(
        10.0 * np.log10(slots[:, 8:50] / expected[:, 8:50]).mean(axis=1), 0.0, atol=0.3
    )


def test_nothing_is_heard_before_the_direct_sound():
    energy = np.ones((1, 7, 20))
    built = late_responses(
        energy,
        0.004,
        np.array([0.02]),
        np.zeros((1, 3)),
        CENTRES_HZ,
        60.0,
        SPEED,
        16000,
        np.random.default_rng(0),
    )
    assert np.all(built[0, :320] == 0.0)
    assert np.abs(built[0, 320:]).max() > 0.0
