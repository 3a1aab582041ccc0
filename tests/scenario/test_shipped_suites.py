"""The shipped suites: `quick` ones need nothing and can be decided by their own trials."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.scenario.cost import core_seconds
from lab.scenario.load import find_scenarios
from lab.verdicts.decisions import Verdict
from tests.scenario.ideal import ideal

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scenarios" / "second_screen"
SHIPPED = {scenario.id: scenario for scenario in find_scenarios([FOLDER])}
QUICK = {name: scenario for name, scenario in SHIPPED.items() if "quick" in scenario.tags}
PRESENCE = {scenario.id: scenario for scenario in find_scenarios([ROOT / "scenarios" / "presence"])}


def test_every_part_of_the_second_screen_is_there() -> None:
    assert set(SHIPPED) == {
        "near",
        "unmarked",
        "wrong_key",
        "distance",
        "snr",
        "music_hosts",
        "speech_hosts",
        "wake_word",
        "unmarked_media",
        "unmarked_periodic",
        "unmarked_recordings",
    }


def test_ids_are_file_names() -> None:
    assert [name for name, scenario in SHIPPED.items() if scenario.path.stem != name] == []


def test_quick_scenarios_need_no_recordings() -> None:
    assert set(QUICK) == {"near", "unmarked", "wrong_key"}
    assert [scenario.corpora for scenario in QUICK.values()] == [()] * 3


def test_quick_scenarios_together_take_under_a_hundred_seconds_on_two_cores() -> None:
    assert sum(core_seconds(scenario) for scenario in QUICK.values()) / 2 < 100


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_scenario_without_a_mistake_passes_on_its_own_trials(name: str) -> None:
    """All detected, or no alarm at all, in as many distinct rooms as the file asks for."""
    scenario = QUICK[name]
    assert scenario.first.accept
    for limit in scenario.first.accept:
        assert ideal(scenario, limit) is Verdict.PASS


@pytest.mark.parametrize("name", ["unmarked_media", "unmarked_periodic"])
def test_long_exposures_are_long_enough_for_their_limits(name: str) -> None:
    (limit,) = SHIPPED[name].first.accept
    assert ideal(SHIPPED[name], limit) is Verdict.PASS


def test_distance_reaches_twenty_feet_and_thirty_and_has_its_trials() -> None:
    distance = SHIPPED["distance"]
    assert {cell.values["distance_m"] for cell in distance.cells()} == {1.0, 2.0, 3.0, 6.1, 9.1}
    assert {cell.values["rt60_s"] for cell in distance.cells()} == {0.3, 0.6}
    assert distance.trials_per_cell() >= 800


def test_recordings_come_from_the_test_split_only() -> None:
    assert {scenario.first.split for scenario in SHIPPED.values()} == {"test"}


def test_the_page_lists_every_presence_scenario() -> None:
    page = (ROOT / "docs" / "ultrasound.md").read_text().split("## The suite")[1]
    assert {name for name in PRESENCE if name != "article"} == set(re.findall(r"`([a-z_]+)`", page))
    assert [name for name, scenario in PRESENCE.items() if scenario.path.stem != name] == []


def test_quick_presence_scenarios_together_take_under_thirty_seconds_on_two_cores() -> None:
    quick = {name: scenario for name, scenario in PRESENCE.items() if "quick" in scenario.tags}
    assert set(quick) == {"walking_near", "empty_short"}
    assert sum(core_seconds(scenario) for scenario in quick.values()) / 2 < 30


def test_nobody_moves_before_a_presence_build_can_have_been_quiet() -> None:
    """The baseline's refractory time is 10 s, and its tone comes up within the first second."""
    expected = [one.first for one in PRESENCE.values() if one.first.expect.labels and one.id != "article"]
    starts = {
        mover.start_s
        for spec in expected
        for mover in spec.movers
        if getattr(mover, "start_s", None) is not None
    }
    assert starts and min(starts) >= 11.0


def test_what_is_not_expected_of_people_outside_or_of_clutter() -> None:
    exposures = {name for name, scenario in PRESENCE.items() if "exposure" in scenario.tags}
    alarms = {name for name, scenario in PRESENCE.items() if not scenario.first.expect.labels} - {"article"}
    assert alarms == exposures
    assert {PRESENCE[name].first.split for name in PRESENCE} == {"test"}
