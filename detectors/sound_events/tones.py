"""Steady tones: levels of narrow channels over time, and the ends of whatever stood out of one of them.

    Y[k] = 10 lg(P[k-1] + P[k] + P[k+1] + FLOOR)    P: power of a Hann frame of 40 ms every 20 ms, bins of 25 Hz
    prominence Q[k] = Y[k] - mean of Y over the bins 4 to 8 to each side, 100 to 200 Hz away

Three bins together hold a tone wherever it lies and as it drifts. A sound begins in a channel when Y rises by RISE_DB above its
lowest value since the last one and Q reaches PROMINENT_DB; it ends when Y falls by DROP_DB below its highest. Both are told
from the sound's own plateau, not from a threshold: a reverberant tail, prominent to its end, ends no tone late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError

RATE_HZ = 16_000
STEP, WINDOW = 320, 640
FRAME_S = STEP / RATE_HZ
FRAMES_PER_HOP = 5
HOP = STEP * FRAMES_PER_HOP
BIN_HZ = RATE_HZ / WINDOW
LOWEST_HZ, HIGHEST_HZ = 400.0, 4200.0
HISTORY = 512  # frames kept
DELAY = 50  # frames that pass between the end of a sound and the look at what it ended
FLOOR = 1e-11  # mean square in a channel, full scale is 1
RISE_DB, DROP_DB, PROMINENT_DB = 6.0, 6.0, 10.0
LEAST_FRAMES = 2  # of a sound

_NEAR, _FAR = 4, 8  # bins to each side that a tone is held against
_FIRST = round(LOWEST_HZ / BIN_HZ) - _FAR
CHANNELS = round((HIGHEST_HZ - LOWEST_HZ) / BIN_HZ) + 1
_WIDE = CHANNELS + 2 * _FAR
_HANN = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
# So that the three bins about a sine add up to its mean square.
_SCALE = np.float32(2.0 / (WINDOW * np.sum(_HANN.astype(np.float64) ** 2)))
_DUE = np.uint64(1 << DELAY)


@dataclass(frozen=True)
class Ended:
    """A sound that ended DELAY frames before `frame`, in the channel where it was loudest."""

    channel: int
    frame: int


class Tones:
    """Hops of 100 ms, 16 kHz, one microphone. `levels`: (HISTORY, channels with their surroundings), a ring of frames."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._held = np.zeros(WINDOW - STEP, np.float32)
        self._frames = 0
        self.levels = np.full((HISTORY, _WIDE), 10.0 * np.log10(FLOOR), np.float32)
        self._sounding = np.zeros(CHANNELS, np.int32)  # frames, 0: quiet
        self._extreme = np.full(
            CHANNELS, 10.0 * np.log10(FLOOR), np.float32
        )  # highest while it sounds, else lowest
        self._ended = np.zeros(CHANNELS, np.uint64)  # bit n: a sound ended n frames ago

    @property
    def frames(self) -> int:
        """Frames heard so far; the newest is `frames - 1`."""
        return self._frames

    def push(self, hop: NDArray[np.float32]) -> list[Ended]:
        """hop: (HOP,) finite samples. Returns what is due. Raises DetectorError for another shape."""
        if hop.shape != (HOP,):
            raise DetectorError(f"tones: hops of ({HOP},) samples, got {hop.shape}")
        joined = np.concatenate([self._held, hop.astype(np.float32, copy=False)])
        self._held = joined[HOP:].copy()
        windows = np.lib.stride_tricks.sliding_window_view(joined, WINDOW)[::STEP]
        spectra = scipy.fft.rfft(windows * _HANN, axis=1)[:, _FIRST - 1 : _FIRST + _WIDE + 1]
        due = np.empty((FRAMES_PER_HOP * CHANNELS, 2), np.int64)
        count = _advance(spectra, self._frames, self.levels, self._sounding, self._extreme, self._ended, due)
        self._frames += FRAMES_PER_HOP
        return [Ended(int(channel), int(frame)) for channel, frame in due[:count]]


@njit(cache=True)
def column(channel: int) -> int:
    """Where a channel stands in a row of `levels`."""
    return channel + _FAR


def frequency_hz(channel: int) -> float:
    """The middle of a channel."""
    return LOWEST_HZ + channel * BIN_HZ


@njit(cache=True, error_model="numpy")
def _advance(spectra, frames, levels, sounding, extreme, ended, due):
    """spectra: (F, _WIDE + 2). Fills `due` with (channel, frame) and returns how many."""
    count = 0
    power = np.empty(spectra.shape[1], np.float32)
    total = np.empty(levels.shape[1] + 1)
    for f in range(len(spectra)):
        for k in range(len(power)):
            one = spectra[f, k]
            power[k] = (one.real * one.real + one.imag * one.imag) * _SCALE
        row = levels[(frames + f) % HISTORY]
        total[0] = 0.0
        for k in range(len(row)):
            row[k] = 10.0 * np.log10(power[k] + power[k + 1] + power[k + 2] + np.float32(FLOOR))
            total[k + 1] = total[k] + row[k]
        for c in range(CHANNELS):
            level = row[c + _FAR]
            ended[c] <<= np.uint64(1)
            if sounding[c] > 0:
                extreme[c] = max(extreme[c], level)
                sounding[c] += 1
                if level < extreme[c] - DROP_DB:
                    if sounding[c] > LEAST_FRAMES:
                        ended[c] |= np.uint64(1)
                    sounding[c] = 0
                    extreme[c] = level
            else:
                extreme[c] = min(extreme[c], level)
                if level > extreme[c] + RISE_DB and _prominence(total, c) >= PROMINENT_DB:
                    sounding[c] = 1
                    extreme[c] = level
        for c in range(CHANNELS):
            if ended[c] & _DUE and _loudest(levels, frames + f - DELAY - 3, c):
                due[count, 0], due[count, 1] = c, frames + f
                count += 1
    return count


@njit(cache=True, error_model="numpy")
def surroundings(row, k):
    """Mean level of the bins on both sides of column k of a row of `levels`, dB."""
    sum_ = 0.0
    for n in range(_NEAR, _FAR + 1):
        sum_ += row[k - n] + row[k + n]
    return sum_ / (2 * (_FAR - _NEAR + 1))


@njit(cache=True, error_model="numpy")
def _prominence(total, c):
    below = total[c + _FAR - _NEAR + 1] - total[c]
    above = total[c + 2 * _FAR + 1] - total[c + _FAR + _NEAR]
    k = c + _FAR
    return total[k + 1] - total[k] - (below + above) / (2 * (_FAR - _NEAR + 1))


@njit(cache=True, error_model="numpy")
def _loudest(levels, frame, c):
    """Whether a channel was the loudest among those that share its bins, shortly before `frame`."""
    best, where = -1e9, 0
    for k in range(c + _FAR - 2, c + _FAR + 3):
        sum_ = 0.0
        for back in range(4):
            sum_ += levels[(frame - back) % HISTORY, k]
        if sum_ > best:
            best, where = sum_, k
    return where == c + _FAR
