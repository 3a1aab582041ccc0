"""Groups of beeps in one channel: three of a smoke alarm, four of a CO alarm, and tones that pulse without end.

A group is fitted by the edges of its onsets, which reverberation leaves where they are: among all periods P and places of the
last onset o the one that maximises

    sum over i of  mean of z over [o_i, o_i + on)  -  mean of z over [o_i - gap, o_i),     o_i = o - (n - i) P

with z the level of the channel, clipped to CLIP_DB about the group's. Then each part is looked at by itself, in medians, so that a
word spoken over it costs little: every beep must stand above every gap, and above the silence before and after the group, there
where one more beep would be. The contrast of a group is its weakest beep over its loudest silence, in dB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from detectors.sound_events.tones import DELAY, FRAME_S, HISTORY, column, surroundings

LENGTH = 300  # frames looked at, the last DELAY of them after the end of the sound
CLIP_DB = (-15.0, 3.0)
SPREAD_DB = 10.0  # between the beeps of one group
LEAST_DB, STANDING_DB = 5.0, 6.0  # contrast, and beeps over the neighbouring frequencies
LEAST_DIP_DB, DIP_DB = 1.0, 3.0  # between the beeps of four: each, and their mean


@dataclass(frozen=True)
class Group:
    """beeps: 3 or 4. frame: of the first onset. period: frames between onsets. on: frames of a beep, until it has fallen by 6 dB.
    level_db: of the weakest beep. contrast_db: see the module."""

    beeps: int
    channel: int
    frame: float
    period: float
    on: float
    level_db: float
    contrast_db: float

    @property
    def period_s(self) -> float:
        return self.period * FRAME_S

    @property
    def on_s(self) -> float:
        return self.on * FRAME_S


def groups(levels: NDArray[np.float32], channel: int, frame: int) -> list[Group]:
    """What the sound that ended DELAY frames before `frame` was the end of. levels: `Tones.levels`."""
    out = np.empty(5)
    found = []
    for beeps, fit in ((3, _three), (4, _four)):
        if fit(levels, column(channel), frame, out):
            first, period, on, level_db, contrast_db = (float(value) for value in out)
            found.append(Group(beeps, channel, first, period, on, level_db, contrast_db))
    return found


@njit(cache=True, error_model="numpy")
def _three(levels, k, frame, out):
    y = _last(levels, k, frame)
    e = LENGTH - 1 - DELAY
    level = np.mean(y[e - 14 : e - 3])
    if np.median(y[e + 15 :]) > level - LEAST_DB or np.min(y[e - 50 : e - 20]) > level - LEAST_DB:
        return False
    c = _running(y, level)
    best, o3, double = -1e9, 0, 0
    for o in range(e - 36, e - 15):
        for d in range(74, 127):
            j = _edge(c, o, 20, 11) + _edge(c, o - d // 2, 20, 11) + _edge(c, o - d, 20, 11)
            if j > best:
                best, o3, double = j, o, d
    o2, o1 = o3 - double // 2, o3 - double
    weakest, strongest = 1e9, -1e9
    quiet = max(np.median(y[o1 - 50 : o1 - 26]), np.median(y[o1 - 26 : o1 - 2]))
    quiet = max(quiet, np.median(y[e + 10 : e + 30]), np.median(y[e + 30 :]))
    quiet = max(quiet, np.median(y[o2 - 10 : o2 - 2]), np.median(y[o3 - 10 : o3 - 2]))
    prominent = 0.0
    on = 0.0
    for o in (o1, o2, o3):
        beep = np.median(y[o + 4 : o + 18])
        weakest, strongest = min(weakest, beep), max(strongest, beep)
        prominent += beep - _around(levels, k, frame, o + 4, o + 18)
        on += _falls(y, o + 8, beep - 6.0) - _rises(y, o, beep - 6.0)
    if weakest - quiet < LEAST_DB or strongest - weakest > SPREAD_DB or prominent < 3.0 * STANDING_DB:
        return False
    first, last = _rises(y, o1, weakest - 6.0), _rises(y, o3, weakest - 6.0)
    out[0], out[1], out[2] = first - LENGTH + 1 + frame, (last - first) / 2.0, on / 3.0
    out[3], out[4] = weakest, weakest - quiet
    return True


@njit(cache=True, error_model="numpy")
def _four(levels, k, frame, out):
    y = _last(levels, k, frame)
    e = LENGTH - 1 - DELAY
    level = np.max(y[e - 8 : e])
    if np.median(y[e + 15 :]) > level - LEAST_DB or np.median(y[e - 100 : e - 60]) > level - LEAST_DB:
        return False
    c = _running(y, level)
    best, o4, period = -1e9, 0, 0.0
    for o in range(e - 15, e - 1):
        for quarter in range(34, 47):
            p = quarter / 4.0
            j = 0.0
            for i in range(4):
                j += _edge(c, o - round(i * p), 4, 4)
            if j > best:
                best, o4, period = j, o, p
    o1 = o4 - round(3.0 * period)
    before = np.max(y[o1 - round(period) - 2 : o1 - 2])
    quiet = max(before, np.median(y[o1 - 45 : o1 - 20]), np.median(y[o1 - 20 : o1 - 2]))
    quiet = max(quiet, np.median(y[o4 + 25 : o4 + 40]), np.median(y[e + 30 :]))
    weakest, strongest, dips, least = 1e9, -1e9, 0.0, 1e9
    prominent, earlier = 0.0, 0.0
    for i in range(4):
        o = o4 - round((3 - i) * period)
        beep = np.max(y[o : o + 7])
        weakest, strongest = min(weakest, beep), max(strongest, beep)
        prominent += beep - _around(levels, k, frame, o + 1, o + 5)
        if i > 0:
            dip = min(beep, earlier) - np.min(y[o - 4 : o + 2])
            dips += dip
            least = min(least, dip)
        earlier = beep
    if weakest - quiet < LEAST_DB or strongest - weakest > SPREAD_DB or prominent < 4.0 * STANDING_DB:
        return False
    if least < LEAST_DIP_DB or dips < 3.0 * DIP_DB:
        return False
    out[0], out[1], out[2] = o1 - LENGTH + 1 + frame, period, period / 2.0
    out[3], out[4] = weakest, weakest - quiet
    return True


@njit(cache=True, error_model="numpy")
def _last(levels, k, frame):
    y = np.empty(LENGTH, np.float32)
    for n in range(LENGTH):
        y[n] = levels[(frame - LENGTH + 1 + n) % HISTORY, k]
    return y


@njit(cache=True, error_model="numpy")
def _running(y, level):
    c = np.zeros(LENGTH + 1)
    for n in range(LENGTH):
        c[n + 1] = c[n] + min(max(y[n], level + CLIP_DB[0]), level + CLIP_DB[1])
    return c


@njit(cache=True, error_model="numpy")
def _edge(c, o, on, gap):
    return (c[o + on] - c[o]) / on - (c[o] - c[o - gap]) / gap


@njit(cache=True, error_model="numpy")
def _around(levels, k, frame, first, last):
    """Mean level of the surroundings of a channel over [first, last)."""
    sum_ = 0.0
    for n in range(first, last):
        sum_ += surroundings(levels[(frame - LENGTH + 1 + n) % HISTORY], k)
    return sum_ / (last - first)


@njit(cache=True, error_model="numpy")
def _rises(y, o, threshold):
    """Where the level first reaches a threshold about an onset, in fractions of a frame."""
    for n in range(o - 3, o + 8):
        if y[n] >= threshold > y[n - 1]:
            return n - (y[n] - threshold) / (y[n] - y[n - 1])
    return float(o)


@njit(cache=True, error_model="numpy")
def _falls(y, o, threshold):
    for n in range(o, min(o + 60, LENGTH)):
        if y[n] < threshold:
            return n - (threshold - y[n]) / max(y[n - 1] - y[n], 1e-3)
    return float(o + 60)
