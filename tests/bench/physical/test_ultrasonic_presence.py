"""The presence detector with its network finds somebody on the emulated bench: a ball as large as a chest goes to and fro on the rail."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lab.scenario.load import load_scenario
from lab.store.results import read
from tests.bench.physical.commands import lab, only_trial
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound

SCENARIO = Path(__file__).parents[3] / "scenarios" / "presence" / "stage_body.toml"
BUILD = "detectors/builds/presence.toml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("presence") / "run"
    given = ["--rig", "ultrasonic", "--build", BUILD, "--trials", "1", "--no-report", "--yes"]
    done = lab("run", SCENARIO, *given, "--out", out)
    assert done.returncode == 0, done.stderr
    note, trial, tracks = only_trial(out)
    return SimpleNamespace(out=out, note=note, trial=trial, tracks=tracks)


def test_truth_is_the_strokes_of_the_stage(run):
    spec = load_scenario(SCENARIO).first.movers[0]
    strokes = [event for event in run.trial.truth if event.label == "major_motion"]
    (presence,) = (event for event in run.trial.truth if event.label == "presence")
    assert len(strokes) == spec.strokes
    assert presence.onset_s == strokes[0].onset_s > spec.start_s
    for stroke in strokes:
        assert stroke.offset_s - stroke.onset_s == pytest.approx(spec.stroke_s, abs=0.2)


def test_nobody_is_there_while_the_ball_stands(run):
    (presence,) = (event for event in run.trial.truth if event.label == "presence")
    for label in ("presence", "major_motion", "minor_motion"):
        track = run.tracks[label]
        before = track.scores[track.times_s <= presence.onset_s]
        assert np.isfinite(before).any() and not np.any(before >= 0.5)


def test_it_moves_and_is_somebody_in_the_time_that_the_scenario_gives(run):
    (presence,) = (event for event in run.trial.truth if event.label == "presence")
    within_s = load_scenario(SCENARIO).first.expect.within_s
    for label in ("major_motion", "presence"):
        track = run.tracks[label]
        found = track.times_s[(track.scores >= 0.5) & (track.times_s > presence.onset_s)]
        assert found[0] < presence.onset_s + within_s
    (scenario,) = read(run.out).scenarios
    (row,) = (row for row in scenario.results if row.label == "presence")
    assert (scenario.origin, scenario.invalid) == ("emulated", 0)
    assert (row.detection.detected, row.detection.trials) == (1, 1)
    assert run.note["measured"]["emission_db_spl_at_1_m"] > 70.0
