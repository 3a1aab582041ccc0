"""What a campaign has found: each row of its plan judged over all its cells together, for every detector of the build and each stage of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lab.runs.beside import PRESENCE, Told, alarms_of_others, presence_of_motions
from lab.runs.campaign import Campaign, stored
from lab.runs.counted import with_counts
from lab.runs.evidence import EvidenceRow
from lab.runs.split import by_drawn
from lab.scenario.trial import Shares
from lab.scoring.outcome import Outcome
from lab.store.records import TrialRecord
from lab.verdicts import judge
from lab.verdicts.intervals import CONFIDENCE, INTERIM
from lab.verdicts.latency import median_bounds
from lab.verdicts.paired import Difference, RangeRatio, difference, range_ratio

RESAMPLES = 10_000
# (detector, stage, seeds) -> whether the plan was changed after a look at what it had asked for of a row.
Grown = Callable[[str, str, Sequence[int]], bool]


def never(detector: str, stage: str, seeds: Sequence[int]) -> bool:
    return False


@dataclass(frozen=True)
class Finding:
    """detector, stage: whose. result: of all cells of the row together, the scenario's limit held against it, with what the detector
    counted and the published hours of earlier draws. duty: share of the time in which it listened. played_hours: of the trials stored
    here, played of them, in so many `rooms`, see `lab.scenario.trial.Shares`: cells share their draws. seeds: of all draws that count.
    complete: whether all that the plan asks for is there; before, verdicts take bounds of INTERIM, and so they do where `grown`: the
    plan was changed after a look, or less is asked for than there is. median_s: bounds by which the median time to a detection is
    judged. occupied_duty: of the time with somebody there, as it says itself, that in which its tone was in the air, and the bounds by
    which it is judged; None where it says nothing of it. present: whether who makes a major motion is called present as well. alarmed:
    trials stored here with a false alarm. others: false alarms of other labels where nobody is, and how many a day at most. worst: of
    several cells the one with the fewest events found, as what tells it from the others, found, events. by: the row's counts by what
    was drawn, see `lab.runs.split`.
    """

    row: EvidenceRow
    detector: str
    stage: str
    build_hash: str
    result: judge.Row
    duty: float
    played_hours: float
    played: int
    rooms: int
    seeds: tuple[int, ...]
    complete: bool
    grown: bool
    median_s: tuple[float, float]
    occupied_duty: tuple[float, float, float] | None
    present: Told | None
    alarmed: int
    others: dict[str, tuple[int, float]]
    worst: tuple[str, int, int] | None
    by: dict[str, tuple[int, int]]


def findings(campaign: Campaign, row: EvidenceRow, grown: Grown = never) -> list[Finding]:
    """One for each stage of each detector that reports the row's label; none where nothing is measured."""
    limits = {(one.metric, one.at_least, one.at_most): replace(one, where={}) for one in row.limits}
    found = []
    room = row.scenario.first.room
    rooms = Shares(room.bank, room.placements)
    records = [replace(record, tracks=(), events=()) for record in stored(campaign, row)]
    asked, there = _asked(campaign, row), {(record.cell_key, record.index) for record in records}
    complete = asked <= there
    unheard = len(row.cells) - len({record.cell_key for record in records})
    plan = campaign.plan
    for (detector, stage), outcomes in _outcomes(row, records).items():
        played = [o for o in outcomes if o.invalid is None]
        duration_s = row.scenario.first.duration_s * len(played)
        listened_s = sum(o.free_s for o in outcomes)
        before = campaign.published.exposure(row, detector, stage)
        seeds = (*(plan.counted_with_of(row) if before.hours else ()), plan.seed_of(row))
        grew = grown(detector, stage, seeds) or not there <= asked
        confidence = CONFIDENCE if complete and not grew else INTERIM
        result = judge.judge_cell(outcomes, tuple(limits.values()), before)
        if confidence == INTERIM:
            strict = judge.judge_cell(outcomes, tuple(limits.values()), before, INTERIM)
            barred = f"{unheard} of the row's kinds were not heard yet" if unheard else ""
            accept = [
                judge.interim(*pair, barred, needed_of(complete))
                for pair in zip(result.accept, strict.accept, strict=True)
            ]
            result = replace(result, accept=accept)
        nobody = plan.tests(detector) and row.spec.label == PRESENCE and row.spec.hours is not None
        found.append(
            Finding(
                row=row,
                detector=detector,
                stage=stage,
                build_hash=row.build.parts[detector],
                result=with_counts(result, records, confidence),
                duty=listened_s / duration_s if duration_s else float("nan"),
                played_hours=duration_s / 3600.0,
                played=len(played),
                rooms=len({rooms.room_index(o.index) for o in played}),
                seeds=seeds,
                complete=complete,
                grown=grew,
                median_s=_all_heard(median_bounds(outcomes, confidence), unheard),
                occupied_duty=_occupied_duty(records, detector, confidence, unheard),
                present=presence_of_motions(campaign, row, detector, records)
                if plan.tests(detector)
                else None,
                alarmed=sum(bool(o.false_alarms) for o in outcomes),
                others=alarms_of_others(records, detector, row.spec.label) if nobody else {},
                worst=_worst(row, outcomes),
                by=_by(row, records, detector, stage),
            )
        )
    return found


def _asked(campaign: Campaign, row: EvidenceRow) -> set[tuple[str, int]]:
    """Cell and number of the trials that are to be there before a row is looked at, those included that other rows want of its cells."""
    own, place = {cell.key for cell in row.cells}, (campaign.folder(row), row.scenario.id)
    return {
        (cell.key, index)
        for other in campaign.plan.rows
        if (campaign.folder(other), other.scenario.id) == place
        for cell in other.cells
        if cell.key in own
        for index in range(campaign.wanted(other))
    }


def _worst(row: EvidenceRow, outcomes: Iterable[Outcome]) -> tuple[str, int, int] | None:
    tells = sorted(
        {
            key
            for cell in row.cells
            for key in cell.values
            if len({str(c.values.get(key)) for c in row.cells}) > 1
        }
    )
    found: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.invalid is None:
            told = ", ".join(f"{key} {outcome.cell[key]}" for key in tells if key in outcome.cell)
            found[told] += [target.detected(outcome.rule.threshold) for target in outcome.targets]
    rates = {told: np.mean(hits) for told, hits in found.items() if hits}
    if len(rates) < 2:
        return None
    least = min(rates, key=lambda told: rates[told])
    return least, sum(found[least]), len(found[least])


def _by(
    row: EvidenceRow, records: Iterable[TrialRecord], detector: str, stage: str
) -> dict[str, tuple[int, int]]:
    if row.spec.by is None:
        return {}
    expected = row.spec.label in row.scenario.first.expect.labels
    return by_drawn(row.spec.by, records, (detector, stage, row.spec.label), expected)


def needed_of(complete: bool) -> str:
    """What a row takes whose verdict does not hold yet. complete: all is there, but more is asked for than when it was looked at first."""
    if complete:
        return "draws of another seed: the plan was changed after a look,"
    return "the rest of what is planned:"


def _all_heard(bounds: tuple[float, float], unheard: int) -> tuple[float, float]:
    """Bounds of what is asked at most, which may be missed but not met while nothing is there of some cells."""
    return (bounds[0], math.inf) if unheard else bounds


def _occupied_duty(
    records: Iterable[TrialRecord], detector: str, confidence: float, unheard: int
) -> tuple[float, float, float] | None:
    """Share, and bounds of a bootstrap over draws: trials of one index share person and room, whatever their cell."""
    keys = [f"{detector}.{name}" for name in ("occupied_tone_s", "occupied_s")]
    drawn: dict[int, NDArray] = {}
    for record in records:
        if record.invalid is None:
            own = np.array([record.measured.get(key, 0.0) for key in keys])
            drawn[record.index] = drawn.get(record.index, 0.0) + own
    seconds = np.array(list(drawn.values())).reshape(-1, 2)
    if not seconds[:, 1].sum() > 0.0:
        return None
    picks = np.random.default_rng(1).integers(0, len(seconds), (RESAMPLES, len(seconds)))
    tone, occupied = (seconds[picks, k].sum(axis=1) for k in range(2))
    low, high = np.quantile(tone / np.maximum(occupied, 1e-9), [1.0 - confidence, confidence])
    own = seconds.sum(axis=0)
    return float(own[0] / own[1]), *_all_heard((float(low), float(high)), unheard)


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
    found: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for record in records:
        for kept in record.outcomes:
            outcome = Outcome.from_json(kept)
            if outcome.rule.label == row.spec.label:
                found[outcome.rule.detector, outcome.rule.stage].append(
                    outcome.asked(row.scenario.first.expect.labels)
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
