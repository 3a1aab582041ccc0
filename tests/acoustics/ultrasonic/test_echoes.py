"""Echoes of one mover: opened late, or at a rate above its own, they are the same echo."""

import numpy as np
import pytest

from lab.acoustics.ultrasonic.bodies import Points
from lab.acoustics.ultrasonic.echoes import open_echoes
from lab.acoustics.ultrasonic.product import ProductEcho
from tests.acoustics.ultrasonic.oracles import stage


class Runner:
    """A point on a circle, at 1 m/s."""

    name, top_speed_m_s, pose_rate_hz = "runner", 1.0, 250.0

    def pose(self, time_s):
        angle = 2.0 * np.asarray(time_s)
        place = np.stack(
            [2.5 + 0.5 * np.cos(angle), 2.0 + 0.5 * np.sin(angle), np.full_like(angle, 1.2)], axis=-1
        )
        return (Points(place[None], np.array([0.1])),)


def db(error, whole):
    return 10 * np.log10(np.mean(np.abs(error) ** 2) / np.mean(np.abs(whole) ** 2) + 1e-30)


@pytest.mark.parametrize("rate_hz", [4_000, 16_000])
def test_a_mover_slower_than_the_scene_is_interpolated(rate_hz):
    room = stage(1)
    (echo,) = open_echoes(Runner(), room, rate_hz)
    exact = ProductEcho(Runner(), room, rate_hz)
    pieces = np.concatenate([echo.read(n) for n in (7, 1000, 2993)], axis=1)
    truth = exact.read(4000)
    assert echo.rate_hz == rate_hz
    assert db(pieces - truth, truth) < -70.0


def test_an_echo_opened_late_goes_on_where_the_mover_is():
    room = stage(1)
    (early,) = open_echoes(Runner(), room, 4_000)
    (late,) = open_echoes(Runner(), room, 4_000, start_s=0.5)
    truth = early.read(4000)[:, 2000:]
    assert db(late.read(2000) - truth, truth) < -70.0
