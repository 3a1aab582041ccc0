"""Reverberation time by Schroeder's backward integration (ISO 3382-2:2008).

The decay is fitted from -5 to -35 dB (T30) and scaled to 60 dB.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
CALIBRATED_HZ = OCTAVES_HZ[1:6]  # what a room promises
FIT_DB = (-5.0, -35.0)


@lru_cache(maxsize=64)
def octave_sos(rate_hz: float, octave_hz: float) -> NDArray[np.float64]:
    """Butterworth octave band, order 3 each side, shape (sections, 6). `octave_hz` below rate / 2."""
    low, high = octave_hz / np.sqrt(2.0), octave_hz * np.sqrt(2.0)
    if high < 0.49 * rate_hz:
        return scipy.signal.butter(3, [low, high], "bandpass", fs=rate_hz, output="sos")
    return scipy.signal.butter(3, low, "highpass", fs=rate_hz, output="sos")


def decay_db(energy: NDArray) -> NDArray[np.float64]:
    """Backward-integrated energy in dB re its start. energy: (..., n), non-negative. Same shape."""
    integrated = np.cumsum(np.asarray(energy, dtype=np.float64)[..., ::-1], axis=-1)[..., ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10.0 * np.log10(integrated / integrated[..., :1])


def fit_rt60_s(curve_db: NDArray, step_s: float) -> float:
    """Seconds for 60 dB, from a least-squares line through the -5 to -35 dB part of a decay.

    curve_db: (n,), one value every `step_s`, from `decay_db`. NaN when fewer than three points lie there
    or the decay never gets to -35 dB.
    """
    start = int(np.argmax(curve_db <= FIT_DB[0]))
    stop = int(np.argmax(curve_db < FIT_DB[1]))
    if stop - start < 3:
        return float("nan")
    time_s = np.arange(start, stop) * step_s
    slope = np.polyfit(time_s, curve_db[start:stop], 1)[0]
    return -60.0 / slope


def schroeder(impulse_response: NDArray, rate_hz: float, octave_hz: float) -> float:
    """RT60 in seconds of one impulse response (n,) in one octave. NaN when its decay is too short."""
    band = scipy.signal.sosfiltfilt(
        octave_sos(rate_hz, octave_hz), np.asarray(impulse_response, dtype=np.float64)
    )
    return fit_rt60_s(decay_db(np.square(band)), 1.0 / rate_hz)
