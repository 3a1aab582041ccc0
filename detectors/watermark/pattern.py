"""The noise vectors of a mark and the signed sequence they make.

A detector never needs the vectors, so an embedder may choose them well. Over the N repeats a host
leaves a signed sum of its own blocks x[n, m], whitened,

    U[m] = sum_n s[n, m] x[n, m],

that a detector meets as chance. Noise whose phase leans towards U adds to that chance instead of crossing it:
the sum grows from |A v|^2 to |A v + U|^2 at the same loudness, and host and mark reach a microphone through the same room,
so the advantage survives. The seeded noise gives the rest of the phase, and all of it where a host is silent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from detectors.watermark.key import Key
from detectors.watermark.layout import BLOCK_SAMPLES, BLOCK_WINDOW, LOW_HZ, RATE_HZ

LEANING = 0.8  # share of the host's own direction in a noise vector, 0 to 1
_SMOOTHING_BINS = 5


def block_spectra(key: Key, host: NDArray, number: int, high_hz: float) -> NDArray[np.complex128]:
    """Noise vectors of one mark as spectra of unit magnitude in the band, (blocks, bins).

    host: the stretch to mark, one channel at 16 kHz. number: of the mark in its file; every mark has noise of its own.
    """
    rng = np.random.default_rng(np.random.SeedSequence([key.noise_seed, number]))
    hz = np.fft.rfftfreq(BLOCK_SAMPLES, 1 / RATE_HZ)
    noise = np.exp(2j * np.pi * rng.random((key.blocks, len(hz))))
    own = np.fft.rfft(host.reshape(key.segments, key.blocks, BLOCK_SAMPLES) * BLOCK_WINDOW)
    level = uniform_filter1d(np.abs(own) ** 2, _SMOOTHING_BINS, axis=2)
    white = np.divide(own, np.sqrt(level), out=np.zeros_like(own), where=level > 1e-12)
    total = np.sum(key.signs[:, :, None] * white, axis=0)
    direction = np.divide(total, np.abs(total), out=np.zeros_like(total), where=np.abs(total) > 1e-9)
    vectors = LEANING * direction + (1 - LEANING) * noise
    return np.where((hz >= LOW_HZ) & (hz <= high_hz), vectors / np.abs(vectors), 0.0)


def carrier(key: Key, spectra: NDArray) -> NDArray[np.float32]:
    """The mark before shaping, (samples,): signed repeats of the vectors, power 1 a sample were the band full."""
    vectors = np.fft.irfft(spectra, BLOCK_SAMPLES) * np.sqrt(BLOCK_SAMPLES)
    return (key.signs[:, :, None] * vectors[None]).reshape(-1).astype(np.float32)
