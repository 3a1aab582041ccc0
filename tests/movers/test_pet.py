"""A cat or a small dog at large."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.pet import KEEP_OFF_M, PetSpec, make

ROOM = Surroundings((5.0, 4.0, 2.7), np.array([1.0, 2.0, 0.75]), 60.0)
LOW_DEVICE = Surroundings((5.0, 4.0, 2.7), np.array([1.5, 2.0, 0.2]), 60.0)


def pet(seed=1, room=ROOM, **keys):
    return make(PetSpec(kind="pet", name="tom", **keys), room, np.random.default_rng(seed))


def test_it_keeps_off_walls_and_device_and_within_its_speed():
    for seed in range(3):
        tom = pet(seed, LOW_DEVICE, speed_m_s=1.5, animal=("cat", "dog")[seed % 2])
        t = np.arange(0.0, 900.0, 0.01)
        bodies, paws = tom.pose(t)
        trunk = bodies.centre_m[0]
        assert np.all(trunk[:, :2] >= KEEP_OFF_M - 1e-9)
        assert np.all(trunk[:, :2] <= np.array([4.7, 3.7]) + 1e-9)
        away = np.linalg.norm(bodies.centre_m - LOW_DEVICE.device_m, axis=-1)
        assert (away - bodies.radius_m[:, None]).min() >= KEEP_OFF_M - 1e-9
        speed = np.linalg.norm(np.diff(trunk, axis=0), axis=1) / 0.01
        assert 1.0 < speed.max() <= 1.5 + 1e-6
        everything = np.concatenate([bodies.centre_m, paws.position_m])
        fastest = np.linalg.norm(np.diff(everything, axis=1), axis=-1).max() / 0.01
        assert fastest <= tom.top_speed_m_s


def test_paws_stand_and_step_at_the_stride():
    tom = pet(speed_m_s=1.0, stride_hz=2.5, pause_s=(2.0, 3.0))
    t = np.arange(0.0, 200.0, 0.005)
    bodies, paws = tom.pose(t)
    trunk = np.linalg.norm(np.diff(bodies.centre_m[0], axis=0), axis=1) / 0.005
    paw = np.linalg.norm(np.diff(paws.position_m[0], axis=0), axis=1) / 0.005
    steady = (np.abs(trunk - trunk[np.argmax(trunk)]) < 1e-3) & (trunk > 0.8)
    assert np.quantile(paw[steady] / trunk[steady], 0.02) < 0.1  # stands on the floor
    assert np.quantile(paw[steady] / trunk[steady], 0.98) == pytest.approx(2.0, abs=0.05)
    # When it stops they only follow it as it turns: half a turn in 2 s, 0.09 m from its middle.
    assert paw[trunk < 1e-9].max() < 1.5 * np.pi / 2.0 * 0.095


def test_its_trunk_is_a_ball_of_minus_28_db_less_the_fur():
    bodies, _ = pet(fur_loss_db=7.0).pose(np.zeros(1))
    assert bodies.radius_m[0] == bodies.half_length_m[0] == 0.08
    assert 20 * np.log10(bodies.radius_m[0] / 2 * bodies.reflection[0]) == pytest.approx(-28.0 - 7.0, abs=0.1)


def test_it_is_clutter():
    assert pet().truth() == ()
    assert pet().blockers(np.zeros(2)) is None


def test_a_closet_is_no_place_for_it():
    with pytest.raises(BadInput, match=r"movers\.tom: a room of 0\.8 x 4 m has no floor for a pet"):
        pet(room=Surroundings((0.8, 4.0, 2.5), np.array([0.4, 1.0, 1.0]), 10.0))
    with pytest.raises(BadInput, match=r"movers\.tom\.pause_s must be \[shortest, longest\]"):
        pet(pause_s=(4.0, 1.0))
