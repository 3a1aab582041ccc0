"""How loud a recording is while it is active, and where in it something happens.

Gated as in ITU-R BS.1770-5 but unweighted, 50 Hz-7 kHz, the band in which the lab states an SNR: frames of
100 ms more than 10 dB below the mean of the frames that are not silent do not count.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lab.acoustics.levels import SNR_BAND_HZ

FRAME_S = 0.1
SILENT_DB = -50.0  # below the loudest frame
GATE_DB = -10.0


def active_rms(audio: NDArray, rate_hz: int) -> float:
    """RMS over the active frames in 50 Hz-7 kHz; audio: shape (samples,), 0 for silence."""
    power = frame_power(band_limited(audio, rate_hz), max(1, round(FRAME_S * rate_hz)))
    loud = power[power > power.max() * 10 ** (SILENT_DB / 10)]
    if not len(loud):
        return 0.0
    return float(np.sqrt(loud[loud >= loud.mean() * 10 ** (GATE_DB / 10)].mean()))


def active_share(audio: NDArray, rate_hz: int, floor: float) -> float:
    """Share of frames whose RMS is at least `floor`; 0 to 1."""
    power = frame_power(audio, max(1, round(FRAME_S * rate_hz)))
    return float(np.mean(power >= floor**2))


def active_span(audio: NDArray, rate_hz: int) -> tuple[int, int]:
    """First and end sample of what is not silent at either end, with 50 ms around it."""
    frame = max(1, round(0.02 * rate_hz))
    power = frame_power(audio, frame)
    loud = np.flatnonzero(power > power.max() * 10 ** (SILENT_DB / 10))
    if not len(loud):
        return 0, len(audio)
    around = round(0.05 * rate_hz)
    return max(0, int(loud[0]) * frame - around), min(len(audio), (int(loud[-1]) + 1) * frame + around)


def frame_power(audio: NDArray, frame: int) -> NDArray[np.float64]:
    """Mean square of consecutive frames; a last part shorter than half a frame is left out."""
    n = max(1, round(len(audio) / frame))
    starts = np.arange(n) * frame
    square = np.square(audio, dtype=np.float64)
    sums = np.add.reduceat(square, starts) if len(audio) > starts[-1] else np.zeros(1)
    lengths = np.diff(np.append(starts, max(len(audio), starts[-1] + 1)))
    return sums / lengths


def band_limited(audio: NDArray, rate_hz: int) -> NDArray[np.float64]:
    """`audio` without what lies outside 50 Hz-7 kHz (sharp edges)."""
    n = len(audio)
    fast = scipy.fft.next_fast_len(n, real=True)
    spectrum = scipy.fft.rfft(audio.astype(np.float64), fast)
    hz = np.arange(len(spectrum)) * (rate_hz / fast)
    spectrum[(hz < SNR_BAND_HZ[0]) | (hz > SNR_BAND_HZ[1])] = 0.0
    return scipy.fft.irfft(spectrum, fast)[:n]
