"""What was reported beside what was asked for: every label in every trial, by what sounded, by recording, by grid point."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.runs.campaign import Campaign, stored
from lab.runs.evidence import EvidenceRow
from lab.scoring.outcome import Outcome
from lab.store.records import TrialRecord


@dataclass
class Heard:
    """Trials of one kind by one stage of the detector under test. labels: in how many of them each was reported. nothing: in how many
    nothing was."""

    what: str
    stage: str
    trials: int = 0
    nothing: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, said: set[str]) -> None:
        self.trials += 1
        self.nothing += not said
        self.labels.update(said)


@dataclass
class GridPoint:
    """values: what was drawn for the source, by key."""

    values: dict[str, float | str]
    stage: str
    detected: int = 0
    trials: int = 0


def reported(campaign: Campaign, rows: Iterable[EvidenceRow]) -> list[Heard]:
    """By scenario and variant, each once however many rows speak of it, in their order."""
    found: dict[tuple[str, str], Heard] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        here = {(row.scenario.id, cell.key) for cell in row.cells} - seen
        for record in stored(campaign, row):
            if (row.scenario.id, record.cell_key) in here and record.invalid is None:
                what = " ".join([row.scenario.id, *map(str, record.cell.values())])
                for stage, said in said_by_stage(campaign, record).items():
                    found.setdefault((what, stage), Heard(what, stage)).add(said)
        seen |= here
    return list(found.values())


def by_recording(campaign: Campaign, rows: Iterable[EvidenceRow]) -> dict[tuple[str, str], list[Heard]]:
    """(scenario and variant, path of a recording) -> what each stage made of it in all the rooms that it was played in."""
    found: dict[tuple[str, str], dict[str, Heard]] = defaultdict(dict)
    seen: set[tuple[str, str]] = set()
    for row in rows:
        here = {(row.scenario.id, cell.key) for cell in row.cells} - seen
        for record in stored(campaign, row):
            if (row.scenario.id, record.cell_key) not in here or record.invalid is not None:
                continue
            kind = " ".join([row.scenario.id, *map(str, record.cell.values())])
            played = {str(one["recording"]) for one in record.segments if one["source"] == "clip"}
            for path in sorted(played):
                for stage, said in said_by_stage(campaign, record).items():
                    found[kind, path].setdefault(stage, Heard(path, stage)).add(said)
        seen |= here
    return {key: list(stages.values()) for key, stages in sorted(found.items())}


def grid(campaign: Campaign, row: EvidenceRow, source: str, keys: tuple[str, ...]) -> list[GridPoint]:
    """Detections of the row's label by what was drawn for `keys` of a source, all cells of the row together."""
    found: dict[tuple, GridPoint] = {}
    for record in stored(campaign, row):
        if record.invalid is not None:
            continue
        drawn = next(one for one in record.drawn["sources"] if one["name"] == source)
        values = {key: drawn[key] for key in keys}
        for outcome in _outcomes(campaign, record):
            if outcome.rule.label != row.spec.label:
                continue
            key = (*values.values(), outcome.rule.stage)
            point = found.setdefault(key, GridPoint(values, outcome.rule.stage))
            for target in outcome.targets:
                point.trials += 1
                point.detected += target.detected(outcome.rule.threshold)
    return [point for _, point in sorted(found.items(), key=lambda one: one[0])]


def said_by_stage(campaign: Campaign, record: TrialRecord) -> dict[str, set[str]]:
    """Stage -> labels reported in a trial: a target found in time, else an alarm anywhere. A target found late is not reported."""
    found: dict[str, set[str]] = {}
    for outcome in _outcomes(campaign, record):
        said = found.setdefault(outcome.rule.stage, set())
        if outcome.false_alarms or any(t.detected(outcome.rule.threshold) for t in outcome.targets):
            said.add(outcome.rule.label)
    return found


def _outcomes(campaign: Campaign, record: TrialRecord) -> Iterable[Outcome]:
    outcomes = (Outcome.from_json(kept) for kept in record.outcomes)
    return (one for one in outcomes if campaign.plan.tests(one.rule.detector))
