import math

import numpy as np
import pytest

from lab.verdicts.paired import difference, range_m, range_ratio


def test_pairs_that_agree_differ_by_nothing_with_a_bound_that_closes_in():
    few, many = (difference([True] * n, [True] * n) for n in (20, 300))
    assert few.value == many.value == 0.0
    assert few.low < many.low < 0.0
    assert many.low == pytest.approx(-(1 - 0.025 ** (1 / 300)))


def test_the_bound_of_a_difference_holds_as_often_as_it_says():
    """Pairs with P(first alone) = 0.05 and P(second alone) = 0.08: the truth is -0.03."""
    rng = np.random.default_rng(2)
    below = 0
    for _ in range(400):
        draw = rng.random(300)
        a, b = draw < 0.90, (draw < 0.85) | (draw > 0.92)
        below += difference(a, b).low <= -0.03
    assert below / 400 >= 0.95


def test_range_is_read_off_between_distances_and_ignores_a_rise():
    assert range_m({2.0: 1.0, 4.0: 1.0, 6.0: 0.8}, 0.9) == pytest.approx(5.0)
    assert range_m({2.0: 0.9, 4.0: 1.0, 6.0: 0.5}, 0.9) == pytest.approx(4.0 + 2.0 * 0.05 / 0.45)
    assert range_m({2.0: 0.5, 4.0: 0.1}, 0.9) == 0.0
    assert range_m({2.0: 1.0, 4.0: 0.95}, 0.9) == 4.0


def test_equal_ranges_have_a_ratio_of_one_and_no_range_has_none():
    found = {2.0: [True] * 40, 4.0: [True] * 30 + [False] * 10}
    same = range_ratio(found, found, 0.9)
    assert (same.ratio, same.low, same.high) == (1.0, 1.0, 1.0)
    nothing = range_ratio(found, {2.0: [False] * 40, 4.0: [False] * 40}, 0.9)
    assert math.isnan(nothing.ratio) and (nothing.low, nothing.high) == (0.0, math.inf)
