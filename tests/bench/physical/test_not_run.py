"""A bench that cannot run some planned trials: they are told with their reason, nothing passes, and `--resume` makes up for them."""

import pytest

from lab.store.records import RunState
from lab.store.results import read
from lab.store.store import Store
from tests.bench.physical.commands import lab
from tests.bench.physical.sound import needs_sound
from tests.bench.physical.standing import Running, Standing

pytestmark = needs_sound

LIMIT = '\n[[accept]]\nmetric = "detection_rate"\nlabel = "watermark"\nat_least = 0.01\n'


@pytest.fixture
def standing():
    emulation = Standing()
    yield emulation
    emulation.kill()


def test_trials_that_a_bench_could_not_run_are_told_and_made_up_for(standing, scenario_file, tmp_path):
    scenario = scenario_file()
    scenario.write_text(scenario.read_text() + LIMIT)
    run = Running(scenario, tmp_path / "run", 3)
    run.wait_playing(0)
    standing.fault("sensor:unplug")
    assert run.end() == 4, run.said.read_text()
    said = run.said.read_text()
    assert "lab: 2 trials were not run: 2 x not there: sensor" in said
    results = read(run.out)
    (found,) = results.scenarios
    assert (results.verdict, found.planned, found.trials, found.not_run) == ("inconclusive", 3, 1, 2)
    assert list(found.not_run_reasons.values()) == [2]
    assert found.invalid == 1
    run.wait_guardian()
    standing.fault("sensor:unplug=false")
    arguments = ("--rig", "emulated", "--out", run.out, "--resume", "--yes", "--operator", "A. Vogel")
    again = lab("run", scenario, *arguments)
    assert again.returncode == 2, again.stderr  # three recordings decide nothing
    results = read(run.out)
    (found,) = results.scenarios
    assert (found.trials, found.not_run, found.not_run_reasons, found.looks) == (3, 0, {}, [3])
    assert results.operators[-1] == "A. Vogel"
    assert results.first <= results.last
    assert set(found.surroundings) == {
        "temperature_c",
        "humidity_percent",
        "background_dba",
        "microphone_dba",
    }
    assert "Run by" in (run.out / "report.html").read_text()
    with Store.read(run.out) as store:
        assert [one.state for one in store.runs()] == [RunState.FINISHED]
