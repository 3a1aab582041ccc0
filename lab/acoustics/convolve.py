"""Streaming convolution in the frequency domain: overlap-save, float32, constant memory.

Frames are cut on a fixed grid, counted from the first sample, so the way a caller cuts the stream into
blocks changes no bit of the result. The price is a delay of one frame; `OverlapSave` hides it by
reading its source ahead, which a source that does not depend on what was heard allows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft
from numpy.typing import NDArray


def default_frame(taps: int) -> int:
    """Samples per frame: an FFT of about four filter lengths, and not too short, is the cheapest per sample."""
    return scipy.fft.next_fast_len(max(4 * taps, 8192), real=True) - taps + 1


class FrameFilter:
    """Filters a stream by M filters, or by an M x K matrix of filters.

    y_m[t] = sum_k sum_j filters[m, k, j] x_k[t - latency - j]

    filters: (M, taps) for one input, (M, K, taps) for K inputs; taken as float32.
    frame: samples per internal frame, at least 1.
    """

    def __init__(self, filters: NDArray, frame: int | None = None) -> None:
        filters = np.asarray(filters, dtype=np.float32)
        self._mono = filters.ndim == 2
        if self._mono:
            filters = filters[:, None, :]
        if filters.ndim != 3 or filters.shape[-1] < 1:
            raise ValueError(f"filters: (M, taps) or (M, K, taps) needed, got {filters.shape}")
        self.channels, inputs, self.taps = filters.shape
        self.frame = frame if frame is not None else default_frame(self.taps)
        self._fft = scipy.fft.next_fast_len(self.frame + self.taps - 1, real=True)
        self._spectra = scipy.fft.rfft(filters, self._fft, axis=-1)
        self._history = np.zeros((inputs, self._fft), dtype=np.float32)
        self._ready = np.zeros((self.channels, self.frame), dtype=np.float32)
        self._filled = 0

    @property
    def latency(self) -> int:
        """Samples by which the output lags behind the input: one frame."""
        return self.frame

    def process(self, block: NDArray) -> NDArray[np.float32]:
        """The next samples. block: (n,), or (K, n) for K inputs; any n. Returns (M, n), late by `latency`."""
        block = np.asarray(block, dtype=np.float32)
        if self._mono:
            block = block[None, :]
        n = block.shape[-1]
        output = np.empty((self.channels, n), dtype=np.float32)
        done = 0
        while done < n:
            take = min(n - done, self.frame - self._filled)
            start = self._fft - self.frame + self._filled
            self._history[:, start : start + take] = block[:, done : done + take]
            output[:, done : done + take] = self._ready[:, self._filled : self._filled + take]
            self._filled += take
            done += take
            if self._filled == self.frame:
                self._turn()
        return output

    def _turn(self) -> None:
        """A full frame of input is there: filter it and make room for the next."""
        spectrum = scipy.fft.rfft(self._history, axis=-1)
        product = self._spectra[:, 0] * spectrum[0]
        for k in range(1, spectrum.shape[0]):
            product += self._spectra[:, k] * spectrum[k]
        self._ready = scipy.fft.irfft(product, self._fft, axis=-1)[:, self._fft - self.frame :]
        self._history[:, : -self.frame] = self._history[:, self.frame :]
        self._filled = 0


class OverlapSave:
    """A mono source heard through M impulse responses, with no delay of its own.

    filters: (M, taps). read: `read(n)` gives the next n samples of the source, shape (n,); fewer mean that
    the source has ended and silence follows. It is called up to one frame ahead of what was asked for.
    """

    def __init__(self, filters: NDArray, read: Callable[[int], NDArray], frame: int | None = None) -> None:
        self._filter = FrameFilter(filters, frame)
        self._source = read
        self._primed = False

    def read(self, n: int) -> NDArray[np.float32]:
        """The next n samples at the M microphones, shape (M, n)."""
        if not self._primed:
            self._filter.process(self._ahead(self._filter.latency))
            self._primed = True
        return self._filter.process(self._ahead(n))

    def _ahead(self, n: int) -> NDArray[np.float32]:
        block = np.asarray(self._source(n), dtype=np.float32)
        return block if len(block) == n else np.pad(block, (0, n - len(block)))
