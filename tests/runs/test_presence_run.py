"""A run above hearing: the build emits, a person walks, and only what was asked for is a target."""

import json

from lab.runs.echo import TOLD
from lab.runs.options import RunOptions
from lab.runs.run import run_scenarios

SUITE = 'format = "earshot-suite/1"\nbuild = "presence_cfar_baseband"\n'
SCENARIO = """
format = "earshot-scenario/1"
id = "walk"
title = "A person walks at 1.5 m"
device = "ultrasonic_speaker"
trials = 2
duration_s = 7.0
[room]
size_m = [5.0, 4.0, 2.7]
rt60_s = 0.3
[placement]
position_m = [0.4, 2.0, 0.8]
[[movers]]
kind = "walker"
name = "person"
route = "tangential"
distance_m = 1.5
start_s = 4.0
[expect]
labels = ["major_motion"]
within_s = 2.5
"""


def test_motion_is_detected_and_what_was_not_asked_for_is_no_target(tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE)
    path = tmp_path / "walk.toml"
    path.write_text(SCENARIO)
    results = run_scenarios([path], RunOptions(out=tmp_path / "run"))
    (scenario,) = results.scenarios
    rows = {row.label: row for row in scenario.results}
    assert results.environment.build.id == "presence_cfar_baseband"
    assert (rows["major_motion"].detection.detected, rows["major_motion"].detection.trials) == (2, 2)
    assert rows["major_motion"].latency_s.p95 <= 2.5
    # The person is there from the beginning: nobody can be asked to notice that as an event.
    assert rows["presence"].detection is None
    assert "miss" not in {one.kind for one in scenario.examples}
    assert scenario.examples and all(one.note == TOLD for one in scenario.examples)
    assert all(one.command.endswith("--stream ultrasonic") for one in scenario.examples)
    assert all((tmp_path / "run" / one.clip).stat().st_size > 1000 for one in scenario.examples)
    assert rows["presence"].false_alarms is None or rows["presence"].false_alarms.hours < 1e-6
    stored = json.loads((tmp_path / "run" / "results.json").read_text())
    assert stored["scenarios"][0]["verdict"] == "reported"
