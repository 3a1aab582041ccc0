import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.interpolate import CubicSpline

from lab.errors import BadInput
from lab.movers.mover import Doorway, Surroundings
from lab.movers.walker import WalkerSpec, make

HALL = Doorway(name="hall", wall="east", along_m=1.0)
ROOM = Surroundings((5.0, 4.0, 2.7), np.array([0.3, 2.0, 1.2]), 60.0, (HALL,))
ROUND = [[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]]


def walker(place=ROOM, seed=1, **keys):
    return make(WalkerSpec(kind="walker", name="ann", **keys), place, np.random.default_rng(seed))


def floor_path(one, time):
    return one.blockers(time)[0][:, :2]


def spans(one, label):
    return [(event.onset_s, event.offset_s) for event in one.truth() if event.label == label]


def test_a_radial_walk_starts_at_its_distance_and_comes_straight_near():
    one = walker(route="radial", distance_m=3.0)
    off = floor_path(one, np.linspace(0.0, 10.0, 500)) - ROOM.device_m[:2]
    distance = np.hypot(*off.T)
    assert distance[0] == pytest.approx(3.0) and distance[-1] == pytest.approx(0.6)
    assert np.ptp(np.arctan2(off[:, 1], off[:, 0])) < 1e-9


@pytest.mark.parametrize(("route", "angle"), [("tangential", 90.0), ("oblique", 45.0)])
def test_a_walk_across_the_line_of_sight_has_its_middle_at_the_distance(route, angle):
    one = walker(route=route, distance_m=3.0)
    start, stop = floor_path(one, np.array([0.0, 60.0]))
    middle = 0.5 * (start + stop) - ROOM.device_m[:2]
    assert np.hypot(*middle) == pytest.approx(3.0) and math.dist(start, stop) == pytest.approx(2.0)
    cosine = abs(np.dot(stop - start, middle)) / (2.0 * 3.0)
    assert math.degrees(math.acos(cosine)) == pytest.approx(angle, abs=1e-6)


def test_entering_is_present_from_the_moment_the_trunk_passes_the_wall():
    one = walker(route="enter", start_s=2.0, point_m=(1.5, 3.0))
    ((onset, offset),) = spans(one, "presence")
    assert floor_path(one, np.array([onset]))[0] == pytest.approx([5.0, 1.0], abs=1e-4)
    assert floor_path(one, np.array([0.0]))[0] == pytest.approx([6.5, 1.0])
    assert offset == 60.0
    assert spans(one, "major_motion") == [(onset, pytest.approx(one.walk.end_s))]


def test_leaving_is_present_until_the_wall_and_moves_from_its_start():
    one = walker(route="leave", start_s=4.0, point_m=(1.5, 3.0))
    ((onset, offset),) = spans(one, "presence")
    assert onset == 0.0 and floor_path(one, np.array([offset]))[0, 0] == pytest.approx(5.0, abs=1e-4)
    assert spans(one, "major_motion") == [(4.0, offset)]


def test_who_walks_outside_is_never_present_and_goes_on_for_hours():
    place = Surroundings(ROOM.size_m, ROOM.device_m, 8 * 3600.0, (HALL,))
    one = walker(place, route="outside", wall="east", door="hall", distance_m=0.8)
    assert one.truth() == ()
    late = floor_path(one, 8 * 3600.0 - np.arange(0.0, 20.0, 0.1))
    assert late[:, 0] == pytest.approx(5.8)
    assert late[:, 1].min() < -0.4 and late[:, 1].max() > 2.4
    assert len(one.walk.stages) < 20


def test_stops_of_a_walk_test_are_no_major_motion():
    one = walker(route="waypoints", waypoints_m=[[1.0, 1.0], [4.0, 1.0]], stops_m=[0.914, 1.828])
    moving = spans(one, "major_motion")
    assert [b[0] - a[1] for a, b in itertools.pairwise(moving)] == pytest.approx([2.0, 2.0])
    assert spans(one, "presence") == [(0.0, 60.0)]


def test_repeated_waypoints_move_until_the_trial_ends():
    one = walker(route="waypoints", waypoints_m=ROUND, repeat=True, start_s=1.0)
    assert spans(one, "presence") == [(0.0, 60.0)] and spans(one, "major_motion") == [(1.0, 60.0)]


def test_repeated_visits_are_present_each_time():
    one = walker(route="waypoints", waypoints_m=[[6.5, 1.0], [3.0, 1.0]], repeat=True)
    visits = spans(one, "presence")
    assert len(visits) > 3
    assert np.ptp([b - a for a, b in visits[:-1]]) < 1e-4
    assert visits[1][0] - visits[0][0] == pytest.approx(one.walk.period_s, abs=1e-5)


def test_a_trial_that_ends_before_the_start_knows_only_presence():
    place = Surroundings(ROOM.size_m, ROOM.device_m, 5.0, (HALL,))
    assert spans(walker(place, route="radial", distance_m=2.0, start_s=9.0), "presence") == [(0.0, 5.0)]
    assert walker(place, route="enter", start_s=9.0).truth() == ()


def test_a_slow_intruder_covers_its_way_at_thirty_millimetres_a_second():
    one = walker(route="radial", distance_m=3.0, travel_m=1.5, speed_m_s=0.03)
    distance = np.hypot(*(floor_path(one, np.array([10.0, 40.0])) - ROOM.device_m[:2]).T)
    assert distance[0] - distance[1] == pytest.approx(0.9, abs=1e-6)
    assert one.walk.end_s == pytest.approx(51.0, abs=0.1)
    assert one.top_speed_m_s < 0.2


def test_single_steps_advance_by_one_step_each_period():
    one = walker(route="radial", distance_m=3.0, travel_m=1.5, step_m=0.15)
    at = np.hypot(*(floor_path(one, np.arange(0.0, 11.0)) - ROOM.device_m[:2]).T)
    assert -np.diff(at)[:10] == pytest.approx(0.15)
    assert len(spans(one, "major_motion")) == 1


@pytest.mark.parametrize("speed", [0.03, 0.3, 1.2, 2.5])
@pytest.mark.parametrize("points", [ROUND, [[1.0, 1.0], [3.0, 1.0], [1.2, 1.1]]])
def test_nothing_is_faster_than_the_top_speed_and_starts_stops_and_corners_are_smooth(speed, points):
    one = walker(route="waypoints", waypoints_m=points, speed_m_s=speed, stops_m=[1.0])
    time = np.arange(-0.1, min(40.0, one.walk.end_s + 1.0), 0.001)
    figure = one.figure(time)
    velocity = np.diff(figure.end_m, axis=1) / 0.001
    assert np.linalg.norm(velocity, axis=2).max() < one.top_speed_m_s
    acceleration = np.linalg.norm(np.diff(velocity, axis=1), axis=2) / 0.001
    # Feet are thrown by up to 15 g; the trunk never by more than 1 g per m/s of walking (or of a turn on the spot).
    assert acceleration.max() < 180.0
    assert acceleration[2].max() < 10.0 * max(speed, 0.3)
    assert one.body.sole_m(figure).min() > -0.02


def test_poses_at_the_pose_rate_give_all_others_by_cubics():
    """Worst position error of a natural cubic through poses at 250 Hz: below 1e-5 m, 0.013 rad of echo phase at 34 kHz."""
    one = walker(route="waypoints", waypoints_m=ROUND, speed_m_s=1.2)
    coarse, fine = np.arange(0.0, 4.0, 1.0 / one.pose_rate_hz), np.arange(0.5, 3.5, 0.0013)
    (shapes,), (exact,) = one.pose(coarse), one.pose(fine)
    assert np.abs(CubicSpline(coarse, shapes.centre_m, axis=1)(fine) - exact.centre_m).max() < 1e-5


def test_who_stands_sways_by_millimetres():
    one = walker(route="radial", distance_m=3.0, start_s=50.0)
    torso = one.figure(np.arange(0.0, 40.0, 0.05)).centre_m[2]
    assert 0.002 < np.ptp(torso[:, 0]) < 0.02
    assert np.abs(np.diff(torso, axis=0)).max() / 0.05 < 0.03


def test_a_pose_does_not_depend_on_what_was_asked_with_it():
    one = walker(route="enter")
    time = np.array([3.0, 1.0, 7.5])
    (together,) = one.pose(time)
    for index in range(3):
        (alone,) = one.pose(time[index : index + 1])
        assert np.allclose(alone.centre_m[:, 0], together.centre_m[:, index], atol=1e-12)
        assert np.allclose(alone.axis[:, 0], together.axis[:, index], atol=1e-12)


def test_equal_seeds_walk_alike_and_others_do_not():
    first, again, other = (walker(seed=seed, route="radial", distance_m=3.0) for seed in (5, 5, 6))
    time = np.arange(0.0, 3.0, 0.1)
    assert np.array_equal(first.pose(time)[0].centre_m, again.pose(time)[0].centre_m)
    assert not np.allclose(first.pose(time)[0].centre_m, other.pose(time)[0].centre_m)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["radial", "tangential", "oblique", "enter", "leave"]),
    st.tuples(st.floats(3.0, 8.0), st.floats(3.0, 6.0)),
    st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)),
    st.sampled_from(["west", "east", "south", "north"]),
    st.integers(0, 2**31),
)
def test_drawn_routes_stay_in_the_room_and_off_the_device(route, size, share, wall, seed):
    along = (size[1] if wall in ("west", "east") else size[0]) / 2.0
    device = np.array([size[0] * share[0], size[1] * share[1], 1.0])
    place = Surroundings((*size, 2.5), device, 30.0, (Doorway(name="hall", wall=wall, along_m=along),))
    keys = {"distance_m": 1.2, "travel_m": 0.5} if route in ("radial", "tangential", "oblique") else {}
    try:
        one = walker(place, seed, route=route, **keys)
    except BadInput as error:
        assert route in ("enter", "leave") and "device" in str(error)  # it stands before the door
        return
    path = floor_path(one, np.arange(0.0, 30.0, 0.05))
    assert np.hypot(*(path - device[:2]).T).min() > 0.249
    (presence,) = spans(one, "presence")
    within = path[int(presence[0] / 0.05) + 1 : int(presence[1] / 0.05)]
    assert np.all(within > -1e-9) and np.all(within < np.array(size) + 1e-9)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"route": "radial", "distance_m": 7.0},
            r"^movers\.ann\.distance_m = 7: .*5 x 4 m.*largest possible distance is 4\.\d\d m",
        ),
        ({"route": "tangential", "distance_m": 4.6}, r"largest possible distance is 4\.\d\d m"),
        (
            {"route": "tangential", "distance_m": 2.0, "travel_m": 9.0},
            r"travel_m: .* does not fit into the room",
        ),
        (
            {"route": "enter", "door": "attic"},
            r"^movers\.ann\.door: no door 'attic' for an entry; doors: hall",
        ),
        ({"route": "enter", "point_m": (9.0, 1.0)}, r"point_m = \[9, 1\]: must be inside the room"),
        ({"route": "enter", "distance_m": 9.0}, r"distance_m = 9: no point of the room"),
        (
            {"route": "waypoints", "waypoints_m": [[1.0, 1.0], [1.0, 9.0]]},
            r"waypoints_m: .*no door for an entry",
        ),
        (
            {"route": "waypoints", "waypoints_m": [[1.0, 1.0]]},
            r"waypoints_m: a path needs at least two points",
        ),
        (
            {"route": "radial", "distance_m": 3.0, "stops_m": [5.0]},
            r"stops_m: 5 m is beyond the path of 2\.40 m",
        ),
        (
            {"route": "radial", "distance_m": 3.0, "step_m": 0.5, "speed_m_s": 0.3},
            r"a step of 0\.5 m takes 2\.\d+ s",
        ),
        ({"route": "outside", "wall": "west", "door": "hall"}, r"no door 'hall' in the west wall"),
    ],
)
def test_what_does_not_fit_is_refused_with_one_message(keys, message):
    with pytest.raises(BadInput, match=message):
        walker(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"route": "radial"}, "needs distance_m"),
        ({"route": "outside"}, "needs wall"),
        ({"route": "radial", "distance_m": 2.0, "height_m": 0.9, "speed_m_s": 1.5}, "walks at most 1.33"),
        ({"route": "radial", "distance_m": 2.0, "repeat": True}, "repeat belongs to"),
        ({"route": "radial", "distance_m": 2.0, "speed_m_s": 3.0}, "less than or equal to 2.5"),
    ],
)
def test_a_spec_that_says_too_little_or_too_much_is_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        WalkerSpec(kind="walker", name="ann", **keys)


def test_a_step_is_heard_where_a_heel_of_the_figure_lands():
    one = walker(route="waypoints", waypoints_m=[(0.8, 3.0), (4.4, 3.0)], start_s=1.0, speed_m_s=1.2)
    falls = one.footfalls()
    heels = one.figure(falls[:, 0] + 0.02).heel_m
    away = np.hypot(heels[..., 0] - falls[:, 1], heels[..., 1] - falls[:, 2]).min(axis=0)
    assert len(falls) >= 5 and falls[0, 0] > 1.0
    assert away.max() < 0.2
    assert np.ptp(falls[:, 2]) < 0.05  # on its line


def test_who_stands_makes_no_steps():
    one = walker(route="waypoints", waypoints_m=[(0.8, 3.0), (4.4, 3.0)], stops_m=(1.8,), stop_s=6.0)
    assert np.diff(one.footfalls()[:, 0]).max() > 5.0
    assert len(walker(route="radial", distance_m=3.0, start_s=70.0).footfalls()) == 0
