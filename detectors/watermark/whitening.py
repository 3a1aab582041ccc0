"""Makes a stream's spectrum flat in time and frequency, so that no loud host line outweighs the mark."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from detectors.watermark.layout import BLOCK_SAMPLES, HIGH_HZ, LOW_HZ, RATE_HZ

FIRST_BIN = round(LOW_HZ * BLOCK_SAMPLES / RATE_HZ)
LAST_BIN = round(HIGH_HZ * BLOCK_SAMPLES / RATE_HZ)
COEFFICIENTS = 2 * (LAST_BIN - FIRST_BIN)
_HOP = 128


class Whitener:
    """Turns chunks of 512 samples a channel into one vector a hop of 128 samples."""

    def __init__(self, channels: int) -> None:
        self._history = np.zeros((channels, BLOCK_SAMPLES), np.float32)

    def vectors(self, chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        """chunk: (channels, 512). Returns float32, (4, channels * COEFFICIENTS)."""
        samples = np.concatenate([self._history, chunk], axis=1)
        self._history = chunk
        frames = np.lib.stride_tricks.sliding_window_view(samples, BLOCK_SAMPLES, axis=1)[:, _HOP::_HOP]
        spectra = scipy.fft.rfft(np.ascontiguousarray(frames))[:, :, FIRST_BIN - 2 : LAST_BIN + 2]
        power = spectra.real**2 + spectra.imag**2
        level = uniform_filter1d(power, 5, axis=2)[:, :, 2:-2]
        white = spectra[:, :, 2:-2] / np.sqrt(level + np.float32(1e-20))
        flat = white.transpose(1, 0, 2).astype(np.complex64)
        return np.ascontiguousarray(flat).view(np.float32).reshape(len(flat), -1)
