"""A scenario as a test on a bench: the whole way from `pytest --rig` to the bench log."""

import subprocess
import sys

from lab.store.results import read
from tests.bench.physical.commands import LONG_S
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound


def test_a_scenario_runs_on_the_loopback_bench_under_pytest(scenario_file, tmp_path):
    scenario = scenario_file("trials = 3", "trials = 1")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", scenario, "--rig", "loopback", "--lab-out", "out", "-q"],
        check=False,
        capture_output=True,
        text=True,
        timeout=LONG_S,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    (found,) = read(tmp_path / "out").scenarios
    assert (found.origin, found.trials, found.invalid) == ("emulated", 1, 0)
    assert "trial short-00000000-0: valid" in (tmp_path / "out" / "short" / "bench.log").read_text()
