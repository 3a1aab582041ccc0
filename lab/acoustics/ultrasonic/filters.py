"""Oscillators and filters that passband, baseband and front end share."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import scipy.signal
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.device import UltrasonicSpec
from lab.acoustics.microphone import band_sos

Complex = NDArray[np.complex128]


class Oscillator:
    """exp(j 2 pi f n / rate) from an integer sample index.

    Exact for ever when f / rate is a fraction with a denominator up to 2^20 (every whole number of Hz); else the phase is
    counted in 2^-64 turns, off by less than 1e-9 rad after 100 hours at 8 kHz.
    """

    def __init__(self, frequency_hz: float, rate_hz: int) -> None:
        ratio = Fraction(frequency_hz) / rate_hz
        self._exact = ratio.denominator <= 1 << 20
        turn = ratio % 1
        self._step, self._turn = turn.numerator, turn.denominator
        if not self._exact:
            self._step = round(turn * 2**64) % 2**64

    def read(self, start: int, samples: int) -> Complex:
        """Samples start to start + samples - 1, start >= 0."""
        if self._exact:
            index = (
                (np.arange(samples, dtype=np.int64) + start % self._turn)
                % self._turn
                * self._step
                % self._turn
            )
            return np.exp(2j * np.pi / self._turn * index)
        first = np.uint64(start * self._step % 2**64)
        phase = first + np.arange(samples, dtype=np.uint64) * np.uint64(self._step)
        return np.exp(2j * np.pi * 2.0**-64 * phase.astype(np.float64))


def band_response(spec: UltrasonicSpec, frequency_hz: ArrayLike) -> Complex:
    """Of the converter: high-pass and low-pass at the edges of band_hz."""
    frequency = np.clip(np.abs(frequency_hz), 0.0, spec.rate_hz / 2 * (1.0 - 1e-9))
    return scipy.signal.sosfreqz(band_sos(spec.rate_hz, *spec.band_hz), frequency, fs=spec.rate_hz)[1]


def low_pass(
    rate_hz: float, pass_hz: float, stop_hz: float, taps: int, stop_db: float
) -> NDArray[np.float64]:
    """Kaiser-windowed sinc of even length, sum 1, symmetrical about taps / 2: a delay of whole samples."""
    cut = (pass_hz + stop_hz) / rate_hz
    n = np.arange(taps) - taps / 2
    h = np.sinc(cut * n) * np.kaiser(taps + 1, scipy.signal.kaiser_beta(stop_db))[:-1]
    h[0] = 0.0
    return h / h.sum()


def shaped(h: NDArray[np.float64], rate_hz: float, respond, reach_hz: float) -> Complex:
    """A low-pass with the response (M, F) = respond(f) laid over it, f within reach_hz, held beyond. Returns (M, taps)."""
    size = 8 * len(h)
    frequency = np.clip(np.fft.fftfreq(size, 1.0 / rate_hz), -reach_hz, reach_hz)
    return np.fft.ifft(np.fft.fft(h, size) * respond(frequency), axis=-1)[:, : len(h)]
