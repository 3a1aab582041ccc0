"""A relay sets off an alarm, and the device answers on its console: the whole path, with nothing made up but electrons and air."""

import json
from types import SimpleNamespace

import pytest

from lab.store.results import read
from tests.bench.physical.commands import ROOT, lab
from tests.bench.physical.sound import needs_sound

SCENARIO = """
format = "earshot-scenario/1"
id = "alarm"
title = "A smoke alarm"
device = "four_mic_speaker"
trials = 2
duration_s = 16.0
[room]
size_m = [4.0, 3.5, 2.6]
rt60_s = 0.3
bank = 1
placements = 1
[placement]
rule = "table"
[[sources]]
kind = "alarm"
name = "alarm"
carrier_hz = 3100.0
on_s = 0.5
off_s = 0.5
pause_s = 1.5
lasts_s = 9.8
start_s = 5.2
distance_m = 2.0
[expect]
labels = ["smoke_alarm"]
"""
BUILD = ROOT / "detectors" / "builds" / "sound_events_device.toml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alarm")
    path = folder / "alarm.toml"
    path.write_text(SCENARIO)
    done = lab(
        "run", path, "--rig", "alarms", "--build", BUILD, "--out", folder / "run", "--no-report", "--yes"
    )
    assert done.returncode == 0, done.stderr
    first, second = sorted((folder / "run" / "captures").glob("*.json"))
    return SimpleNamespace(
        results=read(folder / "run"),
        note=json.loads(first.read_text()),
        second=json.loads(second.read_text()),
        log=(folder / "run" / "bench.log").read_text(),
    )


@needs_sound
def test_the_relay_sets_off_the_alarm_and_truth_is_when_it_did(run):
    assert run.note["invalid"] is None
    ((onset_s, offset_s, label),) = run.note["truth"]
    assert label == "smoke_alarm"
    assert 5.2 <= onset_s < offset_s <= 16.0
    assert "smoke alarm on (commanded)" in run.log and "smoke alarm off (commanded)" in run.log
    assert "smoke alarm on from 5.2 to 15 s: alarm sounds" in run.note["steps"]


@needs_sound
def test_stack_and_device_hear_it_and_the_console_answers(run):
    (scenario,) = run.results.scenarios
    rows = {(row.stage, row.label): row for row in scenario.results}
    for stage in ("device", "dut"):
        assert rows[stage, "smoke_alarm"].detection.detected == 2
        assert rows[stage, "co_alarm"].false_alarms.count == 0
    assert rows["dut", "smoke_alarm"].detector == "virtual device"
    assert any("EVT smoke_alarm" in line for line in run.note["console"])


@needs_sound
def test_between_two_trials_the_device_is_given_time_to_forget(run):
    """Without it the device still tells of the alarm of the first trial when the second begins."""
    (scenario,) = run.results.scenarios
    (row,) = (row for row in scenario.results if (row.stage, row.label) == ("dut", "smoke_alarm"))
    assert run.second["invalid"] is None and row.false_alarms.count == 0
    assert "s of silence, so that virtual device forgets the last trial" in run.log
