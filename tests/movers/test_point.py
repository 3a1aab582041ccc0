import numpy as np
import pytest
from pydantic import ValidationError

from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.point import PointSpec, make

ROOM = Surroundings((5.0, 4.0, 2.7), np.array([1.0, 1.0, 0.8]), 2.0)
LINE = {"shape": "line", "start_m": [3.0, 2.0, 1.0], "velocity_m_s": [-0.5, 0.25, 0.0]}
CIRCLE = {
    "shape": "circle",
    "centre_m": [3.0, 2.0, 1.0],
    "radius_m": 0.2,
    "rate_hz": 15.0,
    "normal": [1.0, 2.0, -2.0],
}
HARMONIC = {
    "shape": "harmonic", "centre_m": [3.0, 2.0, 1.0], "amplitude_m": 0.3, "frequency_hz": 0.7, "direction": [0.0, 3.0, 4.0]
}  # fmt: skip
TIMES = np.linspace(-0.1, 2.0, 2001)


def point(path, **change):
    spec = PointSpec(kind="point", name="ball", path={**path, **change}, target_strength_db=-20.0)
    return make(spec, ROOM, np.random.default_rng(0))


def test_a_line_keeps_its_velocity():
    where = point(LINE).position_m(np.array([0.0, 2.0]))
    np.testing.assert_allclose(where, [[3.0, 2.0, 1.0], [2.0, 2.5, 1.0]])


def test_a_circle_keeps_its_radius_and_its_plane_and_turns_at_its_rate():
    offset = point(CIRCLE).position_m(TIMES) - CIRCLE["centre_m"]
    np.testing.assert_allclose(np.linalg.norm(offset, axis=1), 0.2)
    np.testing.assert_allclose(offset @ [1.0, 2.0, -2.0], 0.0, atol=1e-12)
    quarter = point(CIRCLE).position_m(np.array([0.0, 0.25, 1.0]) / 15.0) - CIRCLE["centre_m"]
    # Right-handed about the normal: the second quarter is normal x first.
    np.testing.assert_allclose(quarter[1], np.cross([1 / 3, 2 / 3, -2 / 3], quarter[0]), atol=1e-12)
    np.testing.assert_allclose(quarter[2], quarter[0], atol=1e-12)


def test_about_a_vertical_axis_the_circle_begins_towards_x():
    np.testing.assert_allclose(
        point(CIRCLE, normal=[0, 0, 2.0]).position_m(np.zeros(1))[0], [3.2, 2.0, 1.0], atol=1e-12
    )


def test_a_harmonic_point_swings_by_its_amplitude_along_its_direction():
    offset = point(HARMONIC).position_m(TIMES) - HARMONIC["centre_m"]
    np.testing.assert_allclose(
        offset, 0.3 * np.sin(2 * np.pi * 0.7 * TIMES)[:, None] * [0, 0.6, 0.8], atol=1e-12
    )


@pytest.mark.parametrize("path", [LINE, CIRCLE, HARMONIC])
def test_top_speed_is_met_and_never_exceeded(path):
    mover = point(path)
    speed = np.linalg.norm(np.diff(mover.position_m(TIMES), axis=0), axis=1) / np.diff(TIMES)
    assert 0.99 * mover.top_speed_m_s < speed.max() <= mover.top_speed_m_s * (1.0 + 1e-9)


@pytest.mark.parametrize("path", [LINE, CIRCLE, HARMONIC])
def test_cubics_between_its_poses_are_right_within_a_micrometre(path):
    mover = point(path)
    step = 1.0 / mover.pose_rate_hz
    knots = mover.position_m(np.arange(-1, 3) * step)
    between = np.array([-1.0, 9.0, 9.0, -1.0]) / 16.0 @ knots
    assert np.linalg.norm(between - mover.position_m(np.array([0.5 * step]))[0]) < 1e-6


def test_the_echo_has_the_target_strength_and_speaks_of_nobody():
    mover = point(LINE)
    (shape,) = mover.pose(TIMES)
    assert shape.position_m.shape == (1, len(TIMES), 3)
    np.testing.assert_allclose(shape.amplitude_m, [0.1])
    assert mover.truth() == () and mover.blockers(TIMES) is None


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        (LINE, {"velocity_m_s": [1.2, 0.0, 0.0]}, "must be inside the room of 5 x 4 x 2.7 m"),
        (LINE, {"velocity_m_s": [-1.0, -0.5, -0.1]}, "the nearest allowed is 0.05 m"),
        (CIRCLE, {"radius_m": 2.5}, "must be inside the room"),
        (CIRCLE, {"centre_m": [1.2, 1.0, 0.8], "normal": [0, 0, 1.0]}, "comes 0.000 m near the device"),
        (CIRCLE, {"normal": [0.0, 0.0, 0.0]}, "path.normal = [0, 0, 0]"),
        (HARMONIC, {"amplitude_m": 3.0}, "must be inside the room"),
        (HARMONIC, {"centre_m": [1.0, 1.15, 1.0]}, "the nearest allowed is 0.05 m"),
    ],
)
def test_a_path_through_a_wall_or_the_device_is_refused(path, change, said):
    with pytest.raises(BadInput) as refusal:
        point(path, **change)
    assert str(refusal.value).startswith("movers.ball.path") and said in str(refusal.value)


def test_a_circle_round_the_device_is_allowed():
    assert point(CIRCLE, centre_m=[1.0, 1.0, 0.8], normal=[0, 0, 1.0]).top_speed_m_s == pytest.approx(
        18.85, abs=0.01
    )


def test_a_shape_that_there_is_not_is_refused():
    with pytest.raises(ValidationError, match="circle"):
        point(LINE, shape="spiral")
