"""Where things stand."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.spot import SpotSpec, bearing_to_device, find_spot

PLACE = Surroundings((5.0, 4.0, 2.7), np.array([0.5, 2.0, 1.2]), 30.0)
CLEAR = {"height_m": 0.9, "wall_m": 0.4, "device_m": 0.5}


def test_a_distance_is_exact_and_clear_of_the_walls():
    for seed in range(40):
        spot = find_spot(SpotSpec(name="a", distance_m=3.0), PLACE, np.random.default_rng(seed), **CLEAR)
        assert np.linalg.norm(spot - PLACE.device_m) == pytest.approx(3.0, abs=1e-12)
        assert spot[2] == 0.9
        assert np.all(spot[:2] >= 0.4 - 1e-9)
        assert np.all(spot[:2] <= np.array([4.6, 3.6]) + 1e-9)


def test_a_distance_beyond_the_room_names_the_largest():
    # Farthest corner: 4.1 m and 1.6 m away, 0.3 m lower.
    with pytest.raises(BadInput, match=r"movers\.a\.distance_m = 6: .* largest possible distance is 4\.41 m"):
        find_spot(SpotSpec(name="a", distance_m=6.0), PLACE, np.random.default_rng(1), **CLEAR)
    spot = find_spot(SpotSpec(name="a", distance_m=4.3), PLACE, np.random.default_rng(1), **CLEAR)
    assert np.linalg.norm(spot - PLACE.device_m) == pytest.approx(4.3)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"distance_m": 0.4}, r"movers\.a\.distance_m = 0\.4: .* at least 0\.50 m"),
        ({"position_m": (0.2, 2.0)}, r"movers\.a\.position_m = \[0\.2, 2\] must be 0\.40 m off the walls"),
        ({"position_m": (0.7, 2.0)}, r"movers\.a\.position_m is 0\.36 m from the device"),
    ],
)
def test_a_place_in_a_wall_or_in_the_device_is_refused(place, words):
    with pytest.raises(BadInput, match=words):
        find_spot(SpotSpec(name="a", **place), PLACE, np.random.default_rng(1), **CLEAR)


def test_a_place_is_given_once():
    with pytest.raises(ValidationError, match="exactly one of distance_m, position_m"):
        SpotSpec(name="a")
    with pytest.raises(ValidationError, match="exactly one of distance_m, position_m"):
        SpotSpec(name="a", distance_m=1.0, position_m=(1.0, 1.0))


def test_the_bearing_points_to_the_device():
    spot = np.array([3.0, 2.0, 0.9])
    assert abs(bearing_to_device(spot, PLACE)) == pytest.approx(np.pi)
