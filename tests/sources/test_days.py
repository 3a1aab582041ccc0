"""Days at home: rates, seeds, and tables that a scenario takes."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import BadInput
from lab.sources.catalogue import source_of
from lab.sources.days import APART_M, HABITS, HEIGHTS_M, Habit, day_at_home

SIZE_M = (5.0, 4.0, 2.5)
DEVICE_M = (2.0, 2.0, 0.8)


def test_a_day_is_a_function_of_its_seed():
    assert day_at_home(3, SIZE_M) == day_at_home(3, SIZE_M)
    assert day_at_home(3, SIZE_M) != day_at_home(4, SIZE_M)


def test_every_occurrence_is_a_source_inside_the_room():
    day = day_at_home(1, SIZE_M, busy=5.0, device_m=DEVICE_M)
    names = [one.source["name"] for one in day]
    assert len(set(names)) == len(names)
    assert {one.habit for one in day} >= set(HABITS) - {"crockery_breaks", "film_alarm", "tired_alarm"}
    for one in day:
        spec = source_of(one.source)
        assert spec.start_s == one.at_s
        assert all(0.0 < axis < edge for axis, edge in zip(spec.position_m, SIZE_M, strict=True))
        assert np.hypot(*np.subtract(spec.position_m, DEVICE_M)[:2]) >= APART_M
    assert [one.at_s for one in day] == sorted(one.at_s for one in day)
    assert len({tuple(one.source["position_m"][:2]) for one in day}) <= 12
    assert len({tuple(one.source["position_m"]) for one in day}) <= 12 * len(HEIGHTS_M)


def test_what_lasts_never_overlaps_itself_and_may_have_begun_before():
    shows = [
        one
        for seed in range(30)
        for one in day_at_home(seed, SIZE_M, begins_h=19.0, duration_s=7200.0)
        if one.habit == "television"
    ]
    assert {one.at_s == 0.0 for one in shows} == {True, False}
    assert all(1.0 <= one.source["lasts_s"] <= 7201.0 for one in shows)
    long = {"show": Habit(2.0, 2.0, {"kind": "background", "sound": "music"}, lasts_s=(1200.0, 3600.0))}
    day = day_at_home(4, SIZE_M, habits=long)
    ends = [one.at_s + one.source["lasts_s"] for one in day]
    assert all(later.at_s >= end for later, end in zip(day[1:], ends[:-1], strict=True))


def test_rates_by_day_and_by_night_are_those_of_the_habit():
    """Counts of 40 days against the mean, within 4 standard deviations of a Poisson count."""
    steady = {"tick": Habit(6.0, 0.5, {"kind": "door", "action": "open"})}
    hours = np.concatenate(
        [[o.at_s / 3600.0 for o in day_at_home(s, SIZE_M, habits=steady)] for s in range(40)]
    )
    awake = np.sum((hours >= 7.0) & (hours < 23.0))
    for count, mean in ((awake, 6.0 * 16 * 40), (len(hours) - awake, 0.5 * 8 * 40)):
        assert abs(count - mean) < 4.0 * np.sqrt(mean)
    # Waiting times within the day are exponential: their standard deviation is their mean.
    waits = np.diff(np.sort(hours[(hours >= 7.0) & (hours < 23.0)]))
    assert np.std(waits) == pytest.approx(np.mean(waits), rel=0.1)


def test_a_habit_more_changes_no_other():
    more = HABITS | {"clock": Habit(30.0, 30.0, {"kind": "impact", "object": "plastic"})}
    day = [one for one in day_at_home(2, SIZE_M, habits=more) if one.habit != "clock"]
    assert tuple(day) == day_at_home(2, SIZE_M)


def test_an_hour_may_begin_at_any_hour():
    night = day_at_home(2, SIZE_M, duration_s=14_400.0, begins_h=1.0)
    evening = day_at_home(2, SIZE_M, duration_s=14_400.0, begins_h=18.0)
    assert len(evening) > 5 * max(1, len(night))
    assert all(one.at_s < 14_400.0 for one in evening)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"duration_s": 90_000.0}, "duration_s = 90000: above 0 to 86400"),
        ({"begins_h": 25.0}, "begins_h = 25: 0 to 24"),
        ({"busy": 0.0}, "busy = 0: above 0 to 20"),
    ],
)
def test_what_is_out_of_range_is_refused(keys, told):
    with pytest.raises(BadInput, match=told):
        day_at_home(1, SIZE_M, **keys)
