"""Groups of beeps in one channel: three as of a smoke alarm, four as of a CO alarm.

A group is fitted by the edges of its onsets, which reverberation leaves where they are: among all periods P and places of the
last onset o_n the one that maximises

    sum over i of  mean of z over [o_i, o_i + on)  -  mean of z over [o_i - gap, o_i),     o_i = o_n - (n - i) P

with z the level of the channel, clipped to CLIP_DB about the group's. Then each part is looked at by itself, in medians, so that a
word spoken over it costs little: every beep must stand above every gap, and above the silence before and after the group, there
where one more beep would be. What an alarm has and notes and voices seldom have: beeps of one level, alike in frequency, steady
while they last, alone in their channel before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from detectors.sound_events.tones import DELAY, FRAME_S, HISTORY, column, surroundings

LENGTH = 350  # frames looked at, the last DELAY of them after the end of the sound
CLIP_DB = (-20.0, 3.0)
NEAR_DB = 6.0  # what comes as near to the level of the beeps is no silence, and a beep ends there

# From training draws at an SNR of 5 dB. A piezo's pitch scatters by 2 Hz from beep to beep, and where reflections cancel, that alone
# moves the level of a beep by 20 dB.
THREE_CONTRAST_DB, THREE_PROMINENT_DB, THREE_SPREAD_DB = 5.0, 15.0, 20.0
ROUGH_DB = 4.0  # mean deviation within a beep
TURN_DB = 3.0  # between beeps, of the difference of the channels to both sides
THREE_BUSY = 0.12  # share of the silences in which something comes near the beeps
FOUR_CONTRAST_DB, FOUR_PROMINENT_DB, FOUR_SPREAD_DB = 7.0, 16.0, 10.0
DIP_DB, LEAST_DIP_DB = 5.0, 2.5  # between beeps: their mean, and each
FOUR_BUSY_BEFORE, FOUR_BUSY_AFTER = 0.06, 0.12
FIFTH_DB = 3.0
BEFORE = 200  # frames of silence before a group of four

_FIGURES = 5


@dataclass(frozen=True)
class Group:
    """beeps: 3 or 4. frame: of the first onset. period: frames between onsets. level_db: of the weakest beep. contrast_db: of
    that over the loudest silence. lead_db: of the beeps over the loudest of all other channels meanwhile."""

    beeps: int
    channel: int
    frame: float
    period: float
    level_db: float
    contrast_db: float
    lead_db: float

    @property
    def period_s(self) -> float:
        return self.period * FRAME_S


def groups(levels: NDArray[np.float32], channel: int, frame: int) -> list[Group]:
    """What the sound that ended DELAY frames before `frame` was the end of. levels: `Tones.levels`."""
    out = np.empty(_FIGURES)
    found = []
    for beeps, fit in ((3, _three), (4, _four)):
        if fit(levels, column(channel), frame, out):
            first, period, level_db, contrast_db, lead_db = (float(value) for value in out)
            found.append(Group(beeps, channel, first, period, level_db, contrast_db, lead_db))
    return found


@njit(cache=True, error_model="numpy")
def _three(levels, k, frame, out):
    y = _last(levels, k, frame)
    e = LENGTH - 1 - DELAY
    level = np.mean(y[e - 14 : e - 3])
    floor = level - THREE_CONTRAST_DB
    if np.median(y[e + 15 :]) > floor or np.min(y[e - 50 : e - 20]) > floor:
        return False
    c = _running(y, level)
    best, o3, double = -1e9, 0, 0
    for o in range(e - 36, e - 15):
        for d in range(74, 127):
            j = _edge(c, o, 20, 11) + _edge(c, o - d // 2, 20, 11) + _edge(c, o - d, 20, 11)
            if j > best:
                best, o3, double = j, o, d
    o2, o1 = o3 - double // 2, o3 - double
    quiet = max(np.median(y[o1 - 50 : o1 - 26]), np.median(y[o1 - 26 : o1 - 2]))
    quiet = max(quiet, np.median(y[e + 10 : e + 30]), np.median(y[e + 30 :]))
    quiet = max(quiet, np.median(y[o2 - 10 : o2 - 2]), np.median(y[o3 - 10 : o3 - 2]))
    weakest, strongest, rough, prominent, lead = 1e9, -1e9, 0.0, 0.0, 0.0
    least_turn, most_turn = 1e9, -1e9
    for o in (o1, o2, o3):
        beep = np.median(y[o + 5 : o + 20])
        weakest, strongest = min(weakest, beep), max(strongest, beep)
        rough += np.mean(np.abs(y[o + 5 : o + 20] - beep)) / 3.0
        prominent += (beep - _around(levels, k, frame, o + 5, o + 20)) / 3.0
        lead += (beep - _rest(levels, k, frame, o + 5, o + 20)) / 3.0
        turn = _turn(levels, k, frame, o + 5, o + 20)
        least_turn, most_turn = min(least_turn, turn), max(most_turn, turn)
    near = weakest - NEAR_DB
    busy = _above(y, o1 - 50, o1 - 3, near) + _above(y, e + 10, LENGTH, near)
    busy += _above(y, o2 - 10, o2 - 2, near) + _above(y, o3 - 10, o3 - 2, near)
    if weakest - quiet < THREE_CONTRAST_DB or strongest - weakest > THREE_SPREAD_DB:
        return False
    if prominent < THREE_PROMINENT_DB or rough > ROUGH_DB or most_turn - least_turn > TURN_DB:
        return False
    if busy > THREE_BUSY * (63 + LENGTH - e - 10):
        return False
    first, last = _rises(y, o1, near), _rises(y, o3, near)
    out[0], out[1], out[2] = first - LENGTH + 1 + frame, (last - first) / 2.0, weakest
    out[3], out[4] = weakest - quiet, lead
    return True


@njit(cache=True, error_model="numpy")
def _four(levels, k, frame, out):
    y = _last(levels, k, frame)
    e = LENGTH - 1 - DELAY
    level = np.max(y[e - 8 : e])
    floor = level - FOUR_CONTRAST_DB
    if np.median(y[e + 15 :]) > floor or np.median(y[e - 100 : e - 60]) > floor:
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
    quiet = np.max(y[o1 - round(period) - 2 : o1 - 2])
    quiet = max(quiet, np.median(y[o1 - 45 : o1 - 20]), np.median(y[o1 - 20 : o1 - 2]))
    quiet = max(quiet, np.median(y[o4 + 25 : o4 + 40]), np.median(y[e + 30 :]))
    # A fifth beep would be here, where the tail of the fourth has fallen by a little only.
    fifth = np.median(y[o4 + round(period) + 1 : o4 + round(period) + 6])
    weakest, strongest, prominent, lead = 1e9, -1e9, 0.0, 0.0
    dips, least, earlier = 0.0, 1e9, 0.0
    for i in range(4):
        o = o4 - round((3 - i) * period)
        beep = np.max(y[o : o + 7])
        weakest, strongest = min(weakest, beep), max(strongest, beep)
        prominent += (beep - _around(levels, k, frame, o + 1, o + 5)) / 4.0
        lead += (beep - _rest(levels, k, frame, o + 1, o + 5)) / 4.0
        if i > 0:
            dip = min(beep, earlier) - np.min(y[o - 4 : o + 2])
            dips += dip / 3.0
            least = min(least, dip)
        earlier = beep
    near = weakest - NEAR_DB
    if weakest - quiet < FOUR_CONTRAST_DB or strongest - weakest > FOUR_SPREAD_DB:
        return False
    if fifth > weakest - FIFTH_DB:
        return False
    if prominent < FOUR_PROMINENT_DB or least < LEAST_DIP_DB or dips < DIP_DB:
        return False
    if _above(y, o1 - BEFORE, o1 - 3, near) > FOUR_BUSY_BEFORE * (BEFORE - 3):
        return False
    if _above(y, o4 + 20, LENGTH, near) > FOUR_BUSY_AFTER * (LENGTH - o4 - 20):
        return False
    out[0], out[1], out[2] = o1 - LENGTH + 1 + frame, period, weakest
    out[3], out[4] = weakest - quiet, lead
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
def _above(y, first, last, threshold):
    """How many frames of [first, last) lie above a level."""
    count = 0
    for n in range(first, last):
        count += y[n] > threshold
    return count


@njit(cache=True, error_model="numpy")
def _around(levels, k, frame, first, last):
    """Mean level of the surroundings of a channel over [first, last)."""
    sum_ = 0.0
    for n in range(first, last):
        sum_ += surroundings(levels[(frame - LENGTH + 1 + n) % HISTORY], k)
    return sum_ / (last - first)


@njit(cache=True, error_model="numpy")
def _turn(levels, k, frame, first, last):
    """By how much the channel above is louder than the one below: where in the channel a tone lies, in dB."""
    sum_ = 0.0
    for n in range(first, last):
        row = levels[(frame - LENGTH + 1 + n) % HISTORY]
        sum_ += row[k + 1] - row[k - 1]
    return sum_ / (last - first)


@njit(cache=True, error_model="numpy")
def _rest(levels, k, frame, first, last):
    """Highest level of any other channel, mean over [first, last)."""
    sum_ = 0.0
    for n in range(first, last):
        row = levels[(frame - LENGTH + 1 + n) % HISTORY]
        highest = row[0]
        for other in range(len(row)):
            if abs(other - k) > 4 and row[other] > highest:
                highest = row[other]
        sum_ += highest
    return sum_ / (last - first)


@njit(cache=True, error_model="numpy")
def _rises(y, o, threshold):
    """Where the level first reaches a threshold about an onset, in fractions of a frame."""
    for n in range(o - 3, o + 8):
        if y[n] >= threshold > y[n - 1]:
            return n - (y[n] - threshold) / (y[n] - y[n - 1])
    return float(o)
