"""From outcomes to rows of results and the verdict of a scenario.

The dataclasses have the field names of `lab.store.results`, so that `dataclasses.asdict` is all it
takes to store them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lab.scoring import curves
from lab.scoring.outcome import Outcome
from lab.scoring.records import Scalar
from lab.verdicts import decisions, latency
from lab.verdicts.bands import Curve, curve
from lab.verdicts.clusters import Sample, sample, target_clusters, trial_clusters
from lab.verdicts.decisions import Decision, Verdict
from lab.verdicts.exposure import NOTHING, Exposure, exposure
from lab.verdicts.intervals import CONFIDENCE, INTERIM
from lab.verdicts.limits import Limit, Subject, check_limits, with_labels
from lab.verdicts.planned import CellPlan, CellTrials, UnjudgedLimit, cell_trials, unjudged


@dataclass(frozen=True)
class Detection:
    detected: int
    trials: int
    effective_trials: float
    clusters: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class FalseAlarms:
    count: int
    hours: float
    distinct_hours: float
    per_day: float
    per_day_low: float
    per_day_high: float
    active_fraction: float
    active_squared_s2: float
    longest_s: float
    count_squared: float
    most: int


@dataclass(frozen=True)
class Latency:
    p50: float
    p95: float


@dataclass(frozen=True)
class Metric:
    name: str
    value: float
    low: float | None
    high: float | None
    n: int
    unit: str


@dataclass(frozen=True)
class Accept:
    metric: str
    label: str
    where: dict[str, Scalar]
    limit: str
    bound: float | None
    verdict: Verdict
    needed: str | None = None
    confidence: float = CONFIDENCE


@dataclass(frozen=True)
class Row:
    """One (cell, detector, stage, label); see `lab.store.results.Row`."""

    cell: dict[str, Scalar]
    detector: str
    stage: str
    label: str
    threshold: float
    detection: Detection | None = None
    false_alarms: FalseAlarms | None = None
    latency_s: Latency | None = None
    curve: Curve | None = None
    metrics: list[Metric] = field(default_factory=list)
    accept: list[Accept] = field(default_factory=list)
    per_clip: dict[str, tuple[int, int]] | None = None


@dataclass(frozen=True)
class Judgement:
    """All rows of a scenario. trials, invalid: over all cells; reasons: why trials are invalid. cells: as planned, empty without a plan."""

    rows: list[Row]
    verdict: Verdict
    trials: int
    invalid: int
    invalid_reasons: dict[str, int]
    cells: list[CellTrials] = field(default_factory=list)
    unjudged: list[UnjudgedLimit] = field(default_factory=list)


@dataclass(frozen=True)
class _Evidence:
    """What one cell offers to a limit."""

    targets: Sample
    silent: Sample
    heard: Exposure
    delays: latency.Delays
    doubt: str | None  # why no verdict may be given


def judge_scenario(
    outcomes: Iterable[Outcome],
    limits: Sequence[Limit] = (),
    planned: Sequence[CellPlan] = (),
    grown: bool = False,
) -> Judgement:
    """Judge every (cell, detector, stage, label); the scenario is as good as its worst limit.

    planned: every cell of the scenario; without any, what was heard is all there is. Limits of a cell that lacks trials cannot pass,
    and fail by a bound of INTERIM; nor does a scenario pass that lacks a trial anywhere, or an answer to a limit. grown: trials were
    added after a look, so that limits take bounds of INTERIM. Raises BadInput for a limit that speaks of no cell, detector or label
    there is.
    """
    groups: dict[tuple, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((_cell_key(outcome.cell), *outcome.key), []).append(outcome)
    members = list(groups.values())
    rules = [group[0].rule for group in members]
    reported = [(rule.detector, rule.label, rule.stage) for rule in rules]
    cells = [plan.cell for plan in planned] or [group[0].cell for group in members]
    if members or not planned:
        check_limits(limits, cells, reported)
    targeted = {o.rule.label for group in members for o in group if o.targets}
    spelled = with_labels(limits, targeted, {group[0].rule.label for group in members})
    heard: dict[tuple, dict[int, str | None]] = {_cell_key(plan.cell): {} for plan in planned}
    for group in members:
        heard.setdefault(_cell_key(group[0].cell), {}).update({o.index: o.invalid for o in group})
    trials = [reason for of_cell in heard.values() for reason in of_cell.values()]
    counts = {
        key: cell_trials(plan, [*heard[key].values()])
        for key, plan in zip(heard, planned, strict=False)  # those that were planned stand first
    }
    usual = INTERIM if grown else CONFIDENCE
    rows = [_planned_row(group, spelled, counts.get(_cell_key(group[0].cell)), usual) for group in members]
    reasons = Counter(reason for reason in trials if reason is not None)
    verdicts = [accept.verdict for row in rows for accept in row.accept]
    told: dict[tuple, list[Subject]] = {}
    for group, subject in zip(members, reported, strict=True):
        told.setdefault(_cell_key(group[0].cell), []).append(subject)
    left = list(unjudged(limits, [(count, told.get(key, [])) for key, count in counts.items()]))
    lacking = any(one.not_run for one in counts.values())
    if left or (lacking and (limits or not trials)):
        verdicts.append(Verdict.INCONCLUSIVE)
    return Judgement(
        rows,
        decisions.worst(verdicts),
        len(trials),
        reasons.total(),
        dict(reasons),
        list(counts.values()),
        left,
    )


def _planned_row(
    group: Sequence[Outcome], limits: Sequence[Limit], count: CellTrials | None, usual: float
) -> Row:
    """usual: confidence that verdicts take where all is there."""
    repeated = 0 if count is None else count.repeated
    row = judge_cell(group, limits, confidence=usual, repeated=repeated)
    if count is None or not count.not_run:
        return row
    strict = judge_cell(group, limits, confidence=INTERIM, repeated=repeated)
    barred = f"{count.not_run} of {count.planned} planned trials were not run"
    accept = [
        replace(interim(one, other, barred), bound=other.bound, confidence=other.confidence)
        for one, other in zip(row.accept, strict.accept, strict=True)
    ]
    return replace(row, accept=accept)


def interim(usual: Accept, strict: Accept, barred: str = "", waits: str = "") -> Accept:
    """What may be said before all is there. usual, strict: by the bounds of CONFIDENCE and of INTERIM. barred: why nothing may pass yet, empty
    where it may. waits: what it takes until the usual verdict holds."""
    if strict.verdict is Verdict.FAIL or (strict.verdict is Verdict.PASS and not barred):
        return replace(usual, verdict=strict.verdict, needed=strict.needed)
    missing = [barred]
    if usual.verdict is Verdict.INCONCLUSIVE:
        missing.append(usual.needed or "")
    else:
        missing.append(f"{waits} as it stands it would {usual.verdict}".lstrip())
    return replace(usual, verdict=Verdict.INCONCLUSIVE, needed="; ".join(filter(None, missing)))


def judge_cell(
    outcomes: Sequence[Outcome],
    limits: Sequence[Limit] = (),
    before: Exposure = NOTHING,
    confidence: float = CONFIDENCE,
    repeated: int = 0,
) -> Row:
    """The row of all outcomes, valid or not, of one (cell, detector, stage, label). before: hours heard of other draws, whose outcomes
    are not at hand. confidence: that verdicts take; bounds that are told have CONFIDENCE. repeated: valid trials that were played again at a
    bench, which weigh as invalid ones."""
    first = outcomes[0]
    detector, stage, label = first.key
    good = curves.valid(outcomes)
    recordings = {name for o in good for name in o.recordings}
    named = all(o.recordings for o in good)
    silent = [o for o in good if not o.targets and o.free_s > 0.0]  # who did not listen was not silent
    evidence = _Evidence(
        targets=sample(curves.detections(good, first.rule.threshold), target_clusters(good)),
        silent=sample(np.array([bool(o.false_alarms) for o in silent]), trial_clusters(silent)),
        heard=exposure(good, before),
        delays=latency.delays(good, confidence),
        doubt=_doubt(outcomes, good, recordings if named else None, repeated),
    )
    few = good and named and len(recordings) < decisions.MIN_RECORDINGS
    return Row(
        cell=dict(first.cell),
        detector=detector,
        stage=stage,
        label=label,
        threshold=first.rule.threshold,
        detection=_detection(evidence.targets),
        false_alarms=_false_alarms(evidence.heard),
        latency_s=Latency(evidence.delays.p50, evidence.delays.p95) if evidence.delays.n else None,
        curve=curve(good) if good else None,
        metrics=_metrics(good, evidence, latency.delays(good)),
        accept=[
            _accept(limit, label, evidence, confidence)
            for limit in limits
            if limit.asks((detector, label, stage)) and limit.matches(first.cell)
        ],
        per_clip=_per_clip(good) if few else None,
    )


def _cell_key(cell: Mapping[str, Scalar]) -> tuple:
    return tuple(sorted((key, type(value).__name__, value) for key, value in cell.items()))


def _doubt(
    outcomes: Sequence[Outcome], good: Sequence[Outcome], recordings: set[str] | None, repeated: int
) -> str | None:
    invalid = len(outcomes) - len(good)
    if invalid + repeated > decisions.MAX_INVALID_SHARE * len(outcomes):
        again = f" and {repeated} valid ones were repeated" if repeated else ""
        return f"{invalid} of {len(outcomes)} trials are invalid{again}, at most 5 % may be"
    if recordings is not None and len(recordings) < decisions.MIN_RECORDINGS:
        return (
            f"at least {decisions.MIN_RECORDINGS} distinct recordings "
            f"(there are {len(recordings)}, see the table per clip in the report; ask for more trials or clips)"
        )
    return None


def _accept(limit: Limit, label: str, evidence: _Evidence, confidence: float) -> Accept:
    if limit.metric == "detection_rate":
        found = decisions.decide_share(evidence.targets, limit, confidence)
    elif limit.metric == "false_alarm_rate":
        found = decisions.decide_share(evidence.silent, limit, confidence)
    elif limit.metric == "false_alarms_per_day":
        found = decisions.decide_exposure(evidence.heard, limit, confidence)
    elif limit.metric == "active_fraction":
        found = decisions.decide_active(evidence.heard, limit, confidence)
    else:
        found = latency.decide_p95(evidence.delays, limit, confidence)
    if evidence.doubt is not None:
        found = Decision(Verdict.INCONCLUSIVE, found.bound, evidence.doubt)
    return Accept(
        limit.metric,
        label,
        dict(limit.where),
        limit.text,
        found.bound,
        found.verdict,
        found.needed,
        confidence,
    )


def _detection(found: Sample) -> Detection | None:
    if not found.trials:
        return None
    bounds = found.bounds()
    return Detection(
        found.successes,
        found.trials,
        found.effective_trials,
        found.clusters,
        found.rate,
        bounds.low,
        bounds.high,
    )


def _false_alarms(heard: Exposure) -> FalseAlarms | None:
    if heard.distinct_hours <= 0:
        return None
    bounds = heard.per_day_bounds()
    return FalseAlarms(
        heard.count,
        heard.hours,
        heard.distinct_hours,
        heard.per_day,
        bounds.low,
        bounds.high,
        heard.active_fraction,
        heard.active_squared_s2,
        heard.longest_s,
        *heard.clumps,
    )


def _metrics(good: Sequence[Outcome], evidence: _Evidence, delays: latency.Delays) -> list[Metric]:
    found = []
    heard, silent, targets = evidence.heard, evidence.silent, evidence.targets
    if heard.distinct_hours > 0:
        bounds = heard.active_bounds()
        found.append(
            Metric("active_fraction", heard.active_fraction, bounds.low, bounds.high, heard.bouts, "1")
        )
    if silent.trials:
        bounds = silent.bounds()
        found.append(Metric("false_alarm_rate", silent.rate, bounds.low, bounds.high, silent.trials, "1"))
    if delays.n:
        found.append(Metric("latency_p95_s", delays.p95, delays.p95_low, delays.p95_high, delays.n, "s"))
    if targets.trials:
        broken = sum(t.guard_violated(o.rule.threshold) for o in good for t in o.targets)
        found.append(Metric("guard_violated", broken / targets.trials, None, None, targets.trials, "1"))
    return found


def _per_clip(good: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    """Recording -> (detected, targets); of trials without targets (trials that alarm, trials)."""
    table: dict[str, tuple[int, int]] = {}
    with_targets = any(o.targets for o in good)
    for outcome in good:
        if with_targets:
            hits = sum(t.detected(outcome.rule.threshold) for t in outcome.targets)
            total = len(outcome.targets)
        else:
            hits, total = int(bool(outcome.false_alarms)), 1
        for name in outcome.recordings:
            have = table.get(name, (0, 0))
            table[name] = (have[0] + hits, have[1] + total)
    return dict(sorted(table.items()))
