"""One trial: the bench plays, the stack listens, scoring holds what it said against the truth."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict

from detectors.errors import DetectorFault
from detectors.interface import DUT, SILENT, Block, StackOutput
from detectors.stack import Stack
from lab.bench.protocol import Bench, CaptureFacts, DeviceReport
from lab.scenario.model import Scenario
from lab.scenario.trial import Trial
from lab.scoring.matching import match_trial
from lab.scoring.records import MatchRule, ScoredTrial
from lab.store.records import TrialRecord


def run_trial(trial: Trial, bench: Bench, stack: Stack) -> TrialRecord:
    """Run one trial to its end and score it. Deterministic but for `wall_s`. A DetectorFault names the trial."""
    try:
        return _run(trial, bench, stack)
    except DetectorFault as fault:
        cell = f"cell {trial.cell.key}, " if trial.cell.key else ""
        raise fault.told(
            f"in scenario {trial.scenario_id}, {cell}trial {trial.index}, seed {trial.seed}"
        ) from None


def _run(trial: Trial, bench: Bench, stack: Stack) -> TrialRecord:
    started = time.perf_counter()
    session = bench.open(trial, stack.needs)
    digest = hashlib.sha256()
    try:
        stack.open(session.formats)
        emission = SILENT
        while (block := session.next(emission)) is not None:
            _add(digest, block)
            emission = stack.feed(block)
        facts = session.facts()
    finally:
        session.close()
    return record(trial, facts, stack, stack.finish(), digest.hexdigest(), time.perf_counter() - started)


def record(
    trial: Trial, facts: CaptureFacts, stack: Stack, output: StackOutput, capture: str, wall_s: float
) -> TrialRecord:
    reported = facts.reported
    tracks, events = output.tracks, output.events
    rules = match_rules(trial.spec, stack)
    if reported is not None:
        tracks, events = (*tracks, *reported.tracks), (*events, *reported.events)
        rules = (*rules, *device_rules(trial.spec, reported))
    scored = ScoredTrial(
        cell=trial.cell.values,
        index=trial.index,
        clusters=facts.clusters,
        duration_s=facts.duration_s,
        distinct_s=facts.distinct_s,
        truth=facts.truth,
        tracks=tracks,
        events=events,
        invalid=facts.invalid,
        recordings=_recordings(trial, facts),
    )
    outcomes = match_trial(scored, rules)
    return TrialRecord(
        scenario_id=trial.scenario_id,
        scenario_hash=trial.scenario_hash,
        cell_key=trial.cell.key,
        cell=dict(trial.cell.values),
        index=trial.index,
        duration_s=facts.duration_s,
        distinct_s=facts.distinct_s,
        invalid=facts.invalid,
        drawn=drawn_values(trial),
        clusters=dict(facts.clusters),
        truth=facts.truth,
        events=events,
        segments=tuple(asdict(segment) for segment in facts.segments),
        measured=dict(facts.measured) | stack.measured,
        capture_sha256=capture,
        outcomes=tuple(outcome.to_json() for outcome in outcomes),
        wall_s=wall_s,
        tracks=tracks,
    )


def match_rules(spec: Scenario, stack: Stack) -> tuple[MatchRule, ...]:
    """One rule for each (detector, label, stage) of the stack, at the build's own threshold."""
    return tuple(
        MatchRule(
            label=label,
            threshold=stack.build[detector].threshold,
            refractory_s=stack.build[detector].refractory_s,
            guard_s=spec.expect.guard_s,
            latency_s=spec.expect.latency_s,
            within_s=spec.expect.within_s,
            early_s=spec.expect.early_s,
            detector=detector,
            stage=stage,
        )
        for detector, label, stage in stack.subjects
    )


def device_rules(spec: Scenario, reported: DeviceReport) -> tuple[MatchRule, ...]:
    """One rule for each label that the device under test reports."""
    return tuple(
        MatchRule(
            label=label,
            threshold=reported.threshold,
            refractory_s=reported.refractory_s,
            guard_s=spec.expect.guard_s,
            latency_s=spec.expect.latency_s,
            within_s=spec.expect.within_s,
            early_s=spec.expect.early_s,
            detector=reported.detector,
            stage=DUT,
        )
        for label in reported.labels
    )


def _recordings(trial: Trial, facts: CaptureFacts) -> tuple[str, ...]:
    """Originals that media sources played; what noise is made of says nothing about the variety of hosts."""
    media = {source.name for source in trial.spec.sources if source.kind == "media"}
    return tuple(sorted({segment.origin for segment in facts.segments if segment.source in media}))


def drawn_values(trial: Trial) -> Mapping[str, object]:
    """The concrete scenario of a trial, without what every trial of the scenario shares."""
    return trial.spec.model_dump(mode="json", exclude={"accept", "expect", "device", "format", "description"})


def _add(digest: hashlib._Hash, block: Block) -> None:
    for name in sorted(block.streams):
        # Time-major, so the digest does not depend on where the bench cut its blocks.
        digest.update(block.streams[name].T.tobytes())
