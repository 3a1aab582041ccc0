"""Curves with their confidence bands: one-sided 95 % bounds on each side, point by point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.scoring import curves
from lab.scoring.outcome import Outcome
from lab.verdicts.clusters import sample, target_clusters
from lab.verdicts.exposure import HOURS_A_DAY, exposure, per_day_bounds


@dataclass(frozen=True)
class Curve:
    """Detection rate and false alarms per hour against threshold; None where there is nothing to count."""

    threshold: list[float]
    detection_rate: list[float] | None
    detection_low: list[float] | None
    detection_high: list[float] | None
    false_alarms_per_hour: list[float] | None
    false_alarms_low: list[float] | None
    false_alarms_high: list[float] | None


def curve(outcomes: Sequence[Outcome], points: int = 120) -> Curve:
    """Curve of valid outcomes of one (cell, detector, stage, label)."""
    grid = curves.threshold_grid(outcomes, points)
    detection = [None] * 3
    if any(outcome.targets for outcome in outcomes):
        clusters = target_clusters(outcomes)
        samples = [sample(curves.detections(outcomes, t), clusters) for t in grid]
        bounds = [found.bounds() for found in samples]
        detection = [[s.rate for s in samples], [b.low for b in bounds], [b.high for b in bounds]]
    alarms = [None] * 3
    heard = exposure(outcomes)
    if heard.distinct_hours > 0:
        counts = curves.false_alarm_counts(outcomes, grid)
        clumps = curves.false_alarm_clumps(outcomes, grid)
        bounds = [
            per_day_bounds(*one, heard.hours, heard.distinct_hours)
            for one in zip(counts.astype(float), *(part.astype(float) for part in clumps), strict=True)
        ]
        low, high = ([getattr(b, side) / HOURS_A_DAY for b in bounds] for side in ("low", "high"))
        alarms = [[float(c) / heard.hours for c in counts], low, high]
    return Curve([float(t) for t in grid], *detection, *alarms)
