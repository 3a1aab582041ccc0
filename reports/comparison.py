"""Two runs side by side, cell by cell, with an exact test of every difference.

Only like is compared with like: the same scenario content, origin, cell and subject. Trials of one seed share their
rooms and clips, which these tests do not use; they are therefore cautious. Audio heard twice adds nothing, nor do several alarms of one trial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest, fisher_exact, norm

from lab.store.results import Detection, FalseAlarms, Results, Row, ScenarioResult
from lab.verdicts.exposure import clumps
from reports.panels import MIN_HOURS, Subject, listened_h
from reports.words import cell_words, rate

SIGNIFICANT = 0.05
DETECTION = "detection rate"
FALSE_ALARMS = "false alarms per day"


@dataclass(frozen=True)
class Change:
    """One figure of one cell in both runs.

    before, after: (value, how it was counted). low, high: 95 % interval of the difference, None for false alarms.
    p: exact two-sided. adjusted: p by Holm's method over every change of the comparison.
    """

    cell: dict
    subject: Subject
    measure: str
    before: tuple[float, str]
    after: tuple[float, str]
    low: float | None
    high: float | None
    p: float
    adjusted: float = 1.0

    @property
    def difference(self) -> float:
        return self.after[0] - self.before[0]

    @property
    def word(self) -> str:
        """`better`, `worse`, or `no clear change`."""
        if self.adjusted >= SIGNIFICANT:
            return "no clear change"
        return "better" if (self.difference > 0) == (self.measure == DETECTION) else "worse"


@dataclass(frozen=True)
class ScenarioChange:
    """refused: why the two cannot be compared, None when they can."""

    id: str
    before: ScenarioResult | None
    after: ScenarioResult | None
    changes: tuple[Change, ...] = ()
    refused: str | None = None


def compare(before: Results, after: Results) -> list[ScenarioChange]:
    """Every scenario of either run, in the order of `after`."""
    old = {scenario.id: scenario for scenario in before.scenarios}
    new = {scenario.id: scenario for scenario in after.scenarios}
    several = {
        one for run in (before, after) for one, n in Counter(s.id for s in run.scenarios).items() if n > 1
    }
    pairs = [
        ScenarioChange(name, old.get(name), new.get(name), refused="was run several times in one of the two")
        if name in several
        else _pair(name, old.get(name), new.get(name))
        for name in dict.fromkeys([*new, *old])
    ]
    adjusted = iter(holm([change.p for pair in pairs for change in pair.changes]))
    return [
        replace(pair, changes=tuple(replace(change, adjusted=next(adjusted)) for change in pair.changes))
        for pair in pairs
    ]


def told(pair: ScenarioChange, change: Change) -> str:
    """One change in a line."""
    (before, counted), (after, counted_now) = change.before, change.after
    return (
        f"{pair.id}, {cell_words(change.cell)}: {change.measure}, {change.subject}: "
        f"{rate(before)} ({counted}) before, {rate(after)} ({counted_now}) now"
    )


def _pair(name: str, old: ScenarioResult | None, new: ScenarioResult | None) -> ScenarioChange:
    if old is None or new is None:
        return ScenarioChange(
            name, old, new, refused="only in " + ("this run" if old is None else "the other run")
        )
    if old.origin != new.origin:
        return ScenarioChange(name, old, new, refused=f"other origin: {old.origin} before, {new.origin} now")
    if old.hash != new.hash:
        return ScenarioChange(
            name, old, new, refused=f"the scenario changed: {old.hash[:12]} before, {new.hash[:12]} now"
        )
    known = {_key(row): row for row in old.results}
    changes: list[Change] = []
    if not any(_key(row) in known for row in new.results):
        return ScenarioChange(name, old, new, refused="no cell in common")
    for row in new.results:
        other = known.get(_key(row))
        if other is None:
            continue
        subject = Subject(row.detector, row.stage, row.label)
        if other.detection and row.detection:
            changes.append(_detection_change(row.cell, subject, other.detection, row.detection))
        if min(listened_h(other), listened_h(row)) >= MIN_HOURS:
            changes.append(_false_alarm_change(row.cell, subject, other.false_alarms, row.false_alarms))
    return ScenarioChange(name, old, new, tuple(changes))


def _key(row: Row) -> tuple:
    return (frozenset(row.cell.items()), row.detector, row.stage, row.label)


def _detection_change(cell: dict, subject: Subject, old: Detection, new: Detection) -> Change:
    before, after = _effective(old), _effective(new)
    table = [[before[0], before[1] - before[0]], [after[0], after[1] - after[0]]]
    low, high = newcombe(*before, *after)
    return Change(
        cell,
        subject,
        DETECTION,
        (old.rate, f"{old.detected} of {old.trials}"),
        (new.rate, f"{new.detected} of {new.trials}"),
        low,
        high,
        float(fisher_exact(table).pvalue),
    )


def _false_alarm_change(cell: dict, subject: Subject, old: FalseAlarms, new: FalseAlarms) -> Change:
    events = _events((old, new))
    return Change(
        cell,
        subject,
        FALSE_ALARMS,
        (old.per_day, f"{old.count} in {old.hours:.3g} h"),
        (new.per_day, f"{new.count} in {new.hours:.3g} h"),
        None,
        None,
        rate_test(events[0], old.distinct_hours, events[1], new.distinct_hours),
    )


def _events(found: Sequence[FalseAlarms]) -> list[int]:
    """False alarms of each run as if every event had one cause and were heard once: in proportion to the distinct hours, and a cause taken to
    bring as many as it does in the run where it brings more (sum of squares over sum; all of a run's where that was not kept)."""
    causes = [clumps(one.count, one.count_squared, one.most)[0] / one.count for one in found if one.count]
    most = max(causes, default=1.0)
    return [round(one.count * one.distinct_hours / one.hours / most) for one in found]


def _effective(detection: Detection) -> tuple[int, int]:
    """(detected, trials) as if trials were independent: scaled to their effective number."""
    trials = max(1, round(min(detection.effective_trials, detection.trials)))
    return round(detection.rate * trials), trials


def newcombe(k1: int, n1: int, k2: int, n2: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided interval of p2 - p1 from two independent proportions.

    Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10 (hybrid score).
    """
    p1, p2 = k1 / n1, k2 / n2
    (low1, high1), (low2, high2) = _wilson(p1, n1, confidence), _wilson(p2, n2, confidence)
    difference = p2 - p1
    return (
        difference - float(np.hypot(p2 - low2, high1 - p1)),
        difference + float(np.hypot(high2 - p2, p1 - low1)),
    )


def _wilson(p: float, n: int, confidence: float) -> tuple[float, float]:
    z = float(norm.ppf(0.5 + confidence / 2))
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float(centre - half), float(centre + half)


def rate_test(count1: int, hours1: float, count2: int, hours2: float) -> float:
    """Exact two-sided p for two Poisson rates being one: given the sum, the first count is binomial in hours."""
    total = count1 + count2
    if total == 0 or hours1 <= 0 or hours2 <= 0:
        return 1.0
    return float(binomtest(count1, total, hours1 / (hours1 + hours2)).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values that hold the chance of any false claim among them (Holm, 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = worst
    return adjusted
