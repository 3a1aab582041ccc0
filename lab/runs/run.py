"""The core both front doors call: scenarios in, trials run and stored, results out."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from detectors.build import Build, load_build
from detectors.errors import DetectorError
from detectors.stack import Stack
from lab.bench.physical.operator import Operator
from lab.bench.protocol import Origin
from lab.corpora.audio import check_folder
from lab.errors import BadInput
from lab.runs import on_rig, worker
from lab.runs.deviations import deviations
from lab.runs.environment import as_told, environment_of, here
from lab.runs.examples import write_examples
from lab.runs.looks import KEY as LOOKS
from lab.runs.looks import check_looks, elsewhere, looks_of, with_look
from lab.runs.options import RunOptions
from lab.runs.plan import NotRun, Planned, check_counts, chunks, plan
from lab.runs.pool import run_chunks
from lab.runs.progress import Pace, Progress
from lab.runs.resumed import check_same, going_on, left, results_of, settled
from lab.runs.rig_identity import identities, layout
from lab.runs.summary import limits, summarise
from lab.scenario.load import ScenarioFile, find_scenarios, suite_of
from lab.sources.availability import check_available
from lab.store import results as results_file
from lab.store.records import BatchRecord, RunRecord, RunState, ScenarioRecord, TrialRecord
from lab.store.results import Results
from lab.store.store import Store
from lab.verdicts.limits import Subject, check_limits

__all__ = ["RunOptions", "run_scenarios"]

DEFAULT_SEED = 1


def run_scenarios(
    paths: Sequence[Path],
    options: RunOptions,
    on_progress: Callable[[Progress], None] | None = None,
    operator: Operator | None = None,
) -> Results:
    """Run every trial of the scenarios in `paths` that is not yet stored in `options.out`, then judge.

    Returns what is also written to `out/results.json`. KeyboardInterrupt and errors leave every finished
    trial stored; the same call with `resume=True` goes on from there. operator: the person at `options.rig`,
    None for nobody. Trials that a bench could not run are told in the results (`lab.runs.on_rig.told`). Raises BadInput for input
    that cannot be used, LabFailure when the lab itself cannot go on.
    """
    if options.split is not None and options.rig is not None:
        raise BadInput(
            "--split is for simulated rooms: a bench has one room, and what it measures is no choice of clips"
        )
    check_folder(options.corpus)
    named = options.build and _build(options.build)  # before anything that takes long
    scenarios = select(paths, options.tags, options.split)
    check_counts(scenarios, options.trials, options.hours)
    build, reported = named or _build(suite_build(scenarios))
    for scenario in scenarios:
        _check_before(scenario, reported, options.corpus)
    options.out.mkdir(parents=True, exist_ok=True)
    with Store.open(options.out, options.store) as store:
        options, seed = settled(store, options, DEFAULT_SEED)
        planned = plan(scenarios, options.trials, options.hours)
        departures = {}
        if options.rig is not None:
            departures = on_rig.check(options.rig, planned, seed, build, options)
        run = _run_record(planned, build, seed, options)
        check_same(store, run, options)
        earlier = next((one for one in store.runs() if one.id == run.id), None)
        looks = looks_of(store, earlier, planned)
        check_looks(looks, planned, options)
        before = results_of(run, options.out)
        run = going_on(run, earlier, looks, options if left(store, run, planned) else None, departures)
        started = time.monotonic()
        store.begin_run(run)
        store.set_environment(run.id, run.environment)
        try:
            not_run = _run_trials(store, run, planned, build, options, on_progress, operator)
            heard = [one for one in planned if store.finished(run.id, one.scenario.id, one.scenario.hash)]
            looks = with_look(looks, heard)
            # Before anybody sees a verdict: what was judged stays told.
            store.set_environment(run.id, {**run.environment, LOOKS: looks})
            batches = [
                batch for one in heard for batch in store.batches(run.id, one.scenario.id, one.scenario.hash)
            ]
            made_with = environment_of(build, as_told(batches, before), identities(options.out))
            results = summarise(store, run, planned, made_with, options.origin, options.scope, looks, not_run)
            results = write_examples(results, store, planned, options, build)
            timed = [one for one, _ in batches if one is not None]
            results = results.model_copy(
                update={
                    "operators": list(run.environment.get("operators", ())),
                    "first": min((one.began for one in timed), default=None)
                    if len(timed) == len(batches)
                    else None,
                    "last": max((one.ended for one in timed), default=None),
                    "deviations": [
                        *elsewhere(run, planned, options.out),
                        *deviations(store, run, planned, len(made_with.rigs)),
                    ],
                }
            )
        except KeyboardInterrupt:
            store.set_state(run.id, RunState.INTERRUPTED)
            raise
        except BaseException:
            store.set_state(run.id, RunState.FAILED)
            raise
        results = results.model_copy(update={"wall_s": round(time.monotonic() - started, 1)})
        results_file.write(results, options.out / "results.json")
        store.set_state(run.id, RunState.INTERRUPTED if not_run else RunState.FINISHED)
    return results


def select(
    paths: Sequence[Path], tags: Sequence[str] = (), split: str | None = None
) -> tuple[ScenarioFile, ...]:
    """The scenarios in `paths` that carry all of `tags`. Raises BadInput when none does."""
    found = find_scenarios(paths, split)
    chosen = tuple(scenario for scenario in found if set(tags) <= set(scenario.tags))
    if not chosen:
        known = sorted({tag for scenario in found for tag in scenario.tags})
        raise BadInput(f"no scenario is tagged {', '.join(tags)}; tags there: {', '.join(known) or 'none'}")
    return chosen


def suite_build(scenarios: Sequence[ScenarioFile]) -> Path | None:
    """The build that the suites of these scenarios name, None for the reference. Raises BadInput when they differ."""
    named = {one.path.parent: suite_of(one.path).build for one in scenarios}
    if len(set(named.values())) > 1:
        said = "; ".join(f"{folder}: {build or 'reference'}" for folder, build in named.items())
        raise BadInput(
            f"suites that are tested with different builds: {said}; run them apart, or name one with --build"
        )
    folder, build = next(iter(named.items()))
    if build is None:
        return None
    return folder / build if build.endswith(".toml") else Path(build)


def _build(path: Path | None) -> tuple[Build, tuple[Subject, ...]]:
    """The build and what it reports; a detector that cannot be made is said at once."""
    try:
        build = load_build(path)
        return build, Stack(build).subjects
    except DetectorError as error:
        raise BadInput(str(error)) from None


def _run_record(planned: Sequence[Planned], build: Build, seed: int, options: RunOptions) -> RunRecord:
    """Named by what it computes, so that the same run has the same name wherever it is made."""
    content = [build.hash, seed, sorted(one.scenario.hash for one in planned)]
    asked: dict[str, object] = {"trials": options.trials, "hours": options.hours}
    if options.split is not None:
        asked["split"] = options.split
    if options.rig is not None:
        content.append(options.rig.id)
        rig = options.rig
        asked["rig"] = {"id": rig.id, "kind": rig.kind, "hash": rig.hash, "layout": layout(rig)}
    return RunRecord(
        id=hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12],
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=seed,
        build_id=build.id,
        build_hash=build.hash,
        environment=asked,
    )


def _run_trials(
    store: Store,
    run: RunRecord,
    planned: Sequence[Planned],
    build: Build,
    options: RunOptions,
    on_progress: Callable[[Progress], None] | None,
    operator: Operator | None,
) -> list[NotRun]:
    pace = Pace(sum(one.trials for one in planned), sum(one.audio_s for one in planned), on_progress)
    waiting = []
    for one in planned:
        store.add_scenario(run.id, _scenario_record(one, run.seed, options.origin))
        done = {
            (cell, index)
            for cell, index in store.finished(run.id, one.scenario.id, one.scenario.hash)
            if index < one.trials_per_cell
        }
        pace.resumed(len(done), len(done) * one.scenario.first.duration_s)
        waiting += chunks(one, run.seed, done)
    if not waiting:
        return []

    # Asked once and before the first worker loads its code, so that a commit made meanwhile is not taken for it.
    made_with = here()

    def keep(records: list[TrialRecord], began: str, ended: str) -> None:
        if records:
            store.add_trials(run.id, records, BatchRecord(began, ended, **made_with))
            pace.advance(len(records), sum(record.duration_s for record in records))

    if options.rig is not None:
        places = [place for chunk in waiting for place in chunk]
        return on_rig.run_places(options.rig, places, store, run.id, build, options, operator, keep)
    jobs = max(1, min(options.jobs, len(waiting)))
    run_chunks(
        waiting,
        worker.run_timed,
        worker.set_up,
        (build.path, options.corpus),
        jobs,
        lambda answer: keep(*answer),
    )
    return []


def _scenario_record(one: Planned, seed: int, origin: Origin) -> ScenarioRecord:
    scenario = one.scenario
    return ScenarioRecord(
        id=scenario.id,
        hash=scenario.hash,
        path=str(scenario.path),
        title=scenario.title,
        tags=scenario.tags,
        effective={"scenario": scenario.tree, "variants": [list(one) for one in scenario.variants]},
        seed=seed,
        origin=origin.value,
        split=scenario.first.split,
    )


def _check_before(scenario: ScenarioFile, reported: Sequence[Subject], folder: Path | None) -> None:
    """Say before the first trial what would spoil the last: missing recordings, a limit nothing can answer."""
    specs = [scenario.draw(cell, 0, DEFAULT_SEED).spec for cell in scenario.cells()]
    sources = sorted({source for spec in specs for source in spec.sources}, key=lambda s: s.name)
    days = {spec.day for spec in specs if spec.day is not None}
    for played in (*sources, *days):
        check_available(played, scenario.first.split, folder, scenario.path)
    try:
        cells = [cell.values for cell in scenario.cells()]
        check_limits(limits(scenario.first.accept), cells, reported, scenario.first.expect.labels)
    except BadInput as error:
        raise BadInput(f"{scenario.path}: {error}") from None
