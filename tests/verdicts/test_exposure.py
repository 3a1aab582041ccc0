"""False alarms over hours: what one cause in one trial is worth."""

from dataclasses import replace

import pytest

from lab.verdicts.exposure import Exposure, exposure
from lab.verdicts.intervals import rate
from tests.verdicts.outcomes import listening


def test_alarms_that_come_one_a_trial_have_exact_poisson_bounds():
    apart = exposure([listening(i, hours=2.0, alarms=1) for i in range(10)])
    exact = rate(10, 20.0 / 24.0)
    assert apart.per_day_bounds() == exact


def test_alarms_of_one_trial_are_one_event_of_their_weight():
    apart = exposure([listening(i, hours=2.0, alarms=1) for i in range(10)]).per_day_bounds()
    together = exposure([listening(i, hours=2.0, alarms=10 * (i == 0)) for i in range(10)])
    assert together.count == 10 and together.per_day == 12.0
    bounds = together.per_day_bounds()
    assert bounds.low < 0.1 * apart.low
    assert bounds.high > 2.0 * apart.high
    # One event in 20 h, each of ten alarms.
    assert bounds.low == pytest.approx(10.0 * rate(1, 20.0 / 24.0).low)


def test_alarms_of_before_may_be_of_one_trial_unless_it_is_known_that_they_are_not():
    before = Exposure(3, 10.0, 10.0, 0.0, 0.0, 0.0, 3)
    both = exposure([listening(0, hours=10.0)], before)
    assert both.per_day_bounds().low == pytest.approx(3 * rate(1, 20.0 / 24.0).low)
    assert exposure([listening(0, hours=10.0, alarms=2)], before).clumps == (13, 3)
    apart = replace(before, count_squared=3.0, most=1)
    assert exposure([listening(0, hours=10.0)], apart).per_day_bounds() == rate(3, 20.0 / 24.0)
    assert exposure([listening(0, hours=10.0, alarms=2)], apart).clumps == (7, 2)
