"""Whoever changes the Doppler map raises `features.VERSION`, trains anew and pins the new map here.

The version is all that keeps a network from a map that it did not learn. Input: noise in three microphones, 6 dB more
after 5 s, an echo that goes after 6 s, another that comes after 4 s and flickers at 8 Hz.
"""

from __future__ import annotations

import numpy as np

from detectors.presence.features import VERSION, DopplerMap

RATE_HZ, HOP = 4_000, 200
HOPS = 160  # frames fill, medians start, medians track
PARTS = (slice(0, 40), slice(40, 60), slice(60, HOPS))
# Per part: means over hops and bands of loudness, novelty, coherence, steadiness and flicker, then their standard deviations.
PINNED = {
    "doppler-map/1": [
        [0.092, 0.000, 0.249, 0.438, -0.343, 0.628, 0.000, 0.316, 0.465, 0.735],
        [0.107, -0.010, 0.176, 0.319, -0.166, 0.606, 0.144, 0.234, 0.458, 0.378],
        [0.412, 0.251, 0.205, 0.356, -0.211, 0.630, 0.489, 0.270, 0.457, 0.608],
    ]
}


def heard() -> np.ndarray:
    """(3, HOPS HOP) complex64."""
    rng = np.random.Generator(np.random.PCG64(34))
    time = np.arange(HOPS * HOP) / RATE_HZ
    noise = rng.standard_normal((3, len(time))) + 1j * rng.standard_normal((3, len(time)))
    bearing = np.exp(0.7j * np.arange(3))[:, None]
    comes = np.exp(2j * np.pi * 90.0 * time) * (time > 4.0) * (1.0 + 0.5 * np.cos(2.0 * np.pi * 8.0 * time))
    goes = np.exp(-2j * np.pi * 20.0 * time) * (time < 6.0)
    gains = np.array([[1.0], [0.5], [0.25]])
    return (
        gains * (1e-5 * (1.0 + (time > 5.0)) * noise + 2e-5 * bearing * comes + 3e-5 * bearing.conj() * goes)
    ).astype(np.complex64)


def test_a_map_of_this_version_is_the_one_that_networks_of_it_learnt():
    """Residual: 0.0015, the last digit and what another processor rounds."""
    doppler = DopplerMap(3)
    maps = np.stack([doppler.push(hop) for hop in np.split(heard(), HOPS, axis=1)]).astype(np.float64)
    found = [np.concatenate([maps[one].mean((0, 2)), maps[one].std((0, 2))]) for one in PARTS]
    assert VERSION in PINNED, f"{VERSION}: pin its map here"
    np.testing.assert_allclose(found, PINNED[VERSION], atol=0.0015)
