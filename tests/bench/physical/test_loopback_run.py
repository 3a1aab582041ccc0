"""Three trials of a second-screen scenario through real PortAudio: health is asserted, not limits."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest

from lab.bench.physical.hearing import heard_by
from lab.bench.physical.kept import last_note
from lab.commands.main import call
from lab.errors import ExitCode
from lab.scenario.load import load_scenario
from lab.store.results import read
from lab.store.store import Store
from rigs.audio.storage import read_blocks
from rigs.rig_file import load_rig
from tests.bench.physical.commands import lab
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound


@pytest.fixture(scope="module")
def run(scenario_file, tmp_path_factory):
    """One run, looked at from all sides."""
    out, scenario = tmp_path_factory.mktemp("loopback") / "run", scenario_file()
    done = lab("run", scenario, "--rig", "loopback", "--trials", 3, "--out", out, "--no-report")
    return SimpleNamespace(out=out, scenario=scenario, done=done, log=(out / "bench.log").read_text())


def test_all_trials_are_valid_and_count_as_emulated(run):
    assert run.done.returncode == 0, run.done.stderr  # without limits there is nothing to fail
    (scenario,) = read(run.out).scenarios
    assert (scenario.origin, scenario.trials, scenario.invalid) == ("emulated", 3, 0)
    (row,) = scenario.results
    assert (row.stage, row.detection.trials) == ("device", 3)


def test_what_came_back_is_aligned_to_the_sample(run):
    for index in range(3):
        note = json.loads(last_note(run.out / "captures", f"short-00000000-{index}").read_text())
        assert note["invalid"] is None
        assert note["alignment"]["lag_samples"] == pytest.approx(1024, abs=0.01)
        assert note["alignment"]["tail_lag_samples"] == pytest.approx(1024, abs=0.01)
        assert note["truth"] == [[1.1, pytest.approx(3.148), "watermark"]]
        assert note["keep_days"] is None  # nobody has stated it: nothing may delete this


def test_the_stack_judged_exactly_what_is_kept(run):
    rig, trial = load_rig("loopback"), load_scenario(run.scenario)
    trial = trial.draw(trial.cells()[0], 1, 1)
    note = json.loads((run.out / "captures" / "short-00000000-1.json").read_text())
    body = read_blocks(
        run.out / "captures" / note["capture"], 4800, note["body_at"], note["body_at"] + note["body_frames"]
    )
    heard = np.concatenate(list(heard_by(trial.spec.device, 4, rig, body)), axis=1)[:, : round(3.3 * 16_000)]
    with Store.read(run.out) as store:
        (stored,) = store.runs()
        captures = {record.index: record.capture_sha256 for record in store.trials(stored.id, "short")}
    assert hashlib.sha256(heard.T.tobytes()).hexdigest() == captures[1]


def test_the_bench_log_tells_the_whole_story(run):
    for words in (
        "check: sound: good",
        "3 trials, 0.2 min of sound",
        "no room, no distance",
        "trial short-00000000-2: valid",
    ):
        assert words in run.log


def test_resuming_without_the_bench_or_on_another_is_refused(run, capsys):
    assert call(["run", str(run.scenario), "--resume", "--out", str(run.out)]) == ExitCode.BAD_INPUT
    assert "differs in the bench: it was loopback, now simulated" in capsys.readouterr().err
    again = ["run", str(run.scenario), "--rig", "loopback", "--out", str(run.out)]
    assert call(again) == ExitCode.BAD_INPUT
    assert "holds a run already" in capsys.readouterr().err
