"""What the network hears: two views of the log-mel spectrum, 50 frames a second.

    L[b] = 10 lg(sum over k of T[b, k] P[k] + FLOOR)        P: power of a Hann frame, T: triangles on the HTK mel scale

    row 0  novelty    (L[b] - B[b]) / 10, -1..6    B: the band's slow median: what always hums is 0
    row 1  spectrum   (L[b] - M) / 10,    -6..1    M: the loudest level of late over all bands, falling by DECAY_DB_PER_S

Both are differences of levels, so the gain of the microphone changes nothing above FLOOR. A frame whose window is all zeros (lost
samples, a muted microphone) teaches B and M nothing. B is a median tracked in steps: an alarm that sounds less than half of the
time does not become background, however long it lasts.

Mel scale: m = 2595 lg(1 + f / 700 Hz), as in HTK. A bin is as wide as the distance between bins, so the narrow triangles at low
frequencies keep their weight wherever the bins fall.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray

from detectors.errors import DetectorError

VERSION = "log-mel/1"
RATE_HZ = 16_000
MELS, CHANNELS = 64, 2
LOW_HZ, HIGH_HZ = 50.0, 7_800.0
FRAME_S = 0.020
STEP, WINDOW = 320, 512
FRAMES_PER_HOP = 5
HOP = STEP * FRAMES_PER_HOP
HOP_S = FRAME_S * FRAMES_PER_HOP
FLOOR = 1e-12  # mean square in a band, full scale is 1: below the rounding of 16 bit samples
DECAY_DB_PER_S = 3.0
BACKGROUND_DB_PER_S = 1.0
LIMITS = ((-1.0, 6.0), (-6.0, 1.0))

_FIRST_FRAMES = 5  # whose mean is the first background
_QUICK = 250.0  # frames over which the background moves faster: by 1 + _QUICK / frames heard
_ROWS_AT_ONCE = 3_000


def mel_weights() -> NDArray[np.float64]:
    """T: (MELS, WINDOW // 2 + 1), each triangle's peak 1, averaged over the width of a bin."""
    bin_hz, fine = RATE_HZ / WINDOW, 32
    low, high = (2595.0 * np.log10(1.0 + f / 700.0) for f in (LOW_HZ, HIGH_HZ))
    edges_hz = 700.0 * (10.0 ** (np.linspace(low, high, MELS + 2) / 2595.0) - 1.0)
    offsets_hz = ((np.arange(fine) + 0.5) / fine - 0.5) * bin_hz
    at_hz = (np.arange(WINDOW // 2 + 1) * bin_hz)[:, None] + offsets_hz
    weights = np.empty((MELS, WINDOW // 2 + 1))
    for b, (left, centre, right) in enumerate(zip(edges_hz, edges_hz[1:], edges_hz[2:], strict=False)):
        rising, falling = (at_hz - left) / (centre - left), (right - at_hz) / (right - centre)
        weights[b] = np.clip(np.minimum(rising, falling), 0.0, None).mean(axis=1)
    return weights


def _packed() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """First bin and bin after the last of each triangle, and the triangles one after the other."""
    weights = mel_weights()
    first = np.array([np.flatnonzero(row)[0] for row in weights])
    last = np.array([np.flatnonzero(row)[-1] + 1 for row in weights])
    triangles = [row[a:z] for row, a, z in zip(weights, first, last, strict=True)]
    return first, last, np.concatenate(triangles).astype(np.float32)


_HANN = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
# So that the bands of a sine add up to its mean square.
_SCALE = np.float32(2.0 / (WINDOW * np.sum(_HANN.astype(np.float64) ** 2)))
_FIRST, _LAST, _TRIANGLES = _packed()


class LogMel:
    """Hops of 100 ms, 16 kHz, one microphone, to frames of (CHANNELS, MELS). A frame looks at the 32 ms before its end."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._held = np.zeros(WINDOW - STEP, np.float32)
        self._background_db = np.zeros(MELS)
        self._memory = np.zeros(2)  # frames heard, the loudest level of late in dB

    def push(self, hop: NDArray[np.float32]) -> NDArray[np.float32]:
        """hop: (HOP,) finite samples. Returns (FRAMES_PER_HOP, CHANNELS, MELS). Raises DetectorError for another shape."""
        if hop.shape != (HOP,):
            raise DetectorError(f"log-mel: hops of ({HOP},) samples, got {hop.shape}")
        return self._frames(hop)

    def _frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        joined = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        self._held = joined[len(samples) :].copy()
        spectra = scipy.fft.rfft(_windowed(joined, _HANN), axis=1)
        frames = np.empty((len(spectra), CHANNELS, MELS), np.float32)
        _levels(spectra, _SCALE, _FIRST, _LAST, _TRIANGLES, self._background_db, self._memory, frames)
        return frames


def of(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """All frames of a recording: (N,) finite samples at 16 kHz to (N // STEP, CHANNELS, MELS), to the bit what hops give."""
    if audio.ndim != 1:
        raise DetectorError(f"log-mel: one microphone, shape (N,), got {audio.shape}")
    log_mel = LogMel()
    count = len(audio) // STEP
    parts = [
        log_mel._frames(audio[first * STEP : min(first + _ROWS_AT_ONCE, count) * STEP])
        for first in range(0, count, _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.empty((0, CHANNELS, MELS), np.float32)


@njit(cache=True, error_model="numpy")
def _windowed(samples, window):
    """(F, WINDOW) frames, STEP apart. Compiled, since views of a hop cost more than its spectra."""
    count = (len(samples) - len(window)) // STEP + 1
    frames = np.empty((count, len(window)), np.float32)
    for f in range(count):
        for n in range(len(window)):
            frames[f, n] = samples[f * STEP + n] * window[n]
    return frames


@njit(cache=True, error_model="numpy")
def _levels(spectra, scale, first, last, triangles, background_db, memory, frames):
    """Fills `frames` (F, 2, MELS) from `spectra` (F, WINDOW // 2 + 1), moving the background and the memory on."""
    power = np.empty(spectra.shape[1], np.float32)
    level_db = np.empty(len(first))
    for f in range(len(spectra)):
        silent = True
        for k in range(len(power)):
            one = spectra[f, k]
            power[k] = (one.real * one.real + one.imag * one.imag) * scale
            silent = silent and power[k] == 0.0
        at, total = 0, 0.0
        for b in range(len(first)):
            sum_ = np.float32(0.0)
            for k in range(first[b], last[b]):
                sum_ += triangles[at] * power[k]
                at += 1
            level_db[b] = 10.0 * np.log10(sum_ + FLOOR)
            total += sum_
        if not silent:
            _learn(level_db, 10.0 * np.log10(total + FLOOR * len(first)), background_db, memory)
        for b in range(len(first)):
            novelty = (level_db[b] - background_db[b]) / 10.0 if memory[0] > 0.0 else 0.0
            shape = (level_db[b] - memory[1]) / 10.0 if memory[0] > 0.0 else LIMITS[1][0]
            frames[f, 0, b] = min(max(novelty, LIMITS[0][0]), LIMITS[0][1])
            frames[f, 1, b] = min(max(shape, LIMITS[1][0]), LIMITS[1][1])


@njit(cache=True, error_model="numpy")
def _learn(level_db, loudness_db, background_db, memory):
    memory[0] += 1.0
    heard = memory[0]
    memory[1] = loudness_db if heard == 1.0 else max(loudness_db, memory[1] - DECAY_DB_PER_S * FRAME_S)
    step = BACKGROUND_DB_PER_S * FRAME_S * (1.0 + _QUICK / heard)
    for b in range(len(background_db)):
        apart = level_db[b] - background_db[b]
        if heard <= _FIRST_FRAMES:
            background_db[b] += apart / heard
        else:
            background_db[b] += min(max(apart, -step), step)
