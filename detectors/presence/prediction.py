"""A baseline: what an adaptive filter cannot foretell of the envelope is movement.

    d[n] = b[n] - running mean,   e[n] = d[n] - w^H (d[n - D], ..., d[n - D - L + 1]),   w += mu e* d / (|d|^2 + tiny)
    score = 10 log10( mean of |e|^2 in a Doppler band over the last half second / floor of that band )

Normalised least mean squares (B. Widrow and M. E. Hoff, 1960). What stands still and what has gone on for seconds, a hum or a fan's
lines, is foretold; a person is not. The floor follows the least power there was, rising by FLOOR_DB_PER_S.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.presence.baselines import MOTION_HZ, EnvelopeBaseline
from detectors.presence.front_end import HOP_S, RATE_HZ
from detectors.presence.settings import is_number

TAPS, AHEAD = 48, 40  # samples: 12 ms, foretold by 10 ms
STATIC_HZ = 1.0
FRAME = 512
FLOOR_DB_PER_S = 0.2
SETTLE_S = 3.0


class PredictionError(EnvelopeBaseline):
    """Adaptive-filter prediction error. step: mu, share of the error corrected at each sample, above 0 and up to 1. settings:
    see EnvelopeBaseline."""

    def __init__(self, name: str = "prediction", step: float = 0.005, **settings: Any) -> None:
        super().__init__(name, **settings)
        if not is_number(step) or not 0.0 < step <= 1.0:
            raise DetectorError(f"settings.step: above 0, up to 1, got {step!r}")
        self._step, self._keep = float(step), math.exp(-HOP_S / self.average_s)
        self.span_s = FRAME / RATE_HZ + 2.0 * self.average_s
        frequency = np.abs(np.fft.fftfreq(FRAME, 1.0 / RATE_HZ))
        self._bands = np.array([(frequency >= low) & (frequency <= high) for low, high in MOTION_HZ.values()])
        self._window = np.blackman(FRAME)

    def _start(self, channels: int, rate_hz: int) -> None:
        self._static = np.full(channels, np.nan + 0j)
        self._weights = np.zeros((channels, TAPS), np.complex128)
        self._before = np.zeros((channels, TAPS + AHEAD - 1), np.complex128)
        self._errors = np.zeros((channels, FRAME), np.complex128)
        self._power, self._floor = np.zeros(len(self.labels)), np.full(len(self.labels), np.inf)
        self._heard = 0

    def _score(self, envelope: NDArray[np.complex64]) -> Sequence[float]:
        n = envelope.shape[1]
        moving = _less_static(envelope, STATIC_HZ / RATE_HZ, self._static)
        whole = np.concatenate([self._before, moving], axis=1)
        self._before = whole[:, n:]
        error = _foretold(whole, n, self._weights, self._step)
        self._errors = np.concatenate([self._errors[:, n:], error], axis=1)
        # Microphones count alike, whatever their gain.
        relative = self._errors / np.maximum(np.abs(self._static), 1e-9)[:, None]
        spectrum = np.mean(np.abs(scipy.fft.fft(relative * self._window, axis=1)) ** 2, axis=0)
        now = self._bands @ spectrum
        self._heard += 1
        share = max(1.0 - self._keep, 1.0 / self._heard)
        self._power += share * (now - self._power)
        if self._heard * HOP_S < SETTLE_S:
            return [math.nan] * len(self.labels)
        self._floor = np.minimum(self._power, self._floor * 10.0 ** (FLOOR_DB_PER_S * HOP_S / 10.0))
        return 10.0 * np.log10(np.maximum(self._power, 1e-30) / np.maximum(self._floor, 1e-30))


@njit(cache=True, error_model="numpy")
def _less_static(envelope, edge, static):
    """The envelope less its running mean, (M, n); static (M,) is that mean, NaN before the first sample."""
    out = np.empty(envelope.shape, np.complex128)
    share = 1.0 - math.exp(-2.0 * math.pi * edge)
    for m in range(len(envelope)):
        mean = static[m]
        if math.isnan(mean.real):
            mean = np.complex128(envelope[m, 0])
        for i in range(envelope.shape[1]):
            mean += share * (envelope[m, i] - mean)
            out[m, i] = envelope[m, i] - mean
        static[m] = mean
    return out


@njit(cache=True, error_model="numpy")
def _foretold(whole, n, weights, step):
    """Errors (M, n) of the last n samples of `whole`; weights (M, TAPS) are adapted."""
    channels, taps = weights.shape
    error = np.empty((channels, n), np.complex128)
    first = whole.shape[1] - n
    for m in range(channels):
        for i in range(n):
            start = first + i - AHEAD - taps + 1
            past = whole[m, start : start + taps]
            guess, power = 0j, 1e-20
            for k in range(taps):
                guess += weights[m, k] * past[k]
                power += past[k].real ** 2 + past[k].imag ** 2
            left = whole[m, first + i] - guess
            error[m, i] = left
            scale = step * left / power
            for k in range(taps):
                weights[m, k] += scale * np.conj(past[k])
    return error
