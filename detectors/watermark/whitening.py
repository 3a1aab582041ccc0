"""Makes a stream flat in time and frequency, so that no loud host line outweighs the mark.

Every hop a windowed block becomes a spectrum Y, and each bin is divided by its own neighbourhood,

    V[k] = Y[k] P_near[k]^(-1/2) P_wide[k]^q

with P_near the mean power over 5 bins and P_wide over 33 (1 kHz). A small q > 0 lets loud passages
count somewhat more than pauses, in which noise and reverberation are all there is.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from detectors.watermark.layout import BLOCK_SAMPLES, BLOCK_WINDOW, HIGH_HZ, LOW_HZ, RATE_HZ

HOP_SAMPLES = 128
CHUNK_SAMPLES = BLOCK_SAMPLES
FIRST_BIN = round(LOW_HZ * BLOCK_SAMPLES / RATE_HZ)
LAST_BIN = round(HIGH_HZ * BLOCK_SAMPLES / RATE_HZ)
COEFFICIENTS = 2 * (LAST_BIN - FIRST_BIN)
LOUDNESS_EXPONENT = 0.1
_NEAR_BINS, _WIDE_BINS = 5, 33
_MARGIN = 8
_FLOOR = np.float32(1e-16)  # -160 dB full scale: keeps digital silence at zero instead of 0 / 0


class Whitener:
    """Turns chunks of 512 samples into one vector a hop of 128 samples; a vector ends with its hop."""

    def __init__(self, channels: int) -> None:
        self._history = np.zeros((channels, BLOCK_SAMPLES), np.float32)

    def vectors(self, chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        """chunk: (channels, 512). Returns float32, (4, channels * COEFFICIENTS)."""
        samples = np.concatenate([self._history, chunk], axis=1)
        self._history = chunk
        frames = np.lib.stride_tricks.sliding_window_view(samples, BLOCK_SAMPLES, axis=1)
        spectra = scipy.fft.rfft(frames[:, HOP_SAMPLES::HOP_SAMPLES] * BLOCK_WINDOW)
        spectra = spectra[:, :, FIRST_BIN - _MARGIN : LAST_BIN + _MARGIN]
        power = spectra.real**2 + spectra.imag**2
        # A running sum may end a rounding error below zero beside a loud bin.
        near = np.maximum(uniform_filter1d(power, _NEAR_BINS, axis=2), 0) + _FLOOR
        wide = np.maximum(uniform_filter1d(power, _WIDE_BINS, axis=2), 0) + _FLOOR
        white = spectra * (wide**LOUDNESS_EXPONENT / np.sqrt(near))
        white = np.ascontiguousarray(white[:, :, _MARGIN:-_MARGIN].transpose(1, 0, 2), dtype=np.complex64)
        return white.view(np.float32).reshape(len(white), -1)
