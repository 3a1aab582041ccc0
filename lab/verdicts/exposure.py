"""False alarms over the audio that was heard.

Audio heard twice is not new evidence. The estimate is alarms per hour listened; the bounds take the
distinct hours as exposure and the alarms in proportion: count * distinct_hours / hours. Alarms of one
trial may have one cause, so that a trial with alarms is one event that weighs as much as it has alarms
(Fay & Feuer); with one alarm each the bounds are the exact Poisson ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lab.scoring import curves
from lab.scoring.outcome import Outcome
from lab.verdicts.intervals import CONFIDENCE, Bounds, rate, weighted_rate

HOURS_A_DAY = 24.0


@dataclass(frozen=True)
class Exposure:
    """Target-free listening, of one cell or of several together.

    count: false alarms. hours: listened. distinct_hours: audio heard once, <= hours.
    active_s: time at or above the threshold; active_squared_s2: sum over bouts of its square;
    longest_s: how long a bout not seen yet may be: twice the longest seen, at least the refractory time;
    bouts: how many were seen. count_squared: sum over trials of the square of their alarms; most: of one trial. Both are None where
    they were not kept: then all alarms may be of one trial.
    """

    count: int
    hours: float
    distinct_hours: float
    active_s: float
    active_squared_s2: float
    longest_s: float
    bouts: int
    count_squared: float | None = None
    most: int | None = None

    @property
    def per_day(self) -> float:
        return self.count / self.hours * HOURS_A_DAY if self.hours else math.nan

    @property
    def active_fraction(self) -> float:
        return self.active_s / (self.hours * 3600) if self.hours else math.nan

    @property
    def novelty(self) -> float:
        """Distinct hours per hour, in [0, 1]."""
        return self.distinct_hours / self.hours if self.hours else 0.0

    @property
    def clumps(self) -> tuple[float, int]:
        return clumps(self.count, self.count_squared, self.most)

    def per_day_bounds(self, confidence: float = CONFIDENCE) -> Bounds:
        """Exact Poisson where no trial has two alarms."""
        squares, most = self.clumps
        return per_day_bounds(self.count, squares, most, self.hours, self.distinct_hours, confidence)

    def active_bounds(self, confidence: float = CONFIDENCE) -> Bounds:
        """Bouts as Poisson events weighted by their length (Fay & Feuer).

        Approximate: a few bouts of very different lengths cover a little less than asked.
        """
        found = weighted_rate(
            self.active_s * self.novelty,
            self.active_squared_s2 * self.novelty,
            self.longest_s,
            self.distinct_hours * 3600,
            confidence,
        )
        return Bounds(found.low, min(1.0, found.high))


NOTHING = Exposure(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)


def clumps(count: int, squared: float | None, most: int | None) -> tuple[float, int]:
    """Sum over trials of the square of their alarms, and the most of one; where they were not kept, one trial of all the alarms."""
    return float(count) ** 2 if squared is None else squared, count if most is None else most


def per_day_bounds(
    count: float,
    squares: float,
    most: float,
    hours: float,
    distinct_hours: float,
    confidence: float = CONFIDENCE,
) -> Bounds:
    """Of alarms a day. count: in `hours`; squares, most: sum of the squares of a trial's alarms, and the most of one, as in `Exposure`."""
    novelty, days = distinct_hours / hours if hours else 0.0, distinct_hours / HOURS_A_DAY
    if most <= 1:
        return rate(count * novelty, days, confidence)
    return weighted_rate(count * novelty, squares * novelty, float(most), days, confidence)


def exposure(outcomes: Sequence[Outcome], before: Exposure = NOTHING) -> Exposure:
    """Sum up valid outcomes of one (cell, detector, stage, label), and what was heard `before` of other audio."""
    hours = curves.free_hours(outcomes)
    longest_s = (
        max((max(2 * o.activity.longest_s, o.rule.refractory_s) for o in outcomes), default=0.0) or 1.0
    )
    alarms = [len(o.false_alarms) for o in outcomes]
    squares_before, most_before = before.clumps
    return Exposure(
        count=sum(alarms) + before.count,
        hours=hours + before.hours,
        distinct_hours=min(hours, curves.distinct_hours(outcomes)) + before.distinct_hours,
        active_s=sum(o.activity.seconds for o in outcomes) + before.active_s,
        active_squared_s2=sum(o.activity.seconds_squared for o in outcomes) + before.active_squared_s2,
        longest_s=max(longest_s, before.longest_s),
        bouts=sum(o.activity.bouts for o in outcomes) + before.bouts,
        count_squared=sum(one**2 for one in alarms) + squares_before,
        most=max([*alarms, most_before]),
    )
