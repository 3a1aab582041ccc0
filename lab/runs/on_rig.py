"""A run on a bench: one trial after the other, in the order that moves least, with a person's orders in between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from detectors.build import Build
from detectors.interface import AUDIBLE, PLAYBACK, SILENT, StackOutput
from detectors.stack import Stack
from lab.bench.physical import bench as physical
from lab.bench.physical.bench import PhysicalBench, capture_name
from lab.bench.physical.disk import check_disk
from lab.bench.physical.emission import rehearse
from lab.bench.physical.health import Mark, to_fix
from lab.bench.physical.instruments import PATIENT_S
from lab.bench.physical.log import BenchLog
from lab.bench.physical.operator import HELP, Nobody, Operator, Order
from lab.bench.physical.plan import Refused, RigPlan, plan_trial
from lab.bench.physical.playback import Clipped, Playback
from lab.bench.physical.session import RecordedSession
from lab.bench.protocol import CaptureFacts
from lab.errors import LabFailure
from lab.runs.options import RunOptions
from lab.runs.plan import NotRun, Planned
from lab.runs.rig_identity import add_identity, ask_identity
from lab.runs.trial import record, run_trial
from lab.runs.worker import TrialPlace, now
from lab.scenario.load import ScenarioFile, load_scenario
from lab.scenario.trial import Trial
from lab.store.records import TrialRecord
from lab.store.results import Results
from lab.store.store import Store
from rigs.errors import RigError
from rigs.locks import lease
from rigs.rig_file import RigFile

LOG = "bench.log"
Keep = Callable[[list[TrialRecord], str, str], object]  # trials, when they began and ended
TOLD = 5  # problems told one by one


def check(
    rig: RigFile, planned: Sequence[Planned], seed: int, build: Build, options: RunOptions
) -> dict[str, list[str]]:
    """Refuse, before anything moves, what the bench cannot do and a disk that cannot hold the captures.

    Returns in what the bench departs from each scenario, by its id. Raises Refused naming everything, BadInput for a build that
    would emit more than the rig file allows, LabFailure for the disk.
    """
    needs = Stack(build).needs
    problems: dict[str, None] = {}
    rehearsed: set[tuple[str, int]] = set()
    departures: dict[str, dict[str, None]] = {}
    for one in planned:
        for cell in one.scenario.cells():
            for index in range(one.trials_per_cell):
                trial = one.scenario.draw(cell, index, seed)
                try:
                    plan = plan_trial(trial, rig, needs, options.lifted)
                    departures.setdefault(one.scenario.id, {}).update(dict.fromkeys(plan.notes))
                    device = (trial.spec.device.id, plan.channels)
                    if plan.tone is not None and device not in rehearsed:
                        rehearsed.add(device)
                        rehearse(build, rig, trial.spec.device, plan.channels)
                except Refused as refused:
                    problems |= dict.fromkeys(f"{one.scenario.path}: {what}" for what in refused.problems)
    if problems:
        told = list(problems)[:TOLD]
        more = (f"and {len(problems) - TOLD} more",) if len(problems) > TOLD else ()
        raise Refused(f"bench {rig.id} cannot play this", (*told, *more))
    trials = sum(one.trials for one in planned)
    check_disk(options.out, rig, trials, sum(one.audio_s for one in planned))
    return {name: sorted(notes) for name, notes in departures.items()}


def run_places(
    rig: RigFile,
    places: Sequence[TrialPlace],
    store: Store,
    run_id: str,
    build: Build,
    options: RunOptions,
    operator: Operator | None,
    keep: Keep,
) -> list[NotRun]:
    """Run trials on a bench; each is stored as soon as it is scored. Returns those of which nothing was recorded.

    Raises LabFailure when the bench is taken or cannot be opened, KeyboardInterrupt when a person says stop.
    """
    log = BenchLog(options.out / LOG)
    operator = operator or Nobody(log.say)
    _warm_up(rig, places[0], build, options)
    try:
        with lease(rig.id, f"lab run --out {options.out}") as held:
            if held.taken_over is not None:
                log.say(f"the bench was left behind by {held.taken_over}")
            files = {_scenario(place.path).id: place.path for place in places}
            with PhysicalBench(
                rig, options.out, operator, log, options.corpus, options.lifted, held, files, build.id
            ) as bench:
                _require_health(bench, build, operator, log)
                if add_identity(options.out, ask_identity(rig, bench.instruments)):
                    told = "the bench is not as it was in the first part of this run; results.json tells both"
                    log.say(told)
                    operator.tell(told)
                return _RigRun(bench, Stack(build), operator, log, store, run_id, keep).run(places)
    except RigError as error:
        raise LabFailure(f"bench {rig.id}: {error}; finished trials are kept, go on with --resume") from error


def _warm_up(rig: RigFile, place: TrialPlace, build: Build, options: RunOptions) -> None:
    """Let whatever compiles or loads on first use do so now: later it would keep the heartbeat waiting."""
    stack = Stack(build)
    plan = plan_trial(draw(place), rig, stack.needs, options.lifted)
    if plan.tone is not None:
        return  # rehearsed when it was checked
    with suppress(Clipped):  # the trial itself will say so
        next(Playback(plan, rig, options.corpus).blocks(), None)
    device = plan.trial.spec.device
    session = RecordedSession(
        rate_hz=device.audible.rate_hz,
        channels=plan.channels,
        samples=device.audible.rate_hz,
        streams=tuple(stream for stream in (AUDIBLE, PLAYBACK) if stream in stack.needs),
        heard=iter(()),
        facts=CaptureFacts((), 1.0, 1.0, {}),
    )
    stack.open(session.formats)
    while (block := session.next(SILENT)) is not None:
        stack.feed(block)
    stack.finish()


def _require_health(bench: PhysicalBench, build: Build, operator: Operator, log: BenchLog) -> None:
    """Raises LabFailure for a bench that is not fit, or a device that does not run the build under test."""
    for one in (checks := bench.health(build)):
        log.say(f"check: {one.what}: {one.mark.value}: {one.found}")
        if one.mark is Mark.LOOK:
            operator.tell(f"{one.what}: {one.found}")
    if wrong := to_fix(checks):
        raise LabFailure(f"bench {bench.rig.id} is not fit for a run: {wrong}. See: lab rig check")


class _RigRun:
    def __init__(
        self,
        bench: PhysicalBench,
        stack: Stack,
        operator: Operator,
        log: BenchLog,
        store: Store,
        run_id: str,
        keep: Keep,
    ) -> None:
        self._bench, self._stack, self._operator, self._log = bench, stack, operator, log
        self._store, self._run_id, self._keep = store, run_id, keep
        self._last: tuple[Trial, TrialRecord] | None = None
        self._not_run: list[NotRun] = []

    def run(self, places: Sequence[TrialPlace]) -> list[NotRun]:
        planned = sorted(
            (
                plan_trial(draw(place), self._bench.rig, self._stack.needs, self._bench.lifted)
                for place in places
            ),
            key=effort,
        )
        self._announce(planned)
        for number, plan in enumerate(planned, start=1):
            trial = plan.trial
            skip = self._obey()
            if skip is not None:
                self._store_one(trial, self._skipped(trial, skip), now())
                continue
            left_min = sum(one.trial.spec.duration_s for one in planned[number - 1 :]) / 60.0
            self._operator.tell(
                f"trial {number} of {len(planned)}: {capture_name(trial)} ({left_min:.1f} min of sound left)"
            )
            self._run_one(trial)
        self._obey()
        return self._not_run

    def _announce(self, plans: Sequence[RigPlan]) -> None:
        minutes = sum(plan.trial.spec.duration_s for plan in plans) / 60.0
        placings = {plan.placing.words for plan in plans if plan.placing is not None}
        said = f"bench {self._bench.rig.id}: {len(plans)} trials, {minutes:.1f} min of sound"
        if placings:
            said += f", {len(placings)} placings by hand"
        for name in sorted(self._bench.lifted):
            self._log.say(f"safety limit lifted at the bench for this run: {name}")
        self._log.say(said)
        self._operator.tell(said)
        for note in sorted({note for plan in plans for note in plan.notes}):
            self._log.say(note)
            self._operator.tell(note)
        if self._operator.present:
            self._operator.tell(HELP)

    def _run_one(self, trial: Trial) -> None:
        began = now()
        try:
            done = run_trial(trial, self._bench, self._stack)
        except physical.NotRun as fault:
            self._log.say(f"trial {capture_name(trial)}: NOT RUN: {fault}")
            self._operator.tell(f"not run: {fault}")
            self._not_run.append(NotRun(trial.scenario_id, capture_name(trial), str(fault)))
            self._bench.instruments.check()
            return
        self._operator.tell("valid" if done.invalid is None else f"INVALID: {done.invalid}")
        self._store_one(trial, done, began)

    def _store_one(self, trial: Trial, done: TrialRecord, began: str) -> None:
        self._keep([done], began, now())
        self._last = (trial, done)

    def _obey(self) -> str | None:
        """Do what the person at the bench has ordered; answers why the next trial is skipped."""
        while True:
            with self._bench.instruments.attended(PATIENT_S):  # a pause lasts as long as it likes
                said = self._operator.order()
            if said.order is Order.STOP:
                self._log.say("stopped by the operator")
                raise KeyboardInterrupt
            if said.order is Order.SKIP:
                return said.reason
            if said.order is not Order.REPEAT:
                return None
            if self._last is None:
                self._operator.tell("there is no trial to repeat yet")
                continue
            trial, done = self._last
            self._withdraw(trial, done, said.reason)
            self._run_one(trial)

    def _withdraw(self, trial: Trial, done: TrialRecord, reason: str) -> None:
        """What a repeated trial found before stays in store and log, so that nobody repeats until the result pleases."""
        kept = json.dumps({"invalid": done.invalid, "outcomes": list(done.outcomes)}, default=str)
        self._log.say(f"trial {capture_name(trial)}: REPEATED by the operator: {reason}; it had found {kept}")
        self._store.withdraw_trial(self._run_id, done, reason, now())
        self._last = None

    def _skipped(self, trial: Trial, reason: str) -> TrialRecord:
        said = f"skipped by the operator: {reason}"
        self._log.say(f"trial {capture_name(trial)}: {said}")
        facts = CaptureFacts(
            truth=(),
            duration_s=trial.spec.duration_s,
            distinct_s=0.0,
            clusters={},
            invalid=said,
            reported=self._bench.no_report(),
        )
        return record(trial, facts, self._stack, StackOutput(), "", 0.0)


@cache
def _scenario(path: Path) -> ScenarioFile:
    return load_scenario(path)


def draw(place: TrialPlace) -> Trial:
    return _scenario(place.path).draw(place.cell, place.index, place.seed)


def effort(plan: RigPlan) -> tuple[float, str, str, int]:
    """Trials of one distance stand together: moving is what takes time and people."""
    trial = plan.trial
    return (plan.distance_m or 0.0, trial.scenario_id, trial.cell.key, trial.index)


def told(results: Results, out: Path) -> str | None:
    """One message on the trials that were not run, None where all were."""
    not_run = sum(one.not_run for one in results.scenarios)
    if not not_run:
        return None
    reasons: Counter[str] = Counter()
    for one in results.scenarios:
        reasons.update(one.not_run_reasons)
    words = "; ".join(f"{count} x {reason}" for reason, count in list(reasons.items())[:TOLD])
    return f"{not_run} trials were not run: {words}. Results so far are in {out}; go on with --resume"
