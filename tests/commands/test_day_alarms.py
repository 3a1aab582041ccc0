"""Which of a day's happenings stand beside an alarm."""

from __future__ import annotations

from detectors.interface import Event
from lab.commands.day_alarms import episodes, sounding
from lab.sources.days import Occurrence


def alarm(label: str, at_s: float) -> Event:
    return Event(at_s - 1.0, at_s, label, 0.9, "sound_events", "cascade")


def thing(habit: str, at_s: float, lasts_s: float | None = None) -> Occurrence:
    return Occurrence(at_s, habit, {"lasts_s": lasts_s} if lasts_s else {})


def test_an_alarm_that_is_told_again_and_again_is_one_episode():
    told = [alarm("co_alarm", at) for at in (100.0, 105.0, 160.0, 230.0)] + [alarm("glass_break", 110.0)]
    assert [(one.label, one.offset_s) for one in episodes(told)] == [
        ("co_alarm", 100.0),
        ("glass_break", 110.0),
        ("co_alarm", 230.0),
    ]


def test_what_was_over_or_had_not_begun_is_not_beside_it():
    day = [
        thing("keys", 90.0),
        thing("pans", 60.0),
        thing("cutlery", 101.0),
        thing("baby", 20.0, 60.0),
        thing("rain", 0.0, 900.0),
    ]
    assert sounding(day, alarm("glass_break", 100.0)) == ("keys",)
    assert sounding(day, alarm("co_alarm", 100.0)) == ("baby", "keys")
