"""Counts of one row of results, and what the counts of several seeds amount to together."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from lab.store.results import Record, Row, Scalar
from lab.verdicts.clusters import Sample
from lab.verdicts.exposure import clumps, per_day_bounds
from lab.verdicts.intervals import Bounds


class Counts(Record):
    """Counts of one (cell, detector, stage, label). `threshold` is the build's. Hours are target-free hours. active_squared_s2, longest_s,
    count_squared, most: see `lab.verdicts.exposure.Exposure`; silent: trials without an event that alarmed, and all of them.
    None where they were not kept."""

    cell: dict[str, Scalar]
    detector: str
    stage: str
    label: str
    threshold: float
    detected: int = 0
    trials: int = 0
    effective_trials: float = 0.0
    clusters: int = 0
    false_alarms: int = 0
    hours: float = 0.0
    distinct_hours: float = 0.0
    active_hours: float = 0.0
    active_squared_s2: float | None = None
    longest_s: float | None = None
    count_squared: float | None = None
    most: int | None = None
    silent: tuple[int, int] | None = None

    @model_serializer(mode="wrap")
    def _without_what_was_not_kept(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {key: value for key, value in write(self).items() if value is not None}

    @property
    def row(self) -> tuple[str, ...]:
        return (json.dumps(self.cell, sort_keys=True), self.detector, self.stage, self.label)

    @property
    def clumps(self) -> tuple[float, int]:
        return clumps(self.false_alarms, self.count_squared, self.most)

    @property
    def detection_bounds(self) -> Bounds | None:
        """One-sided 95 % bounds of the detection rate; None without trials."""
        if not self.trials:
            return None
        return Sample(self.detected, self.trials, self.effective_trials, self.clusters).bounds()

    @property
    def false_alarms_per_day(self) -> Bounds | None:
        """One-sided 95 % bounds; repeated audio adds no certainty, nor do several alarms of one trial. None without hours."""
        if not self.hours:
            return None
        return per_day_bounds(self.false_alarms, *self.clumps, self.hours, self.distinct_hours)


def counts_of(row: Row) -> Counts:
    found: dict[str, Any] = {}
    if row.detection:
        d = row.detection
        found |= {
            "detected": d.detected,
            "trials": d.trials,
            "effective_trials": d.effective_trials,
            "clusters": d.clusters,
        }
    if row.false_alarms:
        f = row.false_alarms
        found |= {"false_alarms": f.count, "hours": f.hours, "distinct_hours": f.distinct_hours}
        found["active_hours"] = f.active_fraction * f.hours
        if f.active_squared_s2 is not None and f.longest_s is not None:
            found |= {"active_squared_s2": f.active_squared_s2, "longest_s": f.longest_s}
        if f.count > 1 and f.count_squared is not None and f.most is not None:
            found |= {"count_squared": f.count_squared, "most": f.most}
    for metric in row.metrics:
        if metric.name == "false_alarm_rate":
            found["silent"] = (round(metric.value * metric.n), metric.n)
    return Counts(
        cell=row.cell,
        detector=row.detector,
        stage=row.stage,
        label=row.label,
        threshold=row.threshold,
        **found,
    )


def pooled(parts: list[Counts], audio_hours: float | None) -> Counts:
    """The sum of several seeds, with no more certainty than it can hold.

    Seeds may share rooms and recordings, and the counts do not say which; all are taken to share them. The
    correlation within clusters, rho = (deff - 1) / (m - 1) with m trials a cluster, is the largest that any
    seed showed; the sum has deff = 1 + (M - 1) rho with M trials a cluster (Kish, Survey Sampling, 1965, ch. 5),
    and never less than a seed had.

    parts: one for each seed, of the same row. audio_hours: hours of different audio there are for the scenario,
    None when generated without end.
    """
    detected, trials = sum(p.detected for p in parts), sum(p.trials for p in parts)
    clusters = max(p.clusters for p in parts)
    effective = float(clusters)  # trials all alike show no variance and count as their clusters
    if 0 < detected < trials:
        rho = max(_correlation(p) for p in parts)
        effective = trials / max([1 + max(0.0, trials / clusters - 1) * rho, *map(_design_effect, parts)])
    return parts[0].model_copy(
        update={
            "detected": detected,
            "trials": trials,
            "effective_trials": effective,
            "clusters": clusters,
            "false_alarms": sum(p.false_alarms for p in parts),
            "hours": sum(p.hours for p in parts),
            "distinct_hours": _distinct_hours(parts, audio_hours),
            "active_hours": sum(p.active_hours for p in parts),
            "active_squared_s2": sum(_bouts(p)[0] for p in parts),
            "longest_s": max(_bouts(p)[1] for p in parts),
            "count_squared": sum(p.clumps[0] for p in parts),
            "most": max(p.clumps[1] for p in parts),
            "silent": _silent(parts),
        }
    )


def _bouts(counts: Counts) -> tuple[float, float]:
    """Sum of the squares of the bouts in s^2, and how long one may be in s: where it was not kept, one bout of all the active time."""
    if counts.active_squared_s2 is None or counts.longest_s is None:
        active_s = 3600.0 * counts.active_hours
        return active_s**2, active_s
    return counts.active_squared_s2, counts.longest_s


def _silent(parts: list[Counts]) -> tuple[int, int] | None:
    known = [p.silent for p in parts if p.silent is not None]
    if len(known) < len(parts):
        return None
    return sum(alarmed for alarmed, _ in known), sum(trials for _, trials in known)


def _design_effect(counts: Counts) -> float:
    """Trials over effective trials; 1 where trials all alike leave it unknown."""
    return counts.trials / counts.effective_trials if 0 < counts.detected < counts.trials else 1.0


def _correlation(counts: Counts) -> float:
    """Intraclass correlation that the effective number of trials of one seed speaks of, in [0, 1]."""
    if counts.clusters >= counts.trials:
        return 0.0
    excess = _design_effect(counts) - 1
    return min(1.0, max(0.0, excess / (counts.trials / counts.clusters - 1)))


def _distinct_hours(parts: list[Counts], audio_hours: float | None) -> float:
    """Hours of different audio in all seeds together: the expectation when each draws its own share blindly."""
    distinct = [p.distinct_hours for p in parts]
    if audio_hours and len(parts) > 1:
        return audio_hours * (1 - math.prod(max(0.0, 1 - hours / audio_hours) for hours in distinct))
    if any(p.distinct_hours < 0.999 * p.hours for p in parts):
        return max(distinct)  # a seed heard audio twice: there is no more than it heard
    return math.fsum(distinct)
