import math

import numpy as np
import pytest
from scipy.special import j1

from lab.acoustics.ultrasonic.directivity import COSINES, cosines, directivity_index_db, lobed, omni, piston
from lab.errors import BadInput


def at(pattern, angle_deg):
    return np.interp(math.cos(math.radians(angle_deg)), cosines(), pattern)


@pytest.mark.parametrize(("ka", "half_power_deg"), [(11.0, 8.4), (16.0, 5.8)])
def test_piston_has_its_half_power_angle_and_first_null(ka, half_power_deg):
    """Half power at ka sin = 1.616, null at 3.832; read from the table within 0.2 dB."""
    pattern = piston(ka)
    assert math.degrees(math.asin(1.616 / ka)) == pytest.approx(half_power_deg, abs=0.1)
    assert 20.0 * math.log10(at(pattern, half_power_deg)) == pytest.approx(-3.0, abs=0.2)
    assert abs(at(pattern, math.degrees(math.asin(3.8317 / ka)))) < 2e-3


@pytest.mark.parametrize("ka", [3.0, 8.0, 13.0])
def test_piston_index_is_the_closed_form(ka):
    """(ka)^2 / (1 - J1(2 ka) / ka) with nothing behind the baffle; the rear's step costs up to 0.11 dB."""
    expected = 10.0 * math.log10(ka**2 / (1.0 - j1(2.0 * ka) / ka))
    assert directivity_index_db(piston(ka, rear=0.0)) == pytest.approx(expected, abs=0.12)


def test_straight_lines_between_the_cosines_are_good_enough():
    c = np.linspace(0.0, 1.0, 20_011)[:-1]
    x = 20.0 * np.sqrt(1.0 - c * c)
    np.testing.assert_allclose(np.interp(c, cosines(), piston(20.0)), 2.0 * j1(x) / x, atol=4e-3)


def test_the_rear_is_weaker_by_what_is_asked():
    pattern = piston(10.0, rear=0.1)
    assert pattern[0] == pytest.approx(0.1)
    assert pattern[5] / pattern[-6] == pytest.approx(0.1)


@pytest.mark.parametrize("index_db", [5.0, 10.0, 15.0])
def test_lobed_pattern_has_the_index_asked_for(index_db):
    for seed in range(20):
        pattern = lobed(np.random.default_rng(seed), index_db)
        assert directivity_index_db(pattern) == pytest.approx(index_db, abs=1e-6)
        assert pattern.shape == (COSINES,) and pattern[-1] == 1.0


def test_lobes_differ_between_units_and_grow_as_the_index_falls():
    sharp, blunt = (
        np.square(lobed(np.random.default_rng(1), db)[: COSINES // 2 + 300]).mean() for db in (15, 5)
    )
    assert blunt > 5.0 * sharp
    one, other = lobed(np.random.default_rng(1), 8.0), lobed(np.random.default_rng(2), 8.0)
    assert np.abs(one - other).max() > 0.1


def test_omni_has_no_index():
    assert directivity_index_db(omni()) == pytest.approx(0.0, abs=1e-12)


def test_refusals_name_the_key():
    with pytest.raises(BadInput, match="index_db = 20: .* 5 to 15 dB"):
        lobed(np.random.default_rng(1), 20.0)
    with pytest.raises(BadInput, match="ka = 0: .* above 0"):
        piston(0.0)
    with pytest.raises(BadInput, match="ka = 2: .* at least 8"):
        lobed(np.random.default_rng(1), 10.0, ka=2.0)
