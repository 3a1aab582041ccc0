"""Hides a mark in a host: noise blocks repeated over segments, turned over by the key, shaped under the host's mask."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import resample_poly

from detectors.errors import DetectorError
from detectors.watermark import masking
from detectors.watermark.key import Key
from detectors.watermark.layout import BLOCK_SAMPLES, HIGH_HZ, LOW_HZ, RATE_HZ, mark_samples

NOISE_TO_MASK_DB = -3.5  # own aim; half a decibel below the limit of -3 that the laboratory holds
SMOOTHING_FRAMES = 13  # about 200 ms: repeats of a block must look alike
EXCESS = 10 ** (4.0 / 10)  # a smoothed gain may rise this far over the local mask
MINIMUM_S = 2.048


@dataclass(frozen=True, eq=False)
class Marked:
    """audio: as given, with the mark added. onset_s, offset_s: where the mark lies.

    host_to_mark_db: over the marked stretch, full band. noise_to_mask_db: the embedder's own mean.
    warning: why this host may not carry it, or empty.
    """

    audio: NDArray[np.float32]
    onset_s: float
    offset_s: float
    host_to_mark_db: float
    noise_to_mask_db: float
    warning: str = ""


def embed(
    audio: NDArray,
    rate_hz: int,
    key: Key,
    start_s: float = 0.0,
    duration_s: float | None = None,
    full_scale_db_spl: float = 92.0,
) -> Marked:
    """Mark `audio`, shape (channels, samples) or (samples,), from `start_s` with as many whole marks as fit.

    full_scale_db_spl: level at which a sine of amplitude 1 is heard. Raises DetectorError for a rate below
    8 kHz, samples that are not finite, or a stretch shorter than one mark.
    """
    host = np.asarray(audio, dtype=np.float32)
    shape = host.shape
    host = np.atleast_2d(host)
    seconds = host.shape[1] / rate_hz
    one_s = mark_samples(key.segments, key.blocks) / RATE_HZ
    if rate_hz < 8000:
        raise DetectorError(f"rate_hz: at least 8000, got {rate_hz}")
    if not np.all(np.isfinite(host)):
        raise DetectorError("the host holds samples that are not finite numbers")
    stretch_s = seconds - start_s if duration_s is None else min(duration_s, seconds - start_s)
    marks = int(stretch_s / one_s + 1e-9)
    if start_s < 0 or marks < 1:
        raise DetectorError(
            f"the host is too short: {max(0.0, stretch_s):.3f} s from {start_s:g} s on, one mark takes {one_s:g} s"
        )
    first = round(start_s * rate_hz)
    length = round(marks * one_s * rate_hz)
    ratio = Fraction(RATE_HZ, rate_hz)
    inside = resample_poly(host[:, first : first + length], ratio.numerator, ratio.denominator, axis=1)
    inside = inside[:, : marks * mark_samples(key.segments, key.blocks)]
    mark, nmr_db = _mark(inside, key, marks, min(HIGH_HZ, 0.45 * rate_hz), full_scale_db_spl)
    outside = resample_poly(mark, ratio.denominator, ratio.numerator, axis=1)[:, :length].astype(np.float32)
    marked = host.copy()
    marked[:, first : first + outside.shape[1]] += outside
    host_power = float(np.mean(host[:, first : first + length].astype(np.float64) ** 2))
    mark_power = float(np.mean(outside.astype(np.float64) ** 2))
    return Marked(
        audio=marked.reshape(shape),
        onset_s=first / rate_hz,
        offset_s=first / rate_hz + marks * one_s,
        host_to_mark_db=10 * np.log10(host_power / mark_power) if mark_power > 0 and host_power > 0 else np.inf,
        noise_to_mask_db=nmr_db,
    )


def carrier(key: Key, high_hz: float = HIGH_HZ) -> NDArray[np.float32]:
    """One mark before shaping: signed noise blocks of flat spectrum and unit power density, (samples,)."""
    rng = np.random.default_rng(key.noise_seed)
    hz = np.arange(BLOCK_SAMPLES // 2 + 1) * (RATE_HZ / BLOCK_SAMPLES)
    inside = (hz >= LOW_HZ) & (hz <= high_hz)
    phases = rng.uniform(0, 2 * np.pi, (key.blocks, len(hz)))
    vectors = np.fft.irfft(np.exp(1j * phases) * inside, BLOCK_SAMPLES) * np.sqrt(BLOCK_SAMPLES)
    return (key.signs[:, :, None] * vectors[None]).reshape(-1).astype(np.float32)


def _mark(host: NDArray, key: Key, marks: int, high_hz: float, full_scale: float) -> tuple[NDArray, float]:
    """Shape the carrier under each channel's mask and scale it to the noise-to-mask budget."""
    spectra = masking.analyse(np.tile(carrier(key, high_hz), marks))
    shaped, worst = [], -np.inf
    for channel in host:
        padded = np.zeros(marks * mark_samples(key.segments, key.blocks), np.float32)
        padded[: len(channel)] = channel
        mask = masking.masked_threshold(masking.band_power(masking.analyse(padded), full_scale))
        power = masking.band_power(spectra, full_scale).mean(axis=0)
        gain = np.sqrt(_smooth(mask)) / np.sqrt(np.maximum(power, power.max() * 1e-3))
        b = masking.bands()
        per_bin = np.stack([np.interp(masking.BINS_HZ, b.centre_hz, row) for row in gain]).astype(np.float32)
        signal = masking.synthesise(spectra * per_bin)
        noise = masking.band_power(masking.analyse(signal), full_scale)
        nmr = float(np.mean(noise / mask))
        scale = 10 ** (NOISE_TO_MASK_DB / 20) / np.sqrt(nmr)
        shaped.append(signal * scale)
        worst = max(worst, 10 * np.log10(nmr * scale**2))
    return np.stack(shaped), worst


def _smooth(mask: NDArray) -> NDArray:
    """Mask smoothed over time, held to at most EXCESS over the local one."""
    smooth = uniform_filter1d(mask, SMOOTHING_FRAMES, axis=0, mode="nearest")
    return np.minimum(smooth, EXCESS * mask)
