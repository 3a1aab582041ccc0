"""From stored trials to the results document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from types import MappingProxyType

from detectors.interface import DUT
from lab.bench.protocol import Origin
from lab.corpora.split import Split
from lab.runs.counted import with_counts
from lab.runs.looks import Looks
from lab.runs.plan import EVERY, NotRun, Planned
from lab.runs.surroundings import surroundings
from lab.scenario.model import Limit as AskedLimit
from lab.scenario.model import Scenario
from lab.scenario.trial import Cell
from lab.scoring.outcome import Outcome
from lab.sources.library import audio_hours
from lab.sources.segments import Segment, distinct_seconds
from lab.store.records import RunRecord, TrialRecord
from lab.store.results import CellTrials, Environment, Results, Row, ScenarioResult, UnjudgedLimit
from lab.store.store import Store
from lab.verdicts.decisions import worst
from lab.verdicts.judge import judge_scenario
from lab.verdicts.limits import Limit
from lab.verdicts.planned import NO_BENCH, CellPlan, unjudged_in

NO_LOOKS: Looks = MappingProxyType({})
BENCHED = (Origin.EMULATED, Origin.MEASURED)


def summarise(
    store: Store,
    run: RunRecord,
    planned: Sequence[Planned],
    environment: Environment,
    origin: Origin = Origin.SIMULATED,
    scope: str | None = None,
    looks: Looks = NO_LOOKS,
    not_run: Sequence[NotRun] = (),
) -> Results:
    """Judge every scenario of a run from what is stored; trials beyond the planned number are left out.

    scope: see `lab.store.results.ScenarioResult`. looks: with the one that this is. not_run: with their reasons.
    """
    scenarios = []
    for one in planned:
        reasons = Counter(left.reason for left in not_run if left.scenario == one.scenario.id)
        found = _scenario(store, run, one, origin, scope, looks.get(one.scenario.id, ()))
        scenarios.append(found.model_copy(update={"not_run_reasons": dict(reasons)}))
    return Results(
        run=run.id,
        started=run.started,
        wall_s=0.0,
        verdict=worst([scenario.verdict for scenario in scenarios if scenario.verdict != "reported"]),
        scenarios=scenarios,
        environment=environment,
    )


def _scenario(
    store: Store, run: RunRecord, one: Planned, origin: Origin, scope: str | None, looks: Sequence[int]
) -> ScenarioResult:
    scenario = one.scenario
    by_cell: dict[str, list[TrialRecord]] = {cell.key: [] for cell in scenario.cells()}
    for record in store.trials(run.id, scenario.id, scenario.hash):
        if record.cell_key in by_cell and record.index < one.trials_per_cell:
            by_cell[record.cell_key].append(record)
    media = {source.name for source in scenario.first.sources if source.kind == "media"}
    outcomes = [outcome for records in by_cell.values() for outcome in outcomes_of_cell(records, media)]
    outcomes = [outcome.asked(scenario.first.expect.labels) for outcome in outcomes]
    cells, asked = _cell_plans(store, run, one), limits(scenario.first.accept)
    if not cells:  # nothing is planned, so nothing is judged
        asked = []
    # Only a bench can hear what a device reports of itself; elsewhere its limits are told, and keep nothing from passing.
    absent = [limit for limit in asked if limit.stage == DUT and origin not in BENCHED]
    asked = [limit for limit in asked if limit not in absent]
    judgement = judge_scenario(outcomes, asked, cells, grown=len(looks) > 1)
    left = [
        *judgement.unjudged,
        *(unjudged_in(limit, [plan.cell for plan in cells], NO_BENCH) for limit in absent),
    ]
    return ScenarioResult(
        id=scenario.id,
        title=scenario.title,
        path=str(scenario.path),
        tags=list(scenario.tags),
        hash=scenario.hash,
        origin=origin.value,
        seed=run.seed,
        split=scenario.first.split,
        trials=judgement.trials,
        invalid=judgement.invalid,
        invalid_reasons=judgement.invalid_reasons,
        verdict=judgement.verdict,
        audio_hours=_audio_hours(scenario.first),
        scope=_scope(scope, scenario.first.split),
        results=[
            Row.model_validate(asdict(with_counts(row, by_cell[Cell(row.cell).key])))
            for row in judgement.rows
        ],
        planned=one.trials if cells else None,
        not_run=sum(cell.not_run for cell in judgement.cells),
        cells=[CellTrials(**asdict(cell)) for cell in judgement.cells],
        unjudged=[UnjudgedLimit(**asdict(limit)) for limit in left],
        looks=list(looks),
        surroundings=surroundings((record for records in by_cell.values() for record in records), origin),
    )


def _cell_plans(store: Store, run: RunRecord, one: Planned) -> list[CellPlan]:
    """Empty where nothing is planned but to judge what there is."""
    if one.trials_per_cell == EVERY:
        return []
    withdrawn = store.withdrawn(run.id, one.scenario.id, one.scenario.hash)
    repeated = Counter(
        trial.cell_key for trial in withdrawn if trial.invalid is None and trial.index < one.trials_per_cell
    )
    return [CellPlan(cell.values, one.trials_per_cell, repeated[cell.key]) for cell in one.scenario.cells()]


def _scope(scope: str | None, split: str) -> str | None:
    """What is found on another split than `test` chooses a detector; it is no evidence for one."""
    parts = [] if scope is None else [scope]
    if split != Split.TEST:
        parts.append(f"{split} split: no evidence")
    return ", ".join(parts) or None


def _audio_hours(spec: Scenario) -> float | None:
    """Hours of different audio that the media of a scenario can draw on; None when any of it has no end."""
    hours = [audio_hours(s.corpus, s.classes, spec.split) for s in spec.sources if s.kind == "media"]
    return None if not hours or None in hours else max(hours)


def outcomes_of_cell(records: Sequence[TrialRecord], media: set[str]) -> list[Outcome]:
    """Outcomes of a cell's trials, their distinct time scaled to what no other trial of the cell plays.

    media: names of the sources whose audio is exposure; what noise is made of is not.
    """
    segments = [
        Segment(**stored) for record in records for stored in record.segments if stored["source"] in media
    ]
    heard = sum(segment.duration_s for segment in segments)
    novelty = min(1.0, distinct_seconds(segments) / heard) if heard > 0 else 1.0
    outcomes = [Outcome.from_json(stored) for record in records for stored in record.outcomes]
    return [replace(o, distinct_free_s=o.distinct_free_s * novelty) for o in outcomes]


def limits(asked: Sequence[AskedLimit]) -> list[Limit]:
    """The limits of a scenario, as verdicts take them."""
    return [Limit(**one.model_dump()) for one in asked]
