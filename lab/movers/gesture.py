"""What a seated or standing person does with hands and trunk, and when.

A gesture is a row of motions from rest to rest, each of minimum jerk. Its size and its peak speed are drawn for every
occurrence; the strokes and speeds are those of everyday motion: reach 0.3 to 0.8 m at 0.8 to 1.5 m/s, lifting a cup 0.3 to
0.5 m at 0.3 to 0.8 m/s, turning a page along an arc of 0.2 to 0.3 m at 0.5 to 1 m/s, key strokes of 2 to 3 cm at 0.2 to
0.5 m/s, a change of posture of 3 to 10 cm at 0.1 to 0.3 m/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array
from lab.movers.stroke import PEAK_OVER_MEAN, minimum_jerk, stroke_time_s

GAP_S = 1.0  # at least, between the end of one occurrence and the next
# Fingers that type: when in its cycle each begins, and its rest as a share of its stroke.
KEYS = ((0.0, 1.0), (0.37, 1.3), (0.61, 0.8), (0.83, 1.1))


class GestureKind(StrEnum):
    REACH = "reach"
    CUP = "cup"
    PAGE = "page"
    TYPING = "typing"
    POSTURE = "posture"
    BREATHING = "breathing"


@dataclass(frozen=True)
class Range:
    """stroke_m: length of the way out. peak_m_s: on it. hold_s: before the way back; for typing, the length of the bout."""

    stroke_m: tuple[float, float]
    peak_m_s: tuple[float, float]
    hold_s: tuple[float, float]


RANGES = {
    GestureKind.REACH: Range((0.3, 0.8), (0.8, 1.5), (0.2, 1.0)),
    GestureKind.CUP: Range((0.3, 0.5), (0.3, 0.8), (1.0, 2.5)),
    GestureKind.PAGE: Range((0.2, 0.3), (0.5, 1.0), (0.1, 0.4)),
    GestureKind.TYPING: Range((0.02, 0.03), (0.2, 0.5), (4.0, 12.0)),
    GestureKind.POSTURE: Range((0.03, 0.10), (0.1, 0.3), (0.0, 0.0)),
}


@dataclass(frozen=True, eq=False)
class Occurrences:
    """Every time the gesture is made, (N,) each, in order and apart.

    A way out of out_s from onset_s, a rest of hold_s, a way back of back_s (0 where there is none).
    """

    onset_s: Array
    stroke_m: Array
    peak_m_s: Array
    out_s: Array
    hold_s: Array
    back_s: Array

    @property
    def offset_s(self) -> Array:
        return self.onset_s + self.out_s + self.hold_s + self.back_s

    def moment(self, time_s: Array) -> tuple[Array, Array, Array]:
        """Which occurrence was the last to begin (T,), -1 before the first; shares of its way out and back, 0 to 1."""
        number = np.searchsorted(self.onset_s, time_s, side="right") - 1
        if not len(self.onset_s):
            return number, np.zeros(np.shape(time_s)), np.zeros(np.shape(time_s))
        at = np.maximum(number, 0)
        since = time_s - self.onset_s[at]
        out = minimum_jerk(since / self.out_s[at])
        back = minimum_jerk((since - self.out_s[at] - self.hold_s[at]) / np.maximum(self.back_s[at], 1e-9))
        return number, out, np.where(self.back_s[at] > 0.0, back, 0.0)


NONE = Occurrences(*(np.zeros(0) for _ in range(6)))


def poisson_onsets(per_h: float, from_s: float, until_s: float, rng: np.random.Generator) -> Array:
    """Moments of a Poisson process of per_h events an hour in [from_s, until_s), in order."""
    count = rng.poisson(per_h * (until_s - from_s) / 3600.0)
    return np.sort(rng.uniform(from_s, until_s, count))


def draw_occurrences(
    kind: GestureKind,
    wanted_s: Array,
    until_s: float,
    rng: np.random.Generator,
    *,
    stroke_m: tuple[float, float],
    peak_m_s: tuple[float, float],
) -> Occurrences:
    """Sizes, speeds and durations for every wanted onset, drawn from the ranges given.

    One that would begin before the last has ended waits until GAP_S after it; what would not end by until_s is left out.
    A change of posture is undone by the next.
    """
    rows: list[tuple[float, ...]] = []
    free_s = -np.inf
    for onset in wanted_s:
        stroke = rng.uniform(*stroke_m)
        if kind is GestureKind.POSTURE and len(rows) % 2:
            stroke = rows[-1][1]  # back to where it came from
        peak = rng.uniform(*peak_m_s)
        hold = rng.uniform(*RANGES[kind].hold_s)
        out = stroke_time_s(stroke, peak)
        back = 0.0 if kind in (GestureKind.POSTURE, GestureKind.TYPING) else out
        if kind is GestureKind.TYPING:
            # The bout is one row of strokes and ends with the first finger's last.
            rest = KEYS[0][1]
            strokes = max(round(hold / (2.0 * out * (1.0 + rest))), 1)
            out, hold = 2.0 * out * (strokes * (1.0 + rest) - rest), 0.0
        begin = max(float(onset), free_s)
        end = begin + out + hold + back
        if end > until_s:
            break
        rows.append((begin, stroke, peak, out, hold, back))
        free_s = end + GAP_S
    return Occurrences(*np.array(rows).T) if rows else NONE


def key_strokes(since_s: Array, bout_s: Array, stroke_m: Array, peak_m_s: Array, key: int) -> Array:
    """How far the finger of one of KEYS is down, 0 to stroke_m, at a time into a bout of typing, (T,).

    Down and up by minimum jerk, then a rest; as many whole strokes as the bout holds.
    """
    phase, rest = KEYS[key]
    down = PEAK_OVER_MEAN * stroke_m / peak_m_s
    cycle = 2.0 * down * (1.0 + rest)
    since = since_s - phase * cycle
    whole = np.floor((bout_s - phase * cycle - 2.0 * down) / cycle + 1e-9) + 1.0
    number = np.floor(since / cycle)
    within = since - number * cycle
    inside = (number >= 0) & (number < whole)
    return np.where(inside, stroke_m * (minimum_jerk(within / down) - minimum_jerk(within / down - 1.0)), 0.0)


def two_links(start_m: Array, end_m: Array, first_m: float, second_m: float, pole: Array) -> Array:
    """The joint (T, 3) between two links from start to end, bent towards the pole (T, 3) (the elbow of an arm).

    On the line from start to end it lies at (d^2 + a^2 - b^2) / 2 d, and beside it at the height of the triangle. An end
    out of reach stretches the second link.
    """
    way = end_m - start_m
    distance = np.linalg.norm(way, axis=-1, keepdims=True)
    along = way / distance
    foot = (distance**2 + first_m**2 - second_m**2) / (2.0 * distance)
    side = pole - np.sum(along * pole, axis=-1, keepdims=True) * along
    side = side / np.linalg.norm(side, axis=-1, keepdims=True)
    return start_m + foot * along + np.sqrt(np.maximum(first_m**2 - foot**2, 0.0)) * side
