"""Kinematics of the emulated stage against the closed form of the trapezoid."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.emulators.grbl.planner import Planner

RATE, RAMP = 100.0, 500.0  # mm/s, mm/s^2


def planner(axes: int = 2) -> Planner:
    return Planner((RATE,) * axes, (RAMP,) * axes)


def time_to_rest(motion: Planner, slice_s: float = 1e-3) -> float:
    took = 0.0
    while motion.moving and took < 1000:
        motion.advance(slice_s)
        took += slice_s
    return took


@pytest.mark.parametrize("way", [0.1, 1.0, 5.0, 20.0, 300.0])
@pytest.mark.parametrize("speed", [1.0, 20.0, 100.0])
def test_a_single_move_takes_cruise_and_two_ramps_or_a_triangle(way, speed):
    motion = planner()
    motion.add((way, 0.0), speed)
    ramps = speed * speed / RAMP
    expected = way / speed + speed / RAMP if way > ramps else 2 * math.sqrt(way / RAMP)
    assert time_to_rest(motion) == pytest.approx(expected, abs=2e-3)
    assert motion.position == (way, 0.0)


def test_speed_is_that_of_the_line_and_no_axis_exceeds_its_own():
    motion = Planner((100.0, 10.0), (500.0, 500.0))
    motion.add((30.0, 40.0), None)
    motion.advance(1.0)
    assert motion.speed == pytest.approx(12.5)


def test_a_straight_line_in_pieces_is_as_fast_as_in_one():
    whole, pieces = planner(), planner()
    whole.add((100.0, 0.0), 50.0)
    for x in range(10, 101, 10):
        pieces.add((float(x), 0.0), 50.0)
    assert time_to_rest(pieces) == pytest.approx(time_to_rest(whole), abs=2e-3)


def test_a_reversal_stops_and_a_corner_slows_down():
    back, corner = planner(), planner()
    back.add((10.0, 0.0), 50.0)
    back.add((0.0, 0.0), 50.0)
    corner.add((10.0, 0.0), 50.0)
    corner.add((10.0, 10.0), 50.0)
    single = 10.0 / 50.0 + 50.0 / RAMP
    assert time_to_rest(back) == pytest.approx(2 * single, abs=2e-3)
    half = math.sqrt(0.5)
    junction = math.sqrt(RAMP * 0.01 * half / (1 - half))
    faster = 2 * single - time_to_rest(corner)
    assert faster == pytest.approx(2 * (junction / RAMP - junction**2 / (2 * RAMP) / 50.0), abs=3e-3)


def test_a_hold_brakes_over_v_squared_by_2a_and_through_junctions():
    motion = planner()
    for x in (20.0, 21.0, 22.0, 60.0):
        motion.add((x, 0.0), 50.0)
    while motion.position[0] < 19.0:
        motion.advance(1e-4)
    motion.hold()
    motion.advance(10.0)
    assert not motion.moving
    assert motion.position[0] == pytest.approx(19.0 + 50.0**2 / (2 * RAMP), abs=0.02)
    motion.resume()
    motion.advance(10.0)
    assert motion.position == (60.0, 0.0)


corners = st.lists(
    st.tuples(st.integers(-300, 300), st.integers(-300, 300), st.sampled_from((1.0, 7.0, 40.0, 100.0, None))),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(corners, st.lists(st.floats(1e-4, 0.5), min_size=1, max_size=30), st.integers(0, 5))
def test_however_time_is_cut_the_way_is_the_same_and_every_limit_holds(path, cuts, hold_at):
    fine, cut = planner(), planner()
    for x, y, feed in path:
        for motion in (fine, cut):
            motion.add((x / 10, y / 10), feed)
    total = 0.0
    for number, seconds in enumerate(cuts):
        if number == hold_at:
            fine.hold(), cut.hold()
        if number == hold_at + 3:
            fine.resume(), cut.resume()
        before = cut.speed
        cut.advance(seconds)
        for _ in range(20):
            fine.advance(seconds / 20)
        total += seconds
        assert cut.position == pytest.approx(fine.position, abs=1e-3)
        assert cut.speed <= RATE * math.sqrt(2) + 1e-6
        assert abs(cut.speed - before) <= RAMP * math.sqrt(2) * seconds + 1e-3
    fine.resume(), cut.resume()
    cut.advance(10_000.0)
    assert cut.position == pytest.approx((path[-1][0] / 10, path[-1][1] / 10))
    assert not cut.moving
