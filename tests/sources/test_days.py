"""Days at home: rates, seeds, and tables that a scenario takes."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import BadInput
from lab.sources.appliances import ApplianceSpec
from lab.sources.birdsong import BirdsongSpec
from lab.sources.days import HABITS, Habit, day_at_home
from lab.sources.doors import DoorSpec
from lab.sources.footsteps import FootstepsSpec
from lab.sources.glass import GlassSpec
from lab.sources.impacts import ImpactSpec
from lab.sources.notifications import NotificationSpec
from lab.sources.televised import TvAlarmSpec

SIZE_M = (5.0, 4.0, 2.5)
SPECS = {
    "appliance": ApplianceSpec,
    "birdsong": BirdsongSpec,
    "door": DoorSpec,
    "footsteps": FootstepsSpec,
    "glass": GlassSpec,
    "impact": ImpactSpec,
    "notification": NotificationSpec,
    "tv_alarm": TvAlarmSpec,
}


def test_a_day_is_a_function_of_its_seed():
    assert day_at_home(3, SIZE_M) == day_at_home(3, SIZE_M)
    assert day_at_home(3, SIZE_M) != day_at_home(4, SIZE_M)


def test_every_occurrence_is_a_source_inside_the_room():
    day = day_at_home(1, SIZE_M, busy=5.0)
    names = [one.source["name"] for one in day]
    assert len(set(names)) == len(names)
    assert {one.habit for one in day} >= set(HABITS) - {"crockery_breaks", "film_alarm"}
    for one in day:
        spec = SPECS[one.source["kind"]].model_validate(one.source)
        assert spec.start_s == one.at_s
        assert all(0.0 < axis < edge for axis, edge in zip(spec.position_m, SIZE_M, strict=True))
    assert [one.at_s for one in day] == sorted(one.at_s for one in day)
    assert len({one.source["position_m"][0] for one in day}) <= 12


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
