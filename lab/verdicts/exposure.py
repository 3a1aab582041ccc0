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
    bouts: how many were seen. count_squared: sum over trials of its square, None where only the count is known; most: of one trial.
    """

    count: int
    hours: float
    distinct_hours: float
    active_s: float
    active_squared_s2: float
    longest_s: float
    bouts: int
    count_squared: float | None = None
    most: int = 1

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

    def per_day_bounds(self, confidence: float = CONFIDENCE) -> Bounds:
        """Exact Poisson where no trial has two alarms."""
        days = self.distinct_hours / HOURS_A_DAY
        if self.count_squared is None or self.most <= 1:
            return rate(self.count * self.novelty, days, confidence)
        squares = self.count_squared * self.novelty
        return weighted_rate(self.count * self.novelty, squares, float(self.most), days, confidence)

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


def exposure(outcomes: Sequence[Outcome], before: Exposure = NOTHING) -> Exposure:
    """Sum up valid outcomes of one (cell, detector, stage, label), and what was heard `before` of other audio."""
    hours = curves.free_hours(outcomes)
    longest_s = (
        max((max(2 * o.activity.longest_s, o.rule.refractory_s) for o in outcomes), default=0.0) or 1.0
    )
    alarms = [len(o.false_alarms) for o in outcomes]
    known_before = before.count if before.count_squared is None else before.count_squared
    return Exposure(
        count=sum(alarms) + before.count,
        hours=hours + before.hours,
        distinct_hours=min(hours, curves.distinct_hours(outcomes)) + before.distinct_hours,
        active_s=sum(o.activity.seconds for o in outcomes) + before.active_s,
        active_squared_s2=sum(o.activity.seconds_squared for o in outcomes) + before.active_squared_s2,
        longest_s=max(longest_s, before.longest_s),
        bouts=sum(o.activity.bouts for o in outcomes) + before.bouts,
        count_squared=sum(one**2 for one in alarms) + known_before,
        most=max([*alarms, before.most]),
    )
