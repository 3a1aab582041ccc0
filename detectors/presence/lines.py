"""Tones of others beside our own: found by their standing still in frequency and level, which nobody who moves does, and taken out.

    s[n] = s[n-1] exp(j w) + g y[n],   y[n] = x[n] - s[n-1] exp(j w),     g = 2 pi BAND_HZ / rate_hz

A line is one if it stands LINE_DB above the median around it in two frames of 1 s that follow one another, at the same frequency
within STILL_HZ and the same level within STILL_DB at one microphone at least. Its notch stays while it is found, and HOLD_FRAMES longer.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numba import njit
from numpy.typing import NDArray

FRAME_HOPS, STEP_HOPS = 20, 10
LINE_DB, STILL_DB, STILL_HZ = 25.0, 1.5, 1.0
AROUND_HZ = 50
LOWEST_HZ = 8.0  # below it nothing is a line: what stands still is there
BAND_HZ = 1.0
MOST = 4
HOLD_FRAMES = 6


class LineNotch:
    """For envelopes of `channels` microphones at rate_hz, hop by hop; cut otherwise it gives other bits."""

    def __init__(self, channels: int, rate_hz: int) -> None:
        self._channels, self._rate_hz = channels, rate_hz
        self.reset()

    def reset(self) -> None:
        """Forgets all lines."""
        self._frame: list[NDArray[np.complex64]] = []
        self._found: list[list[tuple[float, float]]] = []
        self._turn = np.zeros(0)
        self._held = np.zeros((self._channels, 0), np.complex128)
        self._missed: list[int] = []

    @property
    def lines_hz(self) -> tuple[float, ...]:
        return tuple(float(turn) * self._rate_hz / (2.0 * np.pi) for turn in self._turn)

    def process(self, hop: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """hop: (M, n). Returns the same without the lines."""
        self._frame.append(hop)
        if len(self._frame) == FRAME_HOPS:
            self._look(np.concatenate(self._frame, axis=1))
            del self._frame[:STEP_HOPS]
        if not len(self._turn):
            return hop
        return _notch(hop, self._turn, self._held, 2.0 * np.pi * BAND_HZ / self._rate_hz)

    def _look(self, frame: NDArray[np.complex64]) -> None:
        found = self._lines(frame)
        # The frame before the last one ends where this one starts.
        earlier = self._found[0] if len(self._found) == FRAME_HOPS // STEP_HOPS else []
        self._found = [*self._found, found][-(FRAME_HOPS // STEP_HOPS) :]
        steady = [
            (frequency, level)
            for frequency, level in found
            if any(abs(frequency - f) <= STILL_HZ and abs(level - d) <= STILL_DB for f, d in earlier)
        ]
        seen = [any(abs(f - line) <= 2.0 * STILL_HZ for f, _ in found) for line in self.lines_hz]
        self._missed = [0 if here else missed + 1 for here, missed in zip(seen, self._missed, strict=True)]
        keep = [index for index, missed in enumerate(self._missed) if missed <= HOLD_FRAMES]
        self._missed = [self._missed[index] for index in keep]
        self._turn, self._held = self._turn[keep], self._held[:, keep]
        for frequency, _ in sorted(steady, key=lambda line: -line[1]):
            known = self.lines_hz
            if len(known) < MOST and all(abs(frequency - line) > 2.0 * STILL_HZ for line in known):
                self._turn = np.append(self._turn, 2.0 * np.pi * frequency / self._rate_hz)
                self._held = np.append(self._held, np.zeros((self._channels, 1)), axis=1)
                self._missed.append(0)

    def _lines(self, frame: NDArray[np.complex64]) -> list[tuple[float, float]]:
        """(frequency in Hz, level in dB) of the lines of a frame: its strongest microphone's."""
        count = frame.shape[1]
        power = _strongest(scipy.fft.fft(frame * _window(count), axis=1))
        around = round(AROUND_HZ * count / self._rate_hz)
        apart = max(1, around // 10)
        floor = scipy.ndimage.percentile_filter(power[::apart], 50, size=20)
        lowest = math.ceil(LOWEST_HZ * count / self._rate_hz)
        lines = []
        for index in _peaks(power, floor, apart, 10.0 ** (LINE_DB / 10.0), lowest):
            # A parabola through the logarithms: where between bins the line lies.
            a, b, c = 10.0 * np.log10(power[np.arange(index - 1, index + 2) % count] + 1e-300)
            shift = 0.5 * (a - c) / min(a - 2.0 * b + c, -1e-9)
            place = (index - count // 2 + shift) * self._rate_hz / count
            lines.append((float(place), float(b - 0.25 * (a - c) * shift)))
        return lines


@lru_cache(maxsize=4)
def _window(count: int) -> NDArray[np.float32]:
    return scipy.signal.windows.blackmanharris(count, sym=False).astype(np.float32)


@njit(cache=True, error_model="numpy")
def _strongest(spectra):
    """Power (n,) of the loudest microphone, spectra (M, n), from the lowest frequency to the highest; single."""
    channels, count = spectra.shape
    half = count // 2
    power = np.zeros(count, np.float32)
    for m in range(channels):
        for k in range(count):
            at = k - (count - half) if k >= count - half else k + half
            one = spectra[m, k]
            power[at] = max(power[at], one.real * one.real + one.imag * one.imag)
    return power


@njit(cache=True, error_model="numpy")
def _peaks(power, floor, apart, above, lowest):
    """Indices of the peaks `above` times over the floor, a value of it every `apart`, and at least `lowest` off the middle."""
    count = len(power)
    found = np.empty(count, np.int64)
    number = 0
    for k in range(count):
        least = np.float32(above) * floor[k // apart]
        here = power[k]
        summit = here >= power[k - 1] and here > power[(k + 1) % count]
        if summit and here > least and abs(k - count // 2) >= lowest:
            found[number] = k
            number += 1
    return found[:number]


@njit(cache=True, error_model="numpy")
def _notch(hop, turn, held, gain):
    """held (M, L): each line as each microphone hears it; changes in place."""
    out = hop.copy()
    for m in range(hop.shape[0]):
        for k in range(len(turn)):
            step = np.exp(1j * turn[k])
            line = held[m, k]
            for n in range(hop.shape[1]):
                line *= step
                rest = out[m, n] - line
                line += gain * rest
                out[m, n] = rest
            held[m, k] = line
    return out
