"""What of a run was otherwise than its scenarios and its bench ask for, or was decided by a person at the bench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.runs.plan import Planned
from lab.scoring.outcome import Outcome
from lab.store.records import RunRecord, WithdrawnTrial
from lab.store.results import Deviation
from lab.store.store import Store


def deviations(store: Store, run: RunRecord, planned: Sequence[Planned], benches: int) -> list[Deviation]:
    """benches: how many the run was on, see `Environment.rigs`."""
    departures = run.environment.get("departures", {})
    found = [
        Deviation(kind="lifted", what=f"safety limit of the bench lifted for this run: {name}")
        for name in run.environment.get("lifted", ())
    ]
    if benches > 1:
        found.append(Deviation(kind="bench", what="the bench was changed between two parts of the run"))
    for one in planned:
        name = one.scenario.id
        asked = one.scenario.trials_per_cell(None, None)
        if one.trials_per_cell != asked:
            what = f"{one.trials_per_cell} trials a cell, where the scenario asks for {asked}"
            found.append(Deviation(kind="trials", what=what, scenario=name))
        found += [Deviation(kind="bench", what=what, scenario=name) for what in departures.get(name, ())]
        found += [
            Deviation(kind="repeated", what=_repeated(trial, one.scenario.first.expect.labels), scenario=name)
            for trial in store.withdrawn(run.id, name, one.scenario.hash)
        ]
    return found


def _repeated(trial: WithdrawnTrial, labels: Sequence[str]) -> str:
    cell = f", {trial.cell_key}" if trial.cell_key else ""
    told = f"trial {trial.index}{cell} was played again on {trial.at}: {trial.why}; "
    if trial.invalid is not None:
        return f"{told}it was invalid: {trial.invalid}"
    outcomes = [Outcome.from_json(kept).asked(labels) for kept in trial.outcomes]
    return f"{told}it was valid and had found: {'; '.join(_found(outcomes)) or 'nothing'}"


def _found(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        rule, parts = outcome.rule, []
        if outcome.targets:
            hits = sum(target.detected(rule.threshold) for target in outcome.targets)
            parts.append(f"{hits} of {len(outcome.targets)} detected")
        if outcome.false_alarms or not outcome.targets:
            parts.append(f"{len(outcome.false_alarms)} false alarms")
        yield f"{rule.label} by {rule.detector} ({rule.stage}) {', '.join(parts)}"
