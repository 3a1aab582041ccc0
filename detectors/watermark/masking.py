"""How much noise a host hides: critical-band excitation and its masked threshold, at 16 kHz.

The perceptual quantities follow ITU-R BS.1387-1, annex 2 (ear weighting 2.1.4, bands 2.1.5, internal noise
2.1.6, spreading 2.1.7, mask offset 3.3): band z = 7 asinh(f / 650) Bark; a band's excitation spreads downwards
at 27 dB a Bark and upwards at 24 + 230 / f - 0.2 L; the mask lies 3 dB (below 12 Bark) to a quarter of
the Bark number below the excitation. Frames are 32 ms here, half-overlapping. The laboratory holds an
independent measure of the same kind (`lab/acoustics/hearing.py`) that checks every figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.watermark.layout import RATE_HZ

FRAME = 512
HOP = 256
WINDOW = np.sin(np.pi * (np.arange(FRAME) + 0.5) / FRAME).astype(np.float32)  # power-complementary
BINS_HZ = np.arange(FRAME // 2 + 1) * (RATE_HZ / FRAME)
_STEP_BARK = 0.5
_LOWEST_HZ = 80.0


@dataclass(frozen=True, eq=False)
class Bands:
    """Critical bands. weights: (bands, bins) shares of each bin. floor: internal noise power, (bands,)."""

    centre_hz: NDArray
    centre_bark: NDArray
    weights: NDArray
    floor: NDArray
    offset: NDArray  # mask over excitation, power ratio, below 1


def bark(frequency_hz: NDArray) -> NDArray:
    return 7.0 * np.arcsinh(np.asarray(frequency_hz) / 650.0)


@lru_cache
def bands() -> Bands:
    low, high = bark(_LOWEST_HZ), bark(RATE_HZ / 2)
    count = int((high - low) / _STEP_BARK)
    edges = low + _STEP_BARK * np.arange(count + 1)
    edges_hz = 650.0 * np.sinh(edges / 7.0)
    width = RATE_HZ / FRAME
    lower, upper = np.maximum(edges_hz[:-1, None], BINS_HZ - width / 2), np.minimum(
        edges_hz[1:, None], BINS_HZ + width / 2
    )
    centre = 0.5 * (edges[1:] + edges[:-1])
    centre_hz = 650.0 * np.sinh(centre / 7.0)
    ear = 10 ** (ear_weight_db(BINS_HZ) / 10)
    return Bands(
        centre_hz=centre_hz,
        centre_bark=centre,
        weights=np.maximum(0.0, upper - lower) / width * ear,
        floor=10 ** (0.4 * 3.64 * (centre_hz / 1000) ** -0.8 / 10),
        offset=10 ** (-np.where(centre < 12, 3.0, 0.25 * centre) / 10),
    )


def ear_weight_db(frequency_hz: NDArray) -> NDArray:
    """Outer and middle ear; 0 Hz is treated as 20 Hz."""
    f = np.maximum(np.asarray(frequency_hz), 20.0) / 1000
    return -0.6 * 3.64 * f**-0.8 + 6.5 * np.exp(-0.6 * (f - 3.3) ** 2) - 1e-3 * f**3.6


def analyse(signal: NDArray) -> NDArray[np.complex64]:
    """Spectra of shape (frames, bins) of a 1-D signal whose length is a multiple of HOP; the ends are padded."""
    padded = np.concatenate([np.zeros(HOP, np.float32), signal.astype(np.float32), np.zeros(HOP, np.float32)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    return np.fft.rfft(frames * WINDOW).astype(np.complex64)


def synthesise(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    """The inverse of `analyse`."""
    frames = (np.fft.irfft(spectra, FRAME) * WINDOW).astype(np.float32)
    out = np.zeros((len(frames) + 1) * HOP, np.float32)
    for half in (0, 1):
        out[half * HOP :][: len(frames) * HOP] += frames[:, half * HOP :][:, :HOP].reshape(-1)
    return out[HOP:-HOP]


def band_power(spectra: NDArray, full_scale_db_spl: float) -> NDArray[np.float64]:
    """Ear-weighted power per band, (frames, bands), 1 = 0 dB SPL. A sine of amplitude 1 is full scale."""
    scale = 10 ** (full_scale_db_spl / 10) / (0.5 * FRAME / 2 * FRAME / 2)
    return (np.abs(spectra) ** 2 * scale).astype(np.float64) @ bands().weights.T


def masked_threshold(power: NDArray) -> NDArray[np.float64]:
    """The noise power each band hides, (frames, bands), from band powers of the host."""
    b = bands()
    level = power + b.floor
    return _spread(level) * b.offset


def _spread(power: NDArray) -> NDArray:
    """Excitation: every band's power spread over the others, added with exponent 0.4, normalised to a flat host."""
    flat = _spread_raw(np.ones((1, power.shape[1])))
    return _spread_raw(power) / flat


def _spread_raw(power: NDArray) -> NDArray:
    b = bands()
    distance = b.centre_bark[None, :] - b.centre_bark[:, None]  # [masker, band]
    level_db = 10 * np.log10(power)
    upper = np.minimum(-4.0, -24.0 - 230.0 / b.centre_hz + 0.2 * level_db)  # dB/Bark, (frames, maskers)
    out = np.zeros_like(power)
    for masker in range(power.shape[1]):
        slope = np.where(distance[masker] < 0, 27.0 * distance[masker], upper[:, masker : masker + 1] * distance[masker])
        line = 10 ** (slope / 10)
        out += (power[:, masker : masker + 1] * line / line.sum(axis=1, keepdims=True)) ** 0.4
    return out**2.5
