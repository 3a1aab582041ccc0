"""The run loop of a bench, with a bench that records silence at once and a person who types in advance."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from detectors.build import load_build
from detectors.errors import DetectorFault
from detectors.interface import AUDIBLE
from detectors.stack import Stack
from lab.bench.physical.bench import NotRun, capture_name
from lab.bench.physical.device_report import no_report
from lab.bench.physical.log import BenchLog
from lab.bench.physical.operator import Nobody, Order, Said
from lab.bench.physical.plan import Refused, plan_trial
from lab.bench.physical.session import RecordedSession
from lab.bench.protocol import CaptureFacts
from lab.errors import BadInput
from lab.runs import on_rig
from lab.runs.plan import chunks, plan
from lab.scenario.load import load_scenario
from lab.scoring.outcome import Outcome
from lab.store.records import RunRecord, ScenarioRecord
from lab.store.store import Store
from rigs.errors import Unsafe
from rigs.rig_file import load_rig
from tests.detectors.level_detector import LevelDetector
from tests.store.samples import make_results

GO_ON = Said(Order.GO_ON)


class QuietBench:
    """refuses: for each trial in turn, why it is not run, or None. tripped: why the guardian has made the rig safe."""

    def __init__(self, refuses=(), tripped=None):
        self.rig, self.lifted, self.opened = load_rig("emulated"), frozenset(), []
        self._refuses, self._tripped = list(refuses), tripped
        self.instruments = SimpleNamespace(check=self._check, attended=lambda within_s: nullcontext())

    def _check(self):
        if self._tripped:
            raise Unsafe(self._tripped)

    def open(self, trial, needs):
        plan_trial(trial, self.rig, needs)
        self.opened.append(capture_name(trial))
        if self._refuses and (reason := self._refuses.pop(0)):
            raise NotRun(reason)
        n, level = round(trial.spec.duration_s * 16_000), len(self.opened) * 1e-3
        facts = CaptureFacts((), trial.spec.duration_s, trial.spec.duration_s, {}, reported=self.no_report())
        heard = iter([np.full((1, n), level, np.float32)])
        return RecordedSession(
            rate_hz=16_000, channels=1, samples=n, streams=(AUDIBLE,), heard=heard, facts=facts
        )

    def no_report(self):
        return no_report("virtual device", (), 2.0)


class Person(Nobody):
    """Has typed one order before each trial."""

    def __init__(self, *orders):
        self.told = []
        super().__init__(self.told.append)
        self._orders = list(orders)

    def order(self):
        return self._orders.pop(0) if self._orders else GO_ON


@pytest.fixture
def played(scenario):
    """Two trials of each of two distances, on a device that the emulated bench has."""
    text = (
        scenario.read_text()
        .replace("trials = 6", "trials = 2")
        .replace("two_mic_display", "four_mic_speaker")
    )
    scenario.write_text(text)
    return load_scenario(scenario)


@pytest.fixture
def bench_run(played, build, tmp_path):
    """`bench_run(bench, person)`: does what is left of the run; answers (not run, stored trials, bench log)."""
    (planned,) = plan([played])

    def _run(bench, person):
        with Store.open(tmp_path / "out") as store:
            store.begin_run(RunRecord("r", "2026-01-01T00:00:00", 1, "level", "x"))
            store.add_scenario(
                "r", ScenarioRecord(played.id, played.hash, "", "", (), {}, 1, "emulated", "test")
            )
            left = chunks(planned, 1, store.finished("r", played.id, played.hash))
            log = BenchLog(tmp_path / "bench.log")
            log.say("begins")
            run = on_rig._RigRun(
                bench,
                Stack(load_build(build)),
                person,
                log,
                store,
                "r",
                lambda found, began, ended: store.add_trials("r", found),
            )
            try:
                not_run = run.run([place for chunk in left for place in chunk])
            except KeyboardInterrupt:
                not_run = "stopped"
            bench.withdrawn = store.withdrawn("r", played.id, played.hash)
            return not_run, list(store.trials("r", played.id)), log.path.read_text()

    return _run


def test_trials_of_one_distance_stand_together(bench_run):
    bench = QuietBench()
    not_run, records, _ = bench_run(bench, Person())
    assert (not_run, len(records)) == ([], 4)
    cells = [name.split("-")[1] for name in bench.opened]
    assert cells[0] == cells[1] != cells[2] == cells[3]


def test_what_could_not_be_run_is_not_stored_and_comes_with_the_next_call(bench_run):
    not_run, records, log = bench_run(QuietBench([None, "no answer in 300 s to: place the tv"]), Person())
    assert [one.reason for one in not_run] == ["no answer in 300 s to: place the tv"]
    assert len(records) == 3
    assert "NOT RUN: no answer in 300 s" in log
    rest = QuietBench()
    assert bench_run(rest, Person())[0] == []
    assert rest.opened == [not_run[0].name]


def test_a_detector_that_raises_is_told_with_the_trial_it_was_in(bench_run, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("score")

    monkeypatch.setattr(LevelDetector, "feed", broken)
    with pytest.raises(DetectorFault, match=r"ZeroDivisionError: score; in scenario .*, trial 0, seed 1$"):
        bench_run(QuietBench(), Person())


def test_a_rig_in_its_safe_state_ends_the_run(bench_run):
    with pytest.raises(Unsafe, match="no heartbeat"):
        bench_run(QuietBench(["sensor: refused"], tripped="no heartbeat from the lab"), Person())


def test_a_skipped_trial_is_invalid_with_the_persons_reason(bench_run):
    bench = QuietBench()
    _, records, log = bench_run(bench, Person(GO_ON, Said(Order.SKIP, "the phone rang")))
    assert len(bench.opened) == 3
    assert [record.invalid for record in records if record.invalid] == [
        "skipped by the operator: the phone rang"
    ]
    assert "skipped by the operator: the phone rang" in log


def test_a_repeated_trial_replaces_the_last_one_and_the_log_keeps_what_it_had_found(bench_run):
    bench = QuietBench()
    _, records, log = bench_run(bench, Person(GO_ON, Said(Order.REPEAT, "cable was loose")))
    assert bench.opened[0] == bench.opened[1]
    assert (len(bench.opened), len(records)) == (5, 4)
    assert len({record.capture_sha256 for record in records}) == 4
    assert "REPEATED by the operator: cable was loose; it had found" in log
    assert "false_alarms" in log
    (withdrawn,) = bench.withdrawn
    assert (withdrawn.index, withdrawn.why, withdrawn.invalid) == (0, "cable was loose", None)
    assert [Outcome.from_json(one).rule.detector for one in withdrawn.outcomes] == ["level"]


def test_there_is_nothing_to_repeat_before_the_first_trial(bench_run):
    person = Person(Said(Order.REPEAT, "just so"))
    _, records, _ = bench_run(QuietBench(), person)
    assert len(records) == 4
    assert "there is no trial to repeat yet" in person.told


def test_stop_keeps_what_is_done_and_resume_does_the_rest(bench_run):
    stopped, records, log = bench_run(QuietBench(), Person(GO_ON, GO_ON, Said(Order.STOP)))
    assert (stopped, len(records)) == ("stopped", 2)
    assert "stopped by the operator" in log
    _, records, _ = bench_run(QuietBench(), Person())
    assert len(records) == 4


def test_what_the_bench_cannot_do_is_refused_for_all_cells_at_once(played, build, tmp_path):
    from lab.runs.options import RunOptions

    rig = load_rig("emulated")
    short = rig.model_copy(update={"stage": rig.stage.model_copy(update={"travel_mm": (0.0, 200.0)})})
    options = RunOptions(out=tmp_path, rig=short)
    with pytest.raises(Refused) as caught:
        on_rig.check(short, plan([played]), 1, load_build(build), options)
    assert str(caught.value).count("is out of the stage's travel, 0.5 to 0.7 m") == 2
    assert isinstance(caught.value, BadInput)
    on_rig.check(rig, plan([played]), 1, load_build(build), options)


def test_the_message_on_trials_that_were_not_run_adds_up_reasons(tmp_path):
    found = make_results()
    assert on_rig.told(found, tmp_path) is None
    (scenario,) = found.scenarios
    lacking = [
        scenario.model_copy(update={"not_run": 2, "not_run_reasons": {"nobody": 1, "rail": 1}}),
        scenario.model_copy(update={"not_run": 1, "not_run_reasons": {"nobody": 1}}),
    ]
    told = on_rig.told(found.model_copy(update={"scenarios": lacking}), tmp_path)
    assert told.startswith("3 trials were not run: 2 x nobody; 1 x rail.")
    assert told.endswith("go on with --resume")
