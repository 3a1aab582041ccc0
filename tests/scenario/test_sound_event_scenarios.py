"""The sound-event suite: its grids are whole, its limits can be decided by its own trials, and nothing of it was heard in training."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.corpora.catalogue import Purpose, load_corpus
from lab.scenario.load import find_scenarios
from lab.verdicts.decisions import Verdict
from tests.scenario.ideal import ideal

FOLDER = Path(__file__).parents[2] / "scenarios" / "sound_events"
SUITE = {scenario.id: scenario for scenario in find_scenarios([FOLDER])}
QUICK = {name for name, scenario in SUITE.items() if "quick" in scenario.tags}
RANGES = {"t3": ((0.45, 0.55), (1.35, 1.65)), "t4": ((0.09, 0.11), (4.5, 5.5))}


def specs(name: str):
    scenario = SUITE[name]
    cell = scenario.cells()[0]
    return [scenario.draw(cell, index, 0).spec for index in range(scenario.trials_per_cell())]


def test_ids_are_file_names_and_all_is_of_the_test_split() -> None:
    assert [name for name, scenario in SUITE.items() if scenario.path.stem != name] == []
    assert {scenario.first.split for scenario in SUITE.values()} == {"test"}
    assert QUICK == {"quick_alarm", "quick_beeper", "quick_evening", "quick_glass"}


@pytest.mark.parametrize("name", ["t3", "t4"])
def test_every_corner_of_timing_meets_every_carrier_equally_often(name: str) -> None:
    alarms = [spec.sources[0] for spec in specs(name)]
    points = Counter((one.on_s, one.off_s, one.pause_s, one.carrier_hz) for one in alarms)
    assert len(points) == 27 * 6 and set(points.values()) == {4}
    (short, long), (least, most) = RANGES[name]
    for low, high, found in (
        (short, long, {one.on_s for one in alarms}),
        (short, long, {one.off_s for one in alarms}),
        (least, most, {one.pause_s for one in alarms}),
    ):
        assert sorted(found) == pytest.approx([low, (low + high) / 2, high])
    assert {(one.carrier_hz, one.sounder) for one in alarms if one.sounder == "square"} == {(520.0, "square")}
    assert len({spec.room.rt60_s for spec in specs(name)}) == len(alarms)  # a room for each trial


def test_every_recording_of_the_test_split_is_played() -> None:
    """All but measured impulse responses; what is in several classes is heard in each."""
    corpus = load_corpus("household")
    every = corpus.recordings(split="test", purpose=Purpose.TRIAL)
    wanted = {one.path for one in every if one.label != "rir_measured"}
    heard = set()
    for name in ("recordings", "recordings_speech"):
        scenario = SUITE[name]
        for cell in scenario.cells():
            classes = scenario.draw(cell, 0, 0).spec.sources[0].classes
            among = corpus.recordings(split="test", purpose=Purpose.TRIAL, classes=classes)
            assert len(among) <= scenario.trials_per_cell()
            heard |= {one.path for one in among}
    assert heard == wanted


@pytest.mark.parametrize("name", sorted({name for name in SUITE if SUITE[name].first.accept} - {"day"}))
def test_a_detector_without_a_mistake_passes(name: str) -> None:
    """All detected, or no alarm at all, in as many distinct rooms as the file asks for."""
    scenario = SUITE[name]
    assert [limit for limit in scenario.first.accept if ideal(scenario, limit) is not Verdict.PASS] == []


def test_three_weeks_of_days_decide_every_limit_and_a_day_the_hourly_ones() -> None:
    day = SUITE["day"]
    for limit in day.first.accept:
        assert ideal(day, limit, hours=504.0) is Verdict.PASS
        assert (ideal(day, limit) is Verdict.PASS) == (limit.at_most >= 24.0)


def test_detectors_have_been_quiet_for_ten_seconds_before_what_they_should_hear() -> None:
    expected = [scenario for scenario in SUITE.values() if scenario.first.expect.labels]
    assert len(expected) >= 10
    for scenario in expected:
        for cell in scenario.cells():
            placed = [
                one
                for one in scenario.draw(cell, 0, 0).spec.sources
                if one.kind not in ("noise", "background")
            ]
            assert min(one.start_s for one in placed) >= 10.0


def test_what_is_asked_is_heard_before_the_trial_ends() -> None:
    for scenario in SUITE.values():
        first = scenario.first
        if first.expect.labels and first.expect.within_s is not None:
            starts = [one.start_s for one in first.sources if one.kind == "alarm"]
            assert max(starts) + first.expect.within_s <= first.duration_s
