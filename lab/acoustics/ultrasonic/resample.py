"""A slow complex envelope read at a higher rate: Kaiser-windowed interpolation, block by block.

An ideal low-pass of cut-off 1/2 in a Kaiser window of A = 90 dB, 24 samples long, has a transition of (A - 8) / (2.285 * 2 pi * 24) =
0.24 of the lower rate (Kaiser 1974): a signal within 1/1.3 of the band comes out with errors of -70 dB or less.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.compiled import compiled

TAPS = 24
OVER_BAND = 1.3  # times the band of a signal: the rate from which on it is interpolated that well
STRIDES = (8, 4, 2, 1)  # samples of which one is worked out, where the others may be interpolated
BETA = 0.1102 * (90.0 - 8.7)


@lru_cache(maxsize=64)
def interpolation_filters(factor: int) -> NDArray[np.float64]:
    """Weights (factor, TAPS) of the samples from TAPS / 2 - 1 before to TAPS / 2 after, for each place between two samples."""
    offset = np.arange(factor)[:, None] / factor - (np.arange(TAPS)[None, :] - (TAPS // 2 - 1))
    window = np.i0(BETA * np.sqrt(np.maximum(1.0 - np.square(offset / (TAPS / 2)), 0.0))) / np.i0(BETA)
    weights = np.sinc(offset) * window
    return weights / weights.sum(axis=1, keepdims=True)


@compiled
def _interpolate(slow, begin, first, factor, filters, out):
    """out (M, n): the fast samples from `first` on; slow (M, N) starts at the slow sample `begin`."""
    for m in range(out.shape[0]):
        for n in range(out.shape[1]):
            base = (first + n) // factor - begin - (filters.shape[1] // 2 - 1)
            phase = (first + n) % factor
            total = 0.0j
            for tap in range(filters.shape[1]):
                total += slow[m, base + tap] * filters[phase, tap]
            out[m, n] = total


def interpolated(slow: NDArray, count: int, factor: int) -> NDArray[np.complex128]:
    """The first `count` samples at `factor` times the rate of slow (M, N), which starts TAPS / 2 - 1 samples before them."""
    out = np.empty((len(slow), count), dtype=np.complex128)
    _interpolate(np.ascontiguousarray(slow), 1 - TAPS // 2, 0, factor, interpolation_filters(factor), out)
    return out


class Upsampler:
    """Streams `render(start, count) -> (M, count)`, an envelope at a low rate, at `factor` times that rate.

    render: of the slow samples start .. start + count - 1, also for a negative start; called for aligned blocks of `block`
    samples only, so the lengths that are read change nothing.
    """

    def __init__(
        self, render: Callable[[int, int], NDArray], channels: int, factor: int, block: int = 256
    ) -> None:
        self._render, self._factor, self._block = render, factor, block
        self._filters = interpolation_filters(factor)
        self._slow = np.zeros((channels, 0), dtype=np.complex128)
        self._begin: int | None = None
        self._at = 0

    def read(self, samples: int) -> NDArray[np.complex128]:
        """The next fast samples, (M, samples)."""
        reach = TAPS // 2 if self._factor > 1 else 0
        first = self._at // self._factor - reach
        last = (self._at + samples - 1) // self._factor + reach + 1
        self._hold(first, last)
        assert self._begin is not None
        if self._factor == 1:
            out = self._slow[:, self._at - self._begin : self._at - self._begin + samples].copy()
        else:
            out = np.empty((len(self._slow), samples), dtype=np.complex128)
            _interpolate(self._slow, self._begin, self._at, self._factor, self._filters, out)
        self._at += samples
        return out

    def _hold(self, first: int, last: int) -> None:
        """Keep the aligned blocks that cover slow samples first .. last - 1."""
        if self._begin is None:
            self._begin = first // self._block * self._block
        parts = [self._slow]
        end = self._begin + self._slow.shape[1]
        while end < last:
            parts.append(self._render(end, self._block))
            end += self._block
        stale = (first - self._begin) // self._block * self._block
        held = np.concatenate(parts, axis=1) if len(parts) > 1 else self._slow
        if stale > 0:
            held = held[:, stale:]
            self._begin += stale
        self._slow = np.ascontiguousarray(held)
