import numpy as np
import pytest
from pydantic import ValidationError

from lab.acoustics.placement import (
    HEIGHTS_M,
    SOURCE_WALL_M,
    PlacementSpec,
    largest_distance_m,
    place_device,
    place_source,
)
from lab.errors import BadInput

SIZE = (8.0, 5.0, 2.7)


def devices(rule, size=SIZE, count=200):
    return np.array(
        [place_device(PlacementSpec(rule=rule), size, np.random.default_rng(seed)) for seed in range(count)]
    )


def off_walls(points, size=SIZE):
    """Distance to the nearest of the four walls."""
    floor = np.asarray(size)[:2]
    return np.minimum(points[:, :2], floor - points[:, :2]).min(axis=1)


@pytest.mark.parametrize(
    ("rule", "off_m", "height_m"),
    [
        ("table", (1.0, 2.5), (0.70, 0.80)),
        ("centre", (2.25, 2.5), (0.70, 0.80)),
        ("shelf", (0.15, 0.30), (1.0, 1.5)),
        ("wall", (0.05, 0.05), (1.2, 1.6)),
    ],
)
def test_a_rule_keeps_its_distances(rule, off_m, height_m):
    points = devices(rule)
    off = off_walls(points)
    assert off.min() >= off_m[0] - 1e-9 and off.max() <= off_m[1] + 1e-9
    assert points[:, 2].min() >= height_m[0] and points[:, 2].max() <= height_m[1]
    assert len(np.unique(points, axis=0)) == len(points)


@pytest.mark.parametrize("rule", ["shelf", "wall"])
def test_every_wall_gets_its_turn(rule):
    points = devices(rule)
    near = 0.31
    sides = [
        points[:, 0] < near,
        points[:, 0] > SIZE[0] - near,
        points[:, 1] < near,
        points[:, 1] > SIZE[1] - near,
    ]
    assert min(side.sum() for side in sides) > 20


@pytest.mark.parametrize("distance_m", [0.7, 1.0, 3.0, 4.5, 6.1])
def test_a_source_stands_at_the_exact_distance_inside_the_room(distance_m):
    for seed in range(50):
        rng = np.random.default_rng(seed)
        device = place_device(PlacementSpec(rule="table"), SIZE, rng, reach_m=distance_m)
        source = place_source(SIZE, device, rng, distance_m=distance_m)
        assert np.linalg.norm(source - device) == pytest.approx(distance_m, abs=1e-9)
        assert off_walls(source[None])[0] >= SOURCE_WALL_M - 1e-9
        assert HEIGHTS_M["tv"][0] <= source[2] <= HEIGHTS_M["tv"][1]


@pytest.mark.parametrize("height", sorted(HEIGHTS_M))
def test_a_source_stands_at_the_height_of_its_kind(height):
    rng = np.random.default_rng(2)
    heights = [place_source(SIZE, (4.0, 2.5, 0.75), rng, distance_m=2.2, height=height)[2] for _ in range(50)]
    low, high = HEIGHTS_M[height]
    assert low <= min(heights) and max(heights) <= high


def test_directions_are_spread_all_around():
    rng = np.random.default_rng(3)
    points = np.array([place_source(SIZE, (4.0, 2.5, 0.75), rng, distance_m=1.5) for _ in range(400)])
    quadrant = 2 * (points[:, 0] > 4.0) + (points[:, 1] > 2.5)
    assert min(np.bincount(quadrant, minlength=4)) > 60


def test_a_near_distance_draws_the_same_device_place_as_a_far_one_where_both_fit():
    near, far = (
        place_device(PlacementSpec(rule="table"), SIZE, np.random.default_rng(4), reach_m=d)
        for d in (1.0, 3.0)
    )
    np.testing.assert_array_equal(near, far)


def test_a_room_too_small_for_the_distance_says_the_largest_possible():
    device = (4.0, 2.5, 1.15)
    longest = largest_distance_m(device, SIZE)
    with pytest.raises(BadInput) as caught:
        place_source(SIZE, device, np.random.default_rng(0), distance_m=9.1, name="sources.tv")
    message = str(caught.value)
    assert "sources.tv.distance_m = 9.1" in message and "8 x 5 x 2.7" in message
    stated = float(message.rsplit("is ", 1)[1].removesuffix(" m"))
    assert stated == pytest.approx(longest, abs=0.01) and stated <= longest
    place_source(SIZE, device, np.random.default_rng(0), distance_m=stated - 0.01)


def test_a_rule_that_cannot_reach_says_the_largest_possible():
    with pytest.raises(
        BadInput, match=r'8 x 5 x 2\.7 m is too small.*rule "table".*largest possible distance is 7\.\d\d m'
    ):
        place_device(PlacementSpec(rule="table"), SIZE, np.random.default_rng(0), reach_m=9.1)


def test_a_source_cannot_be_nearer_than_its_height_allows():
    with pytest.raises(BadInput, match=r"distance_m = 0\.2.*shortest distance.*0\.60 m"):
        place_source(SIZE, (4.0, 2.5, 0.4), np.random.default_rng(0), distance_m=0.2)


def test_coordinates_outside_the_room_are_refused():
    with pytest.raises(BadInput, match=r"placement\.position_m = \[9\.00, 1\.00, 1\.00\].*8 x 5 x 2\.7"):
        place_device(PlacementSpec(position_m=[9.0, 1.0, 1.0]), SIZE, np.random.default_rng(0))
    with pytest.raises(BadInput, match=r"sources\.tv\.position_m"):
        place_source(SIZE, (1, 1, 1), np.random.default_rng(0), position_m=(1, 1, 3.0), name="sources.tv")


def test_a_source_needs_exactly_one_way_to_be_placed():
    with pytest.raises(BadInput, match="exactly one of distance_m, position_m and rule"):
        place_source(SIZE, (1, 1, 1), np.random.default_rng(0), distance_m=1.0, rule="wall")


@pytest.mark.parametrize("given", [{}, {"rule": "table", "position_m": (1.0, 1.0, 1.0)}, {"rule": "roof"}])
def test_a_placement_is_a_rule_or_coordinates(given):
    with pytest.raises(ValidationError):
        PlacementSpec(**given)
