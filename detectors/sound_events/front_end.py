"""From a microphone at 16 or 48 kHz to hops of 100 ms at 16 kHz, however the stream is cut.

    y[n] = sum over k of h[k] x[3 n + k],   h: a linear-phase Kaiser low-pass, flat to 7.2 kHz, 80 dB down from 8.8 kHz on

What folds back lands above 7.2 kHz. The delay is half the filter, 1.6 ms. Samples beyond full scale are clipped; those that are no
finite number are silence. A hop more than half of whose stretches of 10 ms are nothing but zeros says nothing about the room: a
microphone that is on has its own noise, though few of its samples may be above the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.signal
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.sound_events.features import HOP, HOP_S, RATE_HZ

RATES_HZ = (RATE_HZ, 3 * RATE_HZ)
FLAT_HZ, STOP_HZ, DOWN_DB = 7_200.0, 8_800.0, 81.0
_PIECES, _LEAST_PIECES = 10, 5  # of a hop; so many must hold anything but zeros

_AT_ONCE = 16  # outputs of one row of the product: few enough that the zeros in it cost little


@dataclass(frozen=True, eq=False)
class Hop:
    """samples: (HOP,) float32, finite, within full scale. heard: whether they tell anything."""

    samples: NDArray[np.float32]
    heard: bool


class FrontEnd:
    """One microphone at `rate_hz`, one of RATES_HZ. Raises DetectorError for another."""

    def __init__(self, rate_hz: int) -> None:
        if rate_hz not in RATES_HZ:
            raise DetectorError(f"sound events: rate_hz = {rate_hz}: {', '.join(map(str, RATES_HZ))}")
        self._raw_hop = round(rate_hz * HOP_S)
        self._decimator = None if rate_hz == RATE_HZ else Decimator(rate_hz // RATE_HZ)
        self._pending = np.zeros(0, np.float32)

    def cut(self, samples: NDArray[np.float32]) -> Iterator[Hop]:
        """samples: (n,). Yields the hops that are complete."""
        self._pending = np.concatenate([self._pending, samples.astype(np.float32, copy=False)])
        whole = len(self._pending) // self._raw_hop * self._raw_hop
        ready, self._pending = self._pending[:whole], self._pending[whole:].copy()
        for first in range(0, whole, self._raw_hop):
            yield self._hop(ready[first : first + self._raw_hop])

    def _hop(self, raw: NDArray[np.float32]) -> Hop:
        clean, heard = _clean(raw)
        return Hop(clean if self._decimator is None else self._decimator.process(clean), heard)


@njit(cache=True, error_model="numpy")
def _clean(raw):
    """Finite samples within full scale, and whether they tell anything."""
    clean = np.empty(len(raw), np.float32)
    piece, alive = len(raw) // _PIECES, 0
    for first in range(0, len(raw), piece):
        anything = False
        for n in range(first, first + piece):
            sample = raw[n] if np.isfinite(raw[n]) else np.float32(0.0)
            clean[n] = min(max(sample, np.float32(-1.0)), np.float32(1.0))
            anything = anything or clean[n] != 0.0
        alive += anything
    return clean, alive >= _LEAST_PIECES


class Decimator:
    """Lowers the rate of hops to RATE_HZ. factor: a whole number above 1."""

    def __init__(self, factor: int) -> None:
        taps = lowpass(factor * RATE_HZ)
        self._step = factor * _AT_ONCE
        self._width = self._step - factor + len(taps)
        # _AT_ONCE neighbouring outputs as one product: column j holds the filter, moved by j outputs.
        self._filters = np.zeros((self._width, _AT_ONCE), np.float32)
        for j in range(_AT_ONCE):
            self._filters[j * factor : j * factor + len(taps), j] = taps
        self._held = np.zeros(len(taps) - factor, np.float32)

    def process(self, hop: NDArray[np.float32]) -> NDArray[np.float32]:
        """hop: (factor * HOP,). Returns (HOP,)."""
        joined = np.concatenate([self._held, hop])
        self._held = joined[len(hop) :].copy()
        windows = np.lib.stride_tricks.sliding_window_view(joined, self._width)[:: self._step]
        return (windows @ self._filters).reshape(HOP)


def lowpass(input_hz: int) -> NDArray[np.float64]:
    """h at `input_hz`: odd, symmetric, unit gain at 0 Hz."""
    count, beta = scipy.signal.kaiserord(DOWN_DB, (STOP_HZ - FLAT_HZ) / (input_hz / 2))
    taps = scipy.signal.firwin(count | 1, 0.5 * (FLAT_HZ + STOP_HZ), window=("kaiser", beta), fs=input_hz)
    return taps / taps.sum()
