"""Sound pressure and its level; the level of a signal in a band."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

REFERENCE_PA = 20e-6  # 0 dB SPL (ISO 1683)
SNR_BAND_HZ = (50.0, 7000.0)  # the band in which the lab states an SNR


def pa_from_db_spl(level_db: ArrayLike) -> NDArray[np.float64]:
    """RMS pressure in Pa of a level in dB SPL; 94 dB is 1.0024 Pa."""
    return REFERENCE_PA * 10.0 ** (np.asarray(level_db, dtype=np.float64) / 20.0)


def db_spl_from_pa(pressure_pa: ArrayLike) -> NDArray[np.float64]:
    """Level in dB SPL of an RMS pressure in Pa; 0 Pa gives -inf."""
    with np.errstate(divide="ignore"):
        return 20.0 * np.log10(np.asarray(pressure_pa, dtype=np.float64) / REFERENCE_PA)


def rms(signal: NDArray) -> NDArray[np.float64]:
    """Root mean square over the last axis; shape (..., n) to (...)."""
    return np.sqrt(np.mean(np.square(signal, dtype=np.float64), axis=-1))


def band_rms(
    signal: NDArray, rate_hz: float, low_hz: float = SNR_BAND_HZ[0], high_hz: float = SNR_BAND_HZ[1]
) -> NDArray[np.float64]:
    """RMS of what lies between two frequencies, by Parseval over the whole signal.

    signal: (..., n), n >= 1. Edges are sharp, both included. Returns shape (...).
    """
    n = signal.shape[-1]
    spectrum = scipy.fft.rfft(np.asarray(signal, dtype=np.float64), axis=-1)
    frequency = np.arange(spectrum.shape[-1]) * (rate_hz / n)
    power = np.square(np.abs(spectrum)) * 2.0
    power[..., 0] *= 0.5
    if n % 2 == 0:
        power[..., -1] *= 0.5
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    return np.sqrt(np.sum(power[..., inside], axis=-1)) / n


def a_weighting_db(frequency_hz: ArrayLike) -> NDArray[np.float64]:
    """A-weighting in dB, 0 at 1 kHz (IEC 61672-1:2013, Annex E)."""
    f2 = np.square(np.asarray(frequency_hz, dtype=np.float64))
    gain = (
        12194.217**2
        * f2**2
        / ((f2 + 20.598997**2) * np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2)) * (f2 + 12194.217**2))
    )
    with np.errstate(divide="ignore"):
        return 20.0 * np.log10(gain) + 1.9997
