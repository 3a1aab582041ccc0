import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import BadInput
from lab.movers.mover import Doorway, Surroundings
from lab.movers.path import TURN_RAD_S, check_way, doorway, through, walk, way_through

HALL = Doorway(name="hall", wall="east", along_m=1.0)
ROOM = Surroundings((5.0, 4.0, 2.7), np.array([0.3, 2.0, 1.2]), 60.0, (HALL,))
CORNER = [(1.0, 1.0), (4.0, 1.0), (4.0, 3.0)]
TO_AND_FRO = [(1.0, 1.0), (3.0, 1.0), (1.0, 1.0)]


def derivative(values, step):
    return (values[2:] - values[:-2]) / (2.0 * step)


def test_arc_length_is_the_length_walked_and_the_heading_its_direction():
    way = way_through(CORNER, 1.2, "k")
    s = np.linspace(0.0, way.length_m, 4001)
    x, y, heading = way.at(s)
    dx, dy = derivative(x, s[1]), derivative(y, s[1])
    assert np.hypot(dx, dy) == pytest.approx(1.0, abs=2e-5)
    assert np.arctan2(dy, dx) == pytest.approx(heading[1:-1], abs=2e-3)
    assert 4.5 < way.length_m < 5.0
    assert (x[-1], y[-1]) == pytest.approx((4.0, 3.0))


@pytest.mark.parametrize("turn", [0.3, 1.0, 1.9, -1.5])
def test_a_corner_ends_where_the_polyline_goes_on(turn):
    ahead = (3.0 + 3.0 * math.cos(turn), 3.0 * math.sin(turn))
    way = way_through([(0.0, 0.0), (3.0, 0.0), ahead], 1.0, "k")
    assert not way.pivots
    # The last straight piece must meet its end without a jump: its length is that of the knots.
    a, b = way.knots[-2], way.knots[-1]
    assert math.dist(a[1:3], b[1:3]) == pytest.approx(b[0] - a[0], abs=1e-9)
    assert (b[1] - a[1], b[2] - a[2]) == pytest.approx(
        ((b[0] - a[0]) * math.cos(turn), (b[0] - a[0]) * math.sin(turn)), abs=2e-4
    )


def test_sharp_and_cramped_corners_are_pivots():
    assert [round(turn, 6) for _, turn in way_through(TO_AND_FRO, 1.2, "k").pivots] == [-round(math.pi, 6)]
    assert len(way_through([(0.0, 0.0), (0.2, 0.0), (0.2, 0.2)], 1.2, "k").pivots) == 1


def test_bodies_turn_at_a_bounded_rate_in_corners_and_on_the_spot():
    for points in (CORNER, TO_AND_FRO, [(0.0, 0.0), (0.3, 0.0), (0.3, 2.0)]):
        course = walk(way_through(points, 1.2, "k"), 1.2, 0.9)
        time = np.arange(0.0, course.end_s + 1.0, 0.002)
        heading = course.at(time)[2]
        assert np.abs(np.diff(heading)).max() / 0.002 < TURN_RAD_S / 0.6 + 0.01
    assert heading[-1] == pytest.approx(math.pi / 2.0)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.5, 4.5), st.floats(0.5, 3.5)), min_size=2, max_size=6),
    st.floats(0.02, 2.5),
    st.booleans(),
)
def test_any_walk_is_smooth_and_stays_within_its_polyline(points, speed, repeat):
    points = [p for i, p in enumerate(points) if i == 0 or math.dist(p, points[i - 1]) > 0.02]
    if len(points) < 2:
        return
    if repeat:
        points = [*points, *points[-2::-1]]
    course = walk(way_through(points, speed, "k"), speed, 1.0, 0.5, repeat=repeat)
    low, high = np.min(points, axis=0) - 1e-6, np.max(points, axis=0) + 1e-6
    end = course.start_s + 1.5 * course.period_s if repeat else course.end_s + 1.0
    begin = max(0.0, end - 40.0)
    time = np.arange(begin, end, 0.005)
    x, y, heading, phase, amplitude = course.at(time)
    assert np.all((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    vx, vy = derivative(x, 0.005), derivative(y, 0.005)
    velocity = np.hypot(vx, vy)
    assert velocity.max() < 1.001 * speed + 1e-6
    acceleration = np.hypot(derivative(vx, 0.005), derivative(vy, 0.005))
    # A ramp of 0.8 s needs at most 2.8 times the speed per second; a corner the speed times 5 rad/s.
    assert acceleration.max() < 6.0 * speed + 1e-3
    assert np.all(np.diff(phase) >= -1e-12) and np.all((amplitude >= 0.0) & (amplitude <= 1.0))
    assert np.abs(np.diff(heading)).max() < 0.03
    assert velocity == pytest.approx(speed * amplitude[1:-1] ** 2, abs=0.02 * speed + 1e-4)


def test_speed_goes_as_the_square_of_the_stride_and_cadence_as_the_stride():
    course = walk(way_through([(0.0, 0.0), (4.0, 0.0)], 1.2, "k"), 1.2, 0.9)
    time = np.arange(0.0, 5.0, 0.001)
    s, _, phase, amplitude = course.progress(time)
    assert derivative(s, 0.001) == pytest.approx(1.2 * amplitude[1:-1] ** 2, abs=1e-4)
    assert derivative(phase, 0.001) == pytest.approx(0.9 * amplitude[1:-1], abs=1e-4)
    assert s[-1] == pytest.approx(4.0)


def test_stops_last_as_long_as_asked_where_asked():
    course = walk(
        way_through([(0.0, 0.0), (4.0, 0.0)], 1.2, "k"), 1.2, 0.9, 1.0, [(0.914, 2.0), (1.828, 2.0)]
    )
    spans = course.moving_s()
    assert spans[0, 0] == 1.0 and spans[1:, 0] - spans[:-1, 1] == pytest.approx([2.0, 2.0])
    x = course.at(spans[:2, 1] + 1.0)[0]
    assert x == pytest.approx([0.914, 1.828])


def test_a_repeated_walk_returns_to_its_start_each_period():
    course = walk(way_through(TO_AND_FRO, 1.2, "k"), 1.2, 0.9, repeat=True)
    time = np.arange(0.0, course.period_s, 0.01)
    first, later = course.at(time), course.at(time + 1000.0 * course.period_s)
    assert later[0] == pytest.approx(first[0], abs=1e-6)
    assert np.cos(later[2]) == pytest.approx(np.cos(first[2]), abs=1e-6)
    assert later[3] - first[3] == pytest.approx((later[3] - first[3])[0])


def test_a_way_through_a_door_crosses_its_wall_at_the_middle():
    outside, behind = through(HALL, ROOM.size_m)
    assert outside == pytest.approx([6.5, 1.0]) and behind == pytest.approx([4.3, 1.0])
    check_way(way_through([outside, behind, (2.0, 3.0)], 2.0, "k"), ROOM, 1.75, "k")


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (
            [(1.0, 1.0), (1.0, 6.0)],
            r"movers.p.route: .*wall, no door for an entry 1.00 m along the north wall; doors: hall",
        ),
        ([(1.0, 3.0), (7.0, 3.0)], r"no door for an entry 3.00 m along the east wall"),
        ([(1.0, 2.0), (0.4, 2.0)], r"passes 0.10 m from the device at \[0.30, 2.00\]"),
        ([(1.0, 0.1), (3.0, 0.1)], r"within 0.10 m of a wall at \[1.00, 0.10\]"),
    ],
)
def test_impossible_ways_are_refused(points, message):
    with pytest.raises(BadInput, match=message):
        check_way(way_through(points, 1.2, "k"), ROOM, 1.75, "movers.p.route")


def test_a_person_may_walk_below_a_device_on_the_ceiling():
    above = Surroundings(ROOM.size_m, np.array([2.5, 2.0, 2.6]), 60.0)
    check_way(way_through([(1.0, 2.0), (4.0, 2.0)], 1.2, "k"), above, 1.75, "k")


def test_closed_doors_and_missing_doors_are_refused():
    closed = Doorway(name="hall", wall="east", along_m=1.0, open=False)
    room = Surroundings(ROOM.size_m, ROOM.device_m, 60.0, (closed,))
    with pytest.raises(BadInput, match=r"the door 'hall' is closed"):
        doorway(room, None, "k")
    with pytest.raises(BadInput, match=r"through the closed door 'hall'"):
        check_way(way_through([(2.0, 1.0), (6.5, 1.0)], 1.2, "k"), room, 1.75, "k")
    with pytest.raises(
        BadInput, match=r"no door 'attic' for an entry; doors: hall \(east wall at 1 m, open\)"
    ):
        doorway(ROOM, "attic", "k")
    with pytest.raises(BadInput, match=r"no door for an entry; the room has no doors"):
        doorway(Surroundings(ROOM.size_m, ROOM.device_m, 60.0), None, "k")
