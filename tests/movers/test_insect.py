"""An insect near the device."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import BadInput
from lab.movers.insect import DEVICE_M, InsectSpec, make
from lab.movers.mover import Surroundings

ROOM = Surroundings((5.0, 4.0, 2.7), np.array([0.4, 2.0, 0.9]), 60.0)


def insect(seed=1, **keys):
    return make(InsectSpec(kind="insect", name="fly", **keys), ROOM, np.random.default_rng(seed))


def test_it_flies_about_the_device_within_its_shell_and_its_speed():
    t = np.arange(0.0, 300.0, 0.002)
    place = insect(speed_m_s=2.0).pose(t)[0].position_m[0]
    away = np.linalg.norm(place - ROOM.device_m, axis=1)
    assert away.min() >= DEVICE_M - 1e-9
    assert away.max() <= 1.0 + 1e-9
    assert np.all(place > 0.0)
    assert np.all(place < ROOM.size_m)
    speed = np.linalg.norm(np.diff(place, axis=0), axis=1) / 0.002
    assert 1.8 < speed.max() <= 2.0 + 1e-6


@pytest.mark.parametrize("wing_hz", [20.0, 200.0, 600.0])
def test_its_strength_beats_at_the_wings_and_keeps_its_power(wing_hz):
    fly = insect(wing_hz=wing_hz, wing_depth=0.5)
    t = np.arange(0.0, 1.0, 1 / 12000)
    amplitude = fly.pose(t)[0].amplitude_m[0]
    assert 10 * np.log10(np.mean(amplitude**2)) == pytest.approx(-52.0, abs=0.05)
    line = np.abs(np.fft.rfft(amplitude - amplitude.mean()))
    assert np.fft.rfftfreq(len(t), 1 / 12000)[line.argmax()] == pytest.approx(wing_hz, abs=1.0)
    assert fly.pose_rate_hz >= 12 * wing_hz


def test_the_control_rate_it_asks_for_carries_flight_and_beat():
    # 2 v f0 / c of the flight, and one line of the beat on either side, at 20 kHz.
    fly = insect(speed_m_s=3.0, wing_hz=600.0)
    assert 2.0 * fly.top_speed_m_s * 20e3 / 343.0 >= 2.0 * 3.0 * 20e3 / 343.0 + 600.0


def test_it_is_clutter_and_needs_air_to_fly_in():
    assert insect().truth() == ()
    with pytest.raises(BadInput, match=r"movers\.fly\.farthest_m must be more than nearest_m = 0\.9"):
        insect(nearest_m=0.9, farthest_m=0.8)
    tight = Surroundings((1.5, 1.5, 1.5), np.array([0.75, 0.75, 0.75]), 60.0)
    with pytest.raises(
        BadInput, match=r"movers\.fly: no point 2\.5 to 3 m from the device is inside the room"
    ):
        make(
            InsectSpec(kind="insect", name="fly", nearest_m=2.5, farthest_m=3.0),
            tight,
            np.random.default_rng(1),
        )
