"""A robot vacuum: its way, and the echo of its rim against the cylinder's formula."""

from __future__ import annotations

import numpy as np
import pytest

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.robot_vacuum import DEVICE_M, GROUND_M, HEIGHT_M, RADIUS_M, RobotVacuumSpec, make

CARRIER = Carrier.in_air(34e3, Climate(20.0, 50.0, 101.325))
TABLE = Surroundings((5.0, 4.0, 2.7), np.array([0.3, 2.0, 0.75]), 60.0)
FLOOR = Surroundings((5.0, 4.0, 2.7), np.array([0.3, 2.0, GROUND_M + HEIGHT_M / 2]), 60.0)


def vacuum(seed=1, room=TABLE, **keys):
    return make(RobotVacuumSpec(kind="robot_vacuum", name="robo", **keys), room, np.random.default_rng(seed))


def way(robot, t):
    return robot.pose(t)[0].centre_m[-1]  # the lid


def strength_db(robot, room, floor, order):
    """Median of |echo| r^2 exp(2 a r) over 25 s, and the distances."""
    stage = make_stage(
        room.size_m,
        [0.0, 0.0, 0.0, 0.0, floor, 0.0],
        CARRIER,
        room.device_m,
        [room.device_m + [0.01, 0.0, 0.0]],
        [1, 0, 0],
        np.ones(2),
        image_order=order,
    )
    echo = np.abs(FacetEcho(robot, stage, 1000).read(25_000)[0])
    r = np.linalg.norm(way(robot, np.arange(25_000) / 1000) - room.device_m, axis=1)
    strength = 20 * np.log10(echo * r**2 * np.exp(2 * CARRIER.absorption_np_m * r))
    return np.median(strength[r > 1.0]), np.median(r[r > 1.0])


def test_it_goes_straight_from_wall_to_wall_at_one_speed_and_turns_standing():
    robot = vacuum(speed_m_s=0.3)
    t = np.arange(0.0, 1500.0, 0.05)
    place = way(robot, t)[:, :2]
    speed = np.linalg.norm(np.diff(place, axis=0), axis=1) / 0.05
    assert speed.max() <= 0.3 + 1e-6
    cruising = np.abs(speed - 0.3) < 1e-6
    assert cruising.mean() > 0.5
    heading = np.unwrap(np.arctan2(*np.diff(place, axis=0)[:, ::-1].T))
    both = cruising[1:] & cruising[:-1]
    assert np.abs(np.diff(heading)[both]).max() < 1e-6
    # It stops where its rim touches a wall.
    rest = place[1:][speed < 1e-9]
    to_wall = np.min(np.concatenate([rest, np.array([5.0, 4.0]) - rest], axis=1), axis=1)
    assert to_wall == pytest.approx(RADIUS_M, abs=1e-6)
    assert np.all(place >= RADIUS_M - 1e-9)


def test_it_drives_under_a_table_but_round_a_device_on_the_floor():
    device = np.array([2.5, 2.0, 0.06])
    low = Surroundings((5.0, 4.0, 2.7), device, 60.0)
    away = np.linalg.norm(way(vacuum(room=low), np.arange(0.0, 3000.0, 0.1))[:, :2] - device[:2], axis=1)
    assert away.min() >= RADIUS_M + DEVICE_M - 1e-9
    high = Surroundings((5.0, 4.0, 2.7), device + [0.0, 0.0, 0.7], 60.0)
    away = np.linalg.norm(way(vacuum(room=high), np.arange(0.0, 3000.0, 0.1))[:, :2] - device[:2], axis=1)
    assert away.min() < RADIUS_M


def test_level_with_the_device_the_rim_returns_what_a_cylinder_does():
    """h sqrt(R r / (2 wavelength (R + r))), within 1 dB (strips against the curved wall)."""
    found, r = strength_db(vacuum(room=FLOOR, reflection_loss_db=0.0), FLOOR, 0.0, 0)
    wall = HEIGHT_M * np.sqrt(RADIUS_M * r / (2 * CARRIER.wavelength_m * (RADIUS_M + r)))
    assert found == pytest.approx(20 * np.log10(wall), abs=1.0)


def test_seen_from_a_table_it_is_the_floor_that_makes_it_strong():
    """-15 to -20 dB on a hard floor (a slow person, without gait); next to nothing in free field."""
    with_floor, _ = strength_db(vacuum(seed=2), TABLE, 0.95, 1)
    without, _ = strength_db(vacuum(seed=2), TABLE, 0.0, 0)
    assert -20.0 < with_floor < -15.0
    assert without < with_floor - 15.0


def test_it_is_clutter_and_needs_a_floor():
    assert vacuum().truth() == ()
    with pytest.raises(BadInput, match=r"movers\.robo: a room of 0\.7 x 4 m has no floor for a robot vacuum"):
        vacuum(room=Surroundings((0.7, 4.0, 2.5), np.array([0.3, 1.0, 1.0]), 10.0))
