"""Tones that pulse without end: smoke alarms that keep no group, told from beepers by how long they sound of each period.

    r[lag] = correlation of the level of a channel with itself `lag` frames later, over the last LENGTH frames

A tone pulses with the period P, the smallest lag whose r comes close to the highest, if r is the same at 2 P: whatever a room does to one
pulse it does to each. `on` is the share of frames less than PLATEAU_DB below the loud ones, times P. Real alarms without a pause
(0.26 / 0.075, 0.24 / 0.07, 0.53 / 0.20, 0.18 / 0.17 s) sound most of the time or pulse faster than any reversing beeper, which is as long
off as on and makes 1 to 2 pulses a second (SAE J994); timers (0.07 / 0.17 s) sound shorter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from detectors.sound_events.tones import CHANNELS, FRAME_S, HISTORY, column, surroundings

LENGTH = 400
PERIOD_S = (0.2, 0.85)
ALIKE = 0.7  # r at the period
AGAIN = 0.55  # r at twice the period
DEPTH_DB = 3.0
PLATEAU_DB = 6.0
STANDING_DB = 8.0  # of the mean level over the neighbouring frequencies
ON_S, OFF_S = (0.12, 0.62), (0.03, 0.28)
FAST_S = 0.45
FAST_SHARE, SLOW_SHARE = 0.4, 0.62  # of its period that a pulse must sound, faster and slower than FAST_S
MOST = 3  # channels looked at

_LAGS = (round(PERIOD_S[0] / FRAME_S), round(PERIOD_S[1] / FRAME_S))


@dataclass(frozen=True)
class Pulse:
    """A tone that pulses: its channel, and its period in frames."""

    channel: int
    period: int

    def goes_on(self, earlier: Pulse) -> bool:
        """Whether this one is the same alarm as one heard before."""
        return abs(self.channel - earlier.channel) <= 1 and abs(self.period - earlier.period) <= 1


def pulsing(levels: NDArray[np.float32], frame: int) -> list[Pulse]:
    """Endless alarms heard for LENGTH frames up to `frame`, at most MOST. levels: `Tones.levels`."""
    if frame + 1 < LENGTH:
        return []
    frames = np.arange(frame - LENGTH + 1, frame + 1) % HISTORY
    found = []
    for channel in _standing(levels, frame):
        period, on = _pulse(levels[frames, column(channel)])
        if _is_alarm(period * FRAME_S, on * FRAME_S):
            found.append(Pulse(int(channel), round(period)))
    return found


def _is_alarm(period_s: float, on_s: float) -> bool:
    if period_s == 0.0 or not ON_S[0] <= on_s <= ON_S[1] or not OFF_S[0] <= period_s - on_s <= OFF_S[1]:
        return False
    return on_s >= period_s * (FAST_SHARE if period_s <= FAST_S else SLOW_SHARE)


@njit(cache=True, error_model="numpy")
def _standing(levels, frame):
    """The loudest channels that stand out of their surroundings all the time, at most MOST."""
    mean_db = np.zeros(levels.shape[1])
    for n in range(frame - LENGTH + 1, frame + 1):
        for k in range(len(mean_db)):
            mean_db[k] += levels[n % HISTORY, k] / LENGTH
    found = np.full(MOST, -1, np.int64)
    for place in range(MOST):
        loudest = -1e9
        for channel in range(CHANNELS):
            k = column(channel)
            level = mean_db[k]
            if level <= loudest or level < np.max(mean_db[k - 2 : k + 3]):
                continue
            if level - surroundings(mean_db, k) >= STANDING_DB and not np.any(found[:place] == channel):
                loudest, found[place] = level, channel
    return found[found >= 0]


@njit(cache=True, error_model="numpy")
def _pulse(y):
    """Period and length of a pulse in frames; (0, 0): it does not pulse."""
    ordered = np.sort(y)
    soft, loud = ordered[LENGTH // 20], ordered[LENGTH - LENGTH // 10]
    if loud - soft < DEPTH_DB:
        return 0.0, 0.0
    z = np.minimum(np.maximum(y, soft - 3.0), loud + 3.0)
    best = 0.0
    r = np.zeros(_LAGS[1] + 2)
    for lag in range(_LAGS[0] - 1, _LAGS[1] + 2):
        r[lag] = _correlation(z, lag)
        best = max(best, r[lag])
    if best < ALIKE:
        return 0.0, 0.0
    for lag in range(_LAGS[0], _LAGS[1] + 1):
        if r[lag] >= 0.9 * best and r[lag] >= r[lag - 1] and r[lag] >= r[lag + 1]:
            # Half periods count: twice a period of 12.5 frames is 25.
            again = max(_correlation(z, 2 * lag - 1), _correlation(z, 2 * lag), _correlation(z, 2 * lag + 1))
            if again < AGAIN:
                return 0.0, 0.0
            # Near its plateau, so that the room's tail does not count as sound.
            threshold = max(loud - PLATEAU_DB, (soft + loud) / 2.0)
            above = 0
            for n in range(LENGTH):
                above += z[n] > threshold
            return float(lag), lag * above / LENGTH
    return 0.0, 0.0


@njit(cache=True, error_model="numpy")
def _correlation(z, lag):
    a, b = z[: LENGTH - lag], z[lag:]
    a_mean, b_mean = np.mean(a), np.mean(b)
    ab, aa, bb = 0.0, 1e-9, 1e-9
    for n in range(LENGTH - lag):
        da, db = a[n] - a_mean, b[n] - b_mean
        ab += da * db
        aa += da * da
        bb += db * db
    return ab / np.sqrt(aa * bb)
