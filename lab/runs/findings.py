"""What a campaign has found: each row of its plan judged over all its cells together, for every detector of the build and each stage of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from lab.runs.campaign import Campaign, stored
from lab.runs.counted import with_counts
from lab.runs.evidence import EvidenceRow
from lab.scoring.outcome import Outcome
from lab.store.records import TrialRecord
from lab.verdicts import judge
from lab.verdicts.paired import Difference, RangeRatio, difference, range_ratio


@dataclass(frozen=True)
class Finding:
    """detector, stage: whose. result: of all cells of the row together, the scenario's limit held against it, with what the detector
    counted and the published hours of earlier draws. duty: share of the time in which it listened. played_hours: of the trials stored
    here. seeds: of all draws that count. occupied_duty: of the time with somebody there, as it says itself, that in which its tone was in
    the air; None where it says nothing of it."""

    row: EvidenceRow
    detector: str
    stage: str
    build_hash: str
    result: judge.Row
    duty: float
    played_hours: float
    seeds: tuple[int, ...]

    @property
    def occupied_duty(self) -> float | None:
        counts = {metric.name: metric.n for metric in self.result.metrics}
        occupied_s = counts.get("occupied_s_per_day", 0)
        return counts.get("occupied_tone_s_per_day", 0) / occupied_s if occupied_s else None


def findings(campaign: Campaign, row: EvidenceRow) -> list[Finding]:
    """One for each stage of each detector that reports the row's label; none where nothing is measured."""
    limits = {(one.metric, one.at_least, one.at_most): replace(one, where={}) for one in row.limits}
    found = []
    records = [replace(record, tracks=(), events=()) for record in stored(campaign, row)]
    for (detector, stage), outcomes in _outcomes(row, records).items():
        duration_s = row.scenario.first.duration_s * sum(o.invalid is None for o in outcomes)
        listened_s = sum(o.free_s for o in outcomes)
        before = campaign.published.exposure(row, detector, stage)
        result = judge.judge_cell(outcomes, tuple(limits.values()), before)
        found.append(
            Finding(
                row=row,
                detector=detector,
                stage=stage,
                build_hash=row.build.parts[detector],
                result=with_counts(result, records),
                duty=listened_s / duration_s if duration_s else float("nan"),
                played_hours=duration_s / 3600.0,
                seeds=(*(campaign.plan.counted_with if before.hours else ()), campaign.plan.seed),
            )
        )
    return found


def units(campaign: Campaign, row: EvidenceRow, key: str = "number") -> dict[int, Difference]:
    """Unit -> its rate less that of unit 0 on the same trials."""
    hits = _hits(campaign, row, key)
    nominal = hits.pop(0, {})
    found = {}
    for unit, own in sorted(hits.items()):
        both = sorted(set(own) & set(nominal))
        found[unit] = difference([own[i] for i in both], [nominal[i] for i in both])
    return found


def ranges(campaign: Campaign, row: EvidenceRow, reference: EvidenceRow, asked: float) -> RangeRatio | None:
    """The range of a row relative to that of another with the same distances; None where either has nothing yet."""
    parts = []
    for one in (row, reference):
        hits = _hits(campaign, one, "distance_m")
        common = sorted(set.intersection(*(set(by) for by in hits.values()))) if hits else []
        if not common or len(hits) < len(one.cells):
            return None
        parts.append({d: {i: by[i] for i in common} for d, by in hits.items()})
    both = sorted(set(next(iter(parts[0].values()))) & set(next(iter(parts[1].values()))))
    if not both:
        return None
    own, other = ({d: [by[i] for i in both] for d, by in part.items()} for part in parts)
    return range_ratio(own, other, asked)


def _outcomes(row: EvidenceRow, records: Iterable[TrialRecord]) -> dict[tuple[str, str], list[Outcome]]:
    """Detector and stage -> the outcomes of the row's label."""
    expected = row.spec.label in row.scenario.first.expect.labels
    found: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for record in records:
        for kept in record.outcomes:
            outcome = Outcome.from_json(kept)
            if outcome.rule.label == row.spec.label:
                found[outcome.rule.detector, outcome.rule.stage].append(
                    outcome if expected else replace(outcome, targets=())
                )
    return dict(found)


def _hits(campaign: Campaign, row: EvidenceRow, key: str) -> dict[float, dict[int, bool]]:
    """Cell value -> trial -> whether its target was detected by the first stage of the detector under test."""
    under_test = [
        outcomes
        for (name, _), outcomes in _outcomes(row, stored(campaign, row)).items()
        if campaign.plan.tests(name)
    ]
    found = defaultdict(dict)
    for outcome in under_test[0] if under_test else ():
        if outcome.invalid is None and outcome.targets:
            hit = np.all([target.detected(outcome.rule.threshold) for target in outcome.targets])
            found[outcome.cell[key]][outcome.index] = bool(hit)
    return dict(found)
