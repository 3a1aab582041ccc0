"""Brings a carrier under a host's mask, band by band and frame by frame."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from detectors.watermark.layout import RATE_HZ
from detectors.watermark.masking import MEASURE_FRAME, MEASURE_HOP, ear, measured_power

FRAME = 512
HOP = FRAME // 2
SMOOTHING_FRAMES = 13  # 208 ms: repeats of a block must look alike
EXCESS = 10 ** (1.0 / 10)  # yet a smoothed mask may stand only this far over the local one: pauses stay quiet
CORRECTIONS = 4
CEILING = 10 ** (0.5 / 10)  # corrections bring what stands over this noise-to-mask ratio down towards it
REACH = 430  # samples: a frame of gain is felt in a measured frame whose centre is nearer than this
WINDOW = np.sin(
    np.pi * (np.arange(FRAME) + 0.5) / FRAME
)  # its square adds up to 1 over half-overlapping frames


def shape(
    carrier: NDArray, host: NDArray, highest_hz: float, noise_to_mask_db: float, full_scale_db_spl: float
) -> tuple[NDArray[np.float32], float]:
    """The mark for one host channel at 16 kHz, (samples,), and its mean noise-to-mask ratio in dB.

    highest_hz: bands count up to here, so that a narrow host does not look quieter than it is.
    """
    if not host.any():
        return np.zeros(len(host), np.float32), -math.inf  # digital silence stays silent
    highest_hz = min(highest_hz, RATE_HZ / 2)
    model = ear(FRAME, highest_hz)
    spectra = _analyse(carrier) * 10 ** (-full_scale_db_spl / 20)
    local = model.mask(model.power(_analyse(host), np.sum(WINDOW**2), full_scale_db_spl))
    smooth = np.minimum(uniform_filter1d(local, SMOOTHING_FRAMES, axis=0, mode="nearest"), EXCESS * local)
    gain = np.sqrt(smooth / model.shares.sum(axis=1))
    mask = ear(MEASURE_FRAME, highest_hz).mask(measured_power(host, highest_hz, full_scale_db_spl))
    aim = 10 ** (noise_to_mask_db / 10)
    for correction in range(CORRECTIONS + 1):
        mark = _synthesise(spectra * _per_bin(gain, model.hz))
        ratio = measured_power(mark, highest_hz, full_scale_db_spl) / mask
        mean = float(ratio.mean())
        scale = math.sqrt(aim / mean)
        if correction < CORRECTIONS:
            gain = gain * np.sqrt(np.minimum(1.0, CEILING / _felt_by(ratio * scale**2, len(gain))))
    return (mark * scale).astype(np.float32), noise_to_mask_db


def _per_bin(gain: NDArray, centre_hz: NDArray) -> NDArray:
    bins_hz = np.fft.rfftfreq(FRAME, 1 / RATE_HZ)
    return np.stack([np.interp(bins_hz, centre_hz, row) for row in gain])


def _felt_by(ratio: NDArray, frames: int) -> NDArray:
    """The worst ratio in the measured frames that each of the `frames` gain frames sounds in, (frames, bands)."""
    centre = HOP * np.arange(frames)[:, None]
    measured = MEASURE_FRAME // 2 + MEASURE_HOP * np.arange(len(ratio))[None, :]
    near = np.abs(centre - measured) < REACH
    near[np.arange(frames), np.abs(centre - measured).argmin(axis=1)] = True
    return np.stack([ratio[row].max(axis=0) for row in near])


def _analyse(signal: NDArray) -> NDArray[np.complex128]:
    """Spectra, (frames, bins), of a signal whose length is a multiple of HOP."""
    padded = np.pad(signal.astype(np.float64), HOP)
    return np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP] * WINDOW)


def _synthesise(spectra: NDArray) -> NDArray[np.float64]:
    """The inverse of `_analyse`."""
    frames = np.fft.irfft(spectra, FRAME) * WINDOW
    out = np.zeros((len(frames) + 1) * HOP)
    out[: len(frames) * HOP] += frames[:, :HOP].reshape(-1)
    out[HOP:] += frames[:, HOP:].reshape(-1)
    return out[HOP:-HOP]
