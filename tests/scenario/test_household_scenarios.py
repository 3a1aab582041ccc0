"""The household suite: all detectors on one capture, limits that its own trials can decide, a quick one that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors.build import load_build
from lab.runs.options import RunOptions
from lab.runs.run import run_scenarios
from lab.scenario.load import find_scenarios
from lab.verdicts.decisions import Verdict
from tests.scenario.ideal import ideal

ROOT = Path(__file__).parents[2]
SUITE = {scenario.id: scenario for scenario in find_scenarios([ROOT / "scenarios" / "household"])}


def test_ids_are_file_names_and_all_is_of_the_test_split():
    assert [name for name, scenario in SUITE.items() if scenario.path.stem != name] == []
    assert {scenario.first.split for scenario in SUITE.values()} == {"test"}
    assert [name for name, scenario in SUITE.items() if "quick" in scenario.tags] == ["quick_household"]


@pytest.mark.parametrize("name", sorted(SUITE))
def test_a_stack_without_a_mistake_passes(name):
    scenario = SUITE[name]
    assert scenario.first.accept
    assert [limit for limit in scenario.first.accept if ideal(scenario, limit) is not Verdict.PASS] == []


def test_what_is_asked_begins_when_every_detector_can_have_been_quiet():
    """A tone comes up within 1 s, and presence has a refractory time of 10 s; the one for a bench asks sound events alone."""
    asked = [
        scenario.first
        for name, scenario in SUITE.items()
        if scenario.first.expect.labels and name != "alarm_on_bench"
    ]
    assert len(asked) == 4
    for spec in asked:
        starts = [one.start_s for one in (*spec.sources, *spec.movers) if getattr(one, "start_s", 0.0) > 0.0]
        marks = [one.watermark.start_s for one in spec.sources if getattr(one, "watermark", None) is not None]
        assert min(starts + marks) >= 14.0


def test_the_build_runs_each_detector_as_its_own_build_does():
    household = load_build(ROOT / "detectors" / "builds" / "household.toml")
    for own, name in (
        ("reference", "watermark"),
        ("sound_events", "sound_events"),
        ("presence_baseband", "presence"),
    ):
        alone, here = load_build(ROOT / "detectors" / "builds" / f"{own}.toml")[name], household[name]
        assert (here.streams, here.model, here.weights) == (alone.streams, alone.model, alone.weights)
        assert (here.threshold, here.refractory_s, here.settings) == (
            alone.threshold,
            alone.refractory_s,
            alone.settings,
        )


def test_three_detectors_are_scored_on_one_capture(tmp_path):
    results = run_scenarios([SUITE["quick_household"].path], RunOptions(trials=1, out=tmp_path / "run"))
    (scenario,) = results.scenarios
    labels: dict[str, set[str]] = {}
    for row in scenario.results:
        labels.setdefault(row.detector, set()).add(row.label)
        assert row.label == "vacancy" or row.false_alarms.hours > 0.0
    assert set(labels) == {"watermark", "sound_events", "presence"}
    assert labels["presence"] >= {"presence", "major_motion", "minor_motion"}
    assert labels["sound_events"] >= {"smoke_alarm", "glass_break", "footsteps", "door_close"}
