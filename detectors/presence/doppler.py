"""The Doppler spectrum of a hop: what moves, by speed, with the carrier and what stands still taken out.

P[f] = mean over microphones of |FFT(w (b - fitted line))|^2 / sum(w^2)      per Hz, full scale 1 squared
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray


class DopplerSpectrum:
    """Power by Doppler frequency over the last `frame` samples. rate_hz: of the envelope."""

    def __init__(self, channels: int, rate_hz: int, frame: int) -> None:
        self.frequency_hz = np.fft.fftshift(np.fft.fftfreq(frame, 1.0 / rate_hz))
        self._rate_hz = rate_hz
        # Blackman-Harris: the carrier stands 80 dB above an echo, and its skirts must not reach it.
        n = np.arange(frame) / frame * 2.0 * np.pi
        self._window = 0.35875 - 0.48829 * np.cos(n) + 0.14128 * np.cos(2 * n) - 0.01168 * np.cos(3 * n)
        self._lines = np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, frame), 2))[0]
        self._held = np.zeros((channels, frame), np.complex64)
        self.filled = 0

    def push(self, hop: NDArray[np.complex64]) -> NDArray[np.float64]:
        """hop: (M, n). Returns (frame,) per Hz, in the order of `frequency_hz`; it speaks of zeros until filled."""
        self._held = np.concatenate([self._held[:, hop.shape[1] :], hop], axis=1)
        self.filled = min(self.filled + hop.shape[1], self._held.shape[1])
        moving = self._held.astype(np.complex128)
        moving = moving - (moving @ self._lines) @ self._lines.T  # a steady echo and its slow drift
        spectra = scipy.fft.fft(moving * self._window, axis=1)
        power = np.mean(np.abs(spectra) ** 2, axis=0) / (self._rate_hz * np.sum(self._window**2))
        return np.fft.fftshift(power)

    @property
    def full(self) -> bool:
        return self.filled == self._held.shape[1]
