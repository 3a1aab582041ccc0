"""Scores: a rhythm is enough for an alarm, a network is not; glass counts at once, steps in their number."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from detectors.errors import DetectorError
from detectors.sound_events.evidence import Evidence

LABELS = ("smoke_alarm", "co_alarm", "legacy_smoke_alarm", "glass_break", "footsteps", "door_knock")


NONE: Mapping[str, float] = MappingProxyType({})


def scores(
    evidence: Evidence, hops: int, patterns: Mapping[str, float] = NONE, logits: Mapping[str, float] = NONE
) -> list[dict[str, float]]:
    return [evidence.push(patterns, logits) for _ in range(hops)]


def test_without_a_network_the_rhythm_decides():
    found = Evidence(LABELS).push({"smoke_alarm": 3.0, "co_alarm": -1.0})
    assert found["smoke_alarm"] > 0.9
    assert found["co_alarm"] < 0.5
    assert found["glass_break"] < 0.01


def test_network_moves_a_doubtful_rhythm_and_raises_no_smoke_alarm_without_one():
    assert Evidence(LABELS).push({"smoke_alarm": -1.0}, {"smoke_alarm": 6.0})["smoke_alarm"] > 0.5
    assert Evidence(LABELS).push({"smoke_alarm": 1.0}, {"smoke_alarm": -6.0})["smoke_alarm"] < 0.5
    assert (
        max(
            s["smoke_alarm"]
            for s in scores(Evidence(LABELS), 300, {"smoke_alarm": -6.0}, {"smoke_alarm": 9.0})
        )
        < 0.5
    )


def test_network_that_is_sure_of_a_legacy_alarm_for_half_a_window_raises_it():
    evidence = Evidence(LABELS, window_s=10.0)
    silent = scores(evidence, 60, {"legacy_smoke_alarm": -6.0}, {"legacy_smoke_alarm": -5.0})
    sweeping = scores(evidence, 60, {"legacy_smoke_alarm": -6.0}, {"legacy_smoke_alarm": 5.0})
    found = [one["legacy_smoke_alarm"] for one in silent + sweeping]
    assert max(found[:100]) < 0.5
    assert found[-1] > 0.5


def test_glass_is_decided_within_three_hops():
    evidence = Evidence(LABELS)
    scores(evidence, 20, logits={"glass_break": -4.0})
    assert evidence.push({}, {"glass_break": 4.0})["glass_break"] < 0.5
    assert evidence.push({}, {"glass_break": 6.0})["glass_break"] > 0.5


def test_one_thump_is_no_walk():
    def walk(steps: int) -> float:
        evidence = Evidence(LABELS)
        best = 0.0
        for _ in range(steps):
            scores(evidence, 4, logits={"footsteps": -4.0})
            best = max(best, *(one["footsteps"] for one in scores(evidence, 3, logits={"footsteps": 5.0})))
        return best

    assert walk(1) < 0.5
    assert walk(3) > 0.5


def test_sensitivity_shifts_one_label_only():
    patterns = {"smoke_alarm": -1.0, "co_alarm": -1.0}
    found = Evidence(LABELS, sensitivity={"smoke_alarm": 0.9}).push(patterns)
    assert found["smoke_alarm"] > 0.5 > found["co_alarm"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"window_s": 31.0}, "window_s: 10 to 30, got 31"),
        ({"sensitivity": {"smoke_alarm": 1.5}}, "sensitivity_smoke_alarm: 0 to 1, got 1.5"),
        ({"sensitivity": {"thunder": 0.5}}, "sensitivity_thunder: scored are smoke_alarm"),
    ],
)
def test_settings_out_of_range_are_refused(keys, message):
    with pytest.raises(DetectorError, match=message):
        Evidence(LABELS, **keys)
