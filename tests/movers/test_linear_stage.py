"""What a linear stage carries."""

from __future__ import annotations

import numpy as np
import pytest

from lab.acoustics.ultrasonic.bodies import Facets, Spheroids
from lab.errors import BadInput
from lab.movers.linear_stage import LinearStageSpec, make, truth_of
from lab.movers.mover import Surroundings

ROOM = Surroundings((5.0, 4.0, 2.7), np.array([0.5, 2.0, 0.9]), 30.0)
USUAL = {
    "kind": "linear_stage",
    "name": "rail",
    "distance_m": 1.5,
    "end_m": 1.0,
    "speed_m_s": 0.4,
    "start_s": 12.0,
}


def stage(**keys):
    return make(LinearStageSpec(**USUAL | keys), ROOM, np.random.default_rng(1))


def test_it_goes_straight_from_one_distance_to_the_other():
    """0.5 m at 0.4 m/s and 1 m/s^2: 0.4 s of ramp, 0.85 s at speed, 0.4 s of ramp."""
    t = np.linspace(0.0, 30.0, 30_001)
    (plate,) = stage().pose(t)
    assert isinstance(plate, Facets)
    distance = np.linalg.norm(plate.centre_m[0] - ROOM.device_m, axis=1)
    np.testing.assert_allclose(distance, stage().distance_m(t), atol=1e-12)
    assert distance[t <= 12.0] == pytest.approx(1.5) and distance[t >= 13.651] == pytest.approx(1.0)
    speed = np.diff(distance) / 0.001
    assert speed.min() == pytest.approx(-0.4) and speed.max() == pytest.approx(0.0, abs=1e-9)
    assert np.abs(np.diff(speed)).max() / 0.001 == pytest.approx(1.0, rel=1e-3)
    # The plate faces the device.
    normal = np.cross(plate.edge_u_m[0], plate.edge_v_m[0])[0]
    assert abs(normal @ (plate.centre_m[0, 0] - ROOM.device_m)) == pytest.approx(1.5 * 0.3**2)


def test_a_short_way_never_reaches_its_speed():
    moving = stage(end_m=1.46, carries="ball", size_m=0.2)
    t = np.arange(12.0, 13.0, 0.001)
    (ball,) = moving.pose(t)
    assert isinstance(ball, Spheroids)
    assert np.abs(np.diff(moving.distance_m(t))).max() / 0.001 == pytest.approx(0.2, rel=1e-2)
    assert moving.spec.stroke_s == pytest.approx(0.4)


def test_every_other_stroke_goes_back_and_each_is_a_motion():
    moving = stage(strokes=3, pause_s=1.0)
    found = moving.truth()
    assert [event.label for event in found] == ["presence"] + 3 * ["major_motion"]
    assert (found[0].onset_s, found[0].offset_s) == (12.0, 30.0)
    rests = [moving.distance_m(np.array([event.offset_s]))[0] for event in found[1:]]
    np.testing.assert_allclose(rests, [1.0, 1.5, 1.0])
    assert [moving.spec.goal_m(stroke) for stroke in range(3)] == [1.0, 1.5, 1.0]


def test_a_real_stage_may_take_over():
    moving = stage(motion="minor_motion")
    moving.follow(lambda time_s: 1.5 - 0.01 * time_s)
    assert moving.pose(np.array([10.0]))[0].centre_m[0, 0] == pytest.approx(
        ROOM.device_m + (1.4 / 1.5) * (stage().pose(np.zeros(1))[0].centre_m[0, 0] - ROOM.device_m)
    )
    assert moving.expected_pose(np.array([10.0]))[0].centre_m == pytest.approx(
        stage().pose(np.array([10.0]))[0].centre_m
    )
    found = truth_of(moving.spec, [(-1.0, 0.5), (12.2, 13.9), (29.5, 31.0), (40.0, 41.0)], 30.0)
    assert [(e.onset_s, e.offset_s) for e in found] == [(0.0, 30.0), (0.0, 0.5), (12.2, 13.9), (29.5, 30.0)]
    assert {event.label for event in found} == {"presence", "minor_motion"}
    assert truth_of(moving.spec, [], 30.0) == ()


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"end_m": 1.5}, "end_m = 1.5: at least 0.01 m from distance_m"),
        ({"end_m": 0.31, "size_m": 0.4}, "end_m = 0.31: at least 0.35 m"),
        ({"distance_m": 9.0, "end_m": 8.5}, "largest possible distance"),
        ({"start_s": 29.0}, "strokes from start_s = 29 end at 30.6 s"),
    ],
)
def test_what_does_not_fit_is_said(keys, complaint):
    with pytest.raises(BadInput, match=complaint):
        stage(**keys)
