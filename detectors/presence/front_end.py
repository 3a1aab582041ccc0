"""From microphones to complex envelopes about the carrier, in steps of fixed length.

    b[n] = sum over k of h[k] x[D n + k] exp(-j 2 pi f0 (D n + k) / fs),     D = fs / rate_hz

h is a Kaiser low-pass: flat to 0.375 rate_hz, 80 dB down from 0.625 rate_hz on, so that what folds back lands outside the
flat part. The envelope of a tone of amplitude A (full scale 1) has modulus A.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.signal
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError

RATE_HZ, HOP_S = 4_000, 0.05  # of the envelope that detectors work on, and how long one step is
FLAT, STOP, DOWN_DB = 0.375, 0.625, 80.0


class Mixer:
    """Mixes `channels` microphones down from `carrier_hz`. rate_hz: of the envelope, a whole fraction of `input_hz`."""

    def __init__(self, input_hz: int, rate_hz: int, carrier_hz: float, channels: int) -> None:
        if input_hz % rate_hz:
            raise DetectorError(f"rate_hz = {rate_hz}: must divide the rate of the stream, {input_hz} Hz")
        if not rate_hz <= carrier_hz < input_hz / 2:
            raise DetectorError(
                f"carrier_hz = {carrier_hz:g}: between {rate_hz} Hz and half the rate of the stream, {input_hz / 2:g} Hz"
            )
        self.step = input_hz // rate_hz
        taps = lowpass(input_hz, rate_hz)
        turn = -2j * np.pi * carrier_hz / input_hz
        mixed = 2.0 * taps * np.exp(turn * np.arange(len(taps)))
        self._filter = np.stack([mixed.real, mixed.imag], axis=1).astype(np.float32)
        self._turn_per_output = (carrier_hz / rate_hz) % 1.0
        self._held = np.zeros((channels, len(taps) - 1), np.float32)
        self._outputs = 0

    def mix(self, samples: NDArray[np.float32]) -> NDArray[np.complex64]:
        """samples: (M, n), n a multiple of `step`. Returns (M, n / step). Calls of one length give the same bits whatever
        came before in calls of that length."""
        joined = np.concatenate([self._held, samples], axis=1)
        self._held = joined[:, samples.shape[1] :]
        windows = np.lib.stride_tricks.sliding_window_view(joined, len(self._filter), axis=1)[:, :: self.step]
        parts = windows @ self._filter
        count = windows.shape[1]
        # Turns, not radians: the phase stays exact to 1e-10 of a turn after a day.
        turns = (self._turn_per_output * (self._outputs + np.arange(count))) % 1.0
        self._outputs += count
        return ((parts[..., 0] + 1j * parts[..., 1]) * np.exp(-2j * np.pi * turns)).astype(np.complex64)


def lowpass(input_hz: int, rate_hz: int) -> NDArray[np.float64]:
    """The filter before the rate is lowered, unit gain at 0 Hz."""
    width = (STOP - FLAT) * rate_hz / (input_hz / 2)
    count, beta = scipy.signal.kaiserord(DOWN_DB, width)
    taps = scipy.signal.firwin(count | 1, 0.5 * (FLAT + STOP) * rate_hz, window=("kaiser", beta), fs=input_hz)
    return taps / taps.sum()


class Hops:
    """Cuts a stream into hops of `samples`, however it arrives. NaN and infinite samples count as silence, unless `finite` is
    False: then they stay what they are."""

    def __init__(self, channels: int, samples: int, kind: type, finite: bool = True) -> None:
        self._samples, self._finite = samples, finite
        self._pending = np.zeros((channels, 0), kind)

    def cut(self, block: NDArray) -> Iterator[NDArray]:
        joined = _joined(self._pending, np.ascontiguousarray(block, self._pending.dtype), self._finite)
        whole = joined.shape[1] // self._samples * self._samples
        self._pending = joined[:, whole:].copy()
        for start in range(0, whole, self._samples):
            yield joined[:, start : start + self._samples]

    @property
    def rest(self) -> NDArray:
        """What has come of the next hop, (M, k)."""
        return self._pending

    def again(self, samples: NDArray) -> Iterator[NDArray]:
        """Hops of `samples` in place of the rest."""
        self._pending = self._pending[:, :0]
        return self.cut(samples)


@njit(cache=True, error_model="numpy")
def _joined(pending, block, finite):
    """What is pending (M, k) and a block (M, n) after it; zeros for what is not finite, if asked."""
    held = pending.shape[1]
    joined = np.empty((len(block), held + block.shape[1]), block.dtype)
    joined[:, :held] = pending
    for m in range(len(block)):
        for n in range(block.shape[1]):
            x = block[m, n]
            joined[m, held + n] = x if not finite or np.isfinite(x) else 0.0
    return joined
