"""How much noise a host hides: critical-band excitation and masked threshold, at 16 kHz.

The quantities follow ITU-R BS.1387-1, annex 2: ear weighting, bands on z = 7 asinh(f / 650) Bark, internal
noise, excitation that spreads 27 dB a Bark downwards and 24 + 230 / f - 0.2 L upwards and adds with exponent
0.4, forward masking with band-dependent time constants, and a mask 3 dB (below 12 Bark) to z / 4 dB
under the excitation. The laboratory checks every figure with a measure of its own
(`lab/acoustics/hearing.py`), at 48 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.watermark.layout import RATE_HZ

LOWEST_HZ = 80.0
STEP_BARK = 0.25
MEASURE_FRAME = 684  # 42.7 ms, the frame of the Recommendation
MEASURE_HOP = MEASURE_FRAME // 2
_SHORTEST_S, _AT_100_HZ_S = 0.008, 0.030  # forward masking


@dataclass(frozen=True, eq=False)
class Ear:
    """Everything that depends on frame length and bandwidth alone.

    hz, bark: band centres, (bands,). shares: of each bin in each band, ear-weighted, (bands, bins).
    internal: internal noise power. offset: mask over excitation, below 1. decay: of forward masking over one hop.
    """

    frame: int
    hz: NDArray
    bark: NDArray
    shares: NDArray
    internal: NDArray
    offset: NDArray
    decay: NDArray
    flat: NDArray

    def power(self, spectra: NDArray, window_energy: float, full_scale_db_spl: float) -> NDArray[np.float64]:
        """Power per band, (frames, bands), 1 = 0 dB SPL; a sine of amplitude 1 is at `full_scale_db_spl`."""
        scale = 10 ** (full_scale_db_spl / 10) / (window_energy * self.frame / 4)
        return (np.abs(spectra).astype(np.float64) ** 2 * scale) @ self.shares.T

    def mask(self, power: NDArray) -> NDArray[np.float64]:
        """Masked threshold, (frames, bands), from band powers of the host."""
        excitation = _spread(self, power + self.internal) / self.flat
        held = np.zeros(excitation.shape[1])
        mask = np.empty_like(excitation)
        for n, now in enumerate(excitation):
            held = self.decay * held + (1 - self.decay) * now
            mask[n] = np.maximum(held, now) * self.offset
        return mask


@lru_cache
def ear(frame: int, highest_hz: float = RATE_HZ / 2) -> Ear:
    """The ear for half-overlapping frames of `frame` samples, with bands up to `highest_hz`."""
    bins_hz = np.fft.rfftfreq(frame, 1 / RATE_HZ)
    low = bark(LOWEST_HZ)
    count = int((bark(highest_hz) - low) / STEP_BARK)
    edges = low + STEP_BARK * np.arange(count + 1)
    edges_hz, half_bin = hertz(edges), RATE_HZ / frame / 2
    overlap = np.minimum(edges_hz[1:, None], bins_hz + half_bin) - np.maximum(
        edges_hz[:-1, None], bins_hz - half_bin
    )
    centre = (edges[1:] + edges[:-1]) / 2
    hz = hertz(centre)
    shape = Ear(
        frame=frame,
        hz=hz,
        bark=centre,
        shares=np.maximum(0.0, overlap) / (2 * half_bin) * 10 ** (ear_weight_db(bins_hz) / 10),
        internal=10 ** (0.4 * 3.64 * (hz / 1000) ** -0.8 / 10),
        offset=10 ** (-np.where(centre <= 12, 3.0, 0.25 * centre) / 10),
        decay=np.exp(-frame / 2 / RATE_HZ / (_SHORTEST_S + 100 / hz * (_AT_100_HZ_S - _SHORTEST_S))),
        flat=np.ones(count),
    )
    return Ear(**(vars(shape) | {"flat": _spread(shape, np.ones((1, count)))[0]}))


def measured_power(signal: NDArray, highest_hz: float, full_scale_db_spl: float) -> NDArray[np.float64]:
    """Band powers of a signal at 16 kHz in the frames of the measure, (frames, bands)."""
    window = np.hanning(MEASURE_FRAME + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(signal, MEASURE_FRAME)[::MEASURE_HOP]
    spectra = np.fft.rfft(frames * window)
    return ear(MEASURE_FRAME, highest_hz).power(spectra, np.sum(window**2), full_scale_db_spl)


def bark(hz: float | NDArray) -> NDArray:
    return 7.0 * np.arcsinh(np.asarray(hz) / 650.0)


def hertz(bark: NDArray) -> NDArray:
    return 650.0 * np.sinh(bark / 7.0)


def ear_weight_db(hz: NDArray) -> NDArray:
    """Outer and middle ear; anything below 20 Hz is treated as 20 Hz."""
    khz = np.maximum(hz, 20.0) / 1000
    return -0.6 * 3.64 * khz**-0.8 + 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) - 1e-3 * khz**3.6


def _spread(model: Ear, power: NDArray) -> NDArray:
    """Every band's power spread over all bands, added with exponent 0.4, not yet normalised."""
    distance = model.bark[None, :] - model.bark[:, None]  # [masker, band]
    upward = np.minimum(0.0, -24.0 - 230.0 / model.hz + 0.2 * 10 * np.log10(power))  # dB/Bark
    total = np.zeros_like(power)
    for masker, apart in enumerate(distance):
        slope = np.where(apart < 0, 27.0 * apart, upward[:, masker, None] * apart)
        line = 10 ** (slope / 10)
        total += (power[:, masker, None] * line / line.sum(axis=1, keepdims=True)) ** 0.4
    return total**2.5
