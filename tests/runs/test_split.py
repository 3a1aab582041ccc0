"""Counts by what was drawn, on outcomes that are known."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from lab.runs.split import by_drawn, value_at
from lab.scoring.outcome import Moment, Outcome, Target
from lab.scoring.records import MatchRule

DRAWN = {"room": {"rt60_s": 0.4}, "movers": [{"name": "guest"}, {"name": "person", "gesture": "typing"}]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("movers.person.gesture", "typing"),
        ("room.rt60_s", "0.4"),
        ("movers.guest.gesture", None),
        ("movers.nobody.gesture", None),
        ("movers", None),
        ("room.rt60_s.more", None),
    ],
)
def test_members_of_lists_go_by_their_name(key, value):
    assert value_at(DRAWN, key) == value


RULE = MatchRule(
    label="vacancy",
    threshold=0.5,
    refractory_s=1.0,
    guard_s=0.0,
    latency_s=0.0,
    detector="presence",
    stage="device",
)
HIT = Target(1.0, 2.0, Moment(1.5, 0.9), None, 0.5)
MISS = Target(1.0, 2.0, None, None, None)


def trial(gesture: str, distance_m: float = 3.0, rule: MatchRule = RULE, **what):
    outcome = Outcome({"distance_m": distance_m}, 0, {}, (), rule, **what)
    drawn = {"movers": [{"name": "person", "gesture": gesture}]}
    return SimpleNamespace(drawn=drawn, cell={"distance_m": distance_m}, outcomes=[outcome.to_json()])


def test_events_or_trials_with_an_alarm_are_counted_for_each_value():
    key, subject, alarms = "movers.person.gesture", ("presence", "device", "vacancy"), (Moment(3.0, 0.8),) * 2
    trials = [
        trial("typing", targets=(HIT, MISS), false_alarms=alarms),
        trial("typing", targets=(HIT,)),
        trial("page", 2.0, targets=(MISS,)),
        trial("page", targets=(HIT,), invalid="a microphone failed"),
        trial("page", targets=(HIT,), rule=replace(RULE, label="presence")),
    ]
    assert by_drawn(key, trials, subject, True) == {"page": (0, 1), "typing": (2, 3)}
    assert by_drawn(key, trials, subject, False) == {"page": (0, 1), "typing": (1, 2)}
    assert by_drawn("distance_m", trials, subject, True) == {"2.0": (0, 1), "3.0": (2, 3)}
    assert by_drawn("movers.person.height_m", trials, subject, True) == {}
