"""Levels of what was recorded: a long-term spectrum that grows block by block, read in bands and with A-weighting.

A level in dB SPL is 20 log10(rms sqrt(2)) + full_scale_db_spl, full scale being the sine whose peaks reach it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

FRAME_S = 0.2  # 5 Hz apart: 50 Hz is well inside
BAND_HZ = (50.0, 7000.0)  # the band in which the lab states noise


def dbfs(signal: NDArray) -> NDArray[np.float64]:
    """Level over the last axis in dB over a full-scale sine, shape (..., n) to (...); silence gives -inf."""
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(2.0 * np.mean(np.square(signal, dtype=np.float64), axis=-1))


def a_weighting_db(frequency_hz: ArrayLike) -> NDArray[np.float64]:
    """A-weighting in dB, 0 at 1 kHz, -inf at 0 Hz (IEC 61672-1:2013, Annex E)."""
    f2 = np.square(np.asarray(frequency_hz, dtype=np.float64))
    low, high = 20.598997**2, 12194.217**2
    gain = high * f2**2 / ((f2 + low) * np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2)) * (f2 + high))
    with np.errstate(divide="ignore"):
        return 20.0 * np.log10(gain) + 1.9997


class LevelMeter:
    """Mean power spectrum of each channel (Hann frames of 0.2 s, half overlapped), whatever the blocks.

    Accuracy: a tone on or off the grid reads within 0.01 dB in a band that holds it whole.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._size = round(FRAME_S * rate_hz)
        self._hop = self._size // 2
        self._window = np.hanning(self._size + 1)[:-1]
        self._frequency_hz = np.fft.rfftfreq(self._size, 1.0 / rate_hz)
        self._waiting = np.zeros((channels, 0))
        self._power = np.zeros((channels, len(self._frequency_hz)))
        self._frames = 0
        self._samples = 0
        self._rate_hz = rate_hz

    @property
    def seconds(self) -> float:
        return self._samples / self._rate_hz

    def feed(self, block: NDArray) -> None:
        """block: (channels, n)."""
        self._samples += block.shape[1]
        waiting = np.concatenate([self._waiting, block], axis=1)
        while waiting.shape[1] >= self._size:
            spectrum = np.fft.rfft(waiting[:, : self._size] * self._window)
            self._power += np.square(np.abs(spectrum))
            self._frames += 1
            waiting = waiting[:, self._hop :]
        self._waiting = waiting

    def mean_square(
        self, low_hz: float = 0.0, high_hz: float = math.inf, a_weighted: bool = False
    ) -> NDArray[np.float64]:
        """Per channel, of what lies between two frequencies, both included; NaN before the first whole frame."""
        if not self._frames:
            return np.full(len(self._power), np.nan)
        weight = np.where((self._frequency_hz >= low_hz) & (self._frequency_hz <= high_hz), 2.0, 0.0)
        weight[0] *= 0.5
        if self._size % 2 == 0:
            weight[-1] *= 0.5
        if a_weighted:
            weight *= 10.0 ** (a_weighting_db(self._frequency_hz) / 10.0)
        scale = self._frames * self._size * np.sum(np.square(self._window))
        return self._power @ weight / scale

    def level_db(
        self,
        full_scale_db_spl: ArrayLike = 0.0,
        low_hz: float = 0.0,
        high_hz: float = math.inf,
        a_weighted: bool = False,
    ) -> NDArray[np.float64]:
        """Per channel, dB SPL; with a full scale of 0, dB over a full-scale sine."""
        with np.errstate(divide="ignore"):
            level = 10.0 * np.log10(2.0 * self.mean_square(low_hz, high_hz, a_weighted))
        return level + np.asarray(full_scale_db_spl)
