"""What sways in a draught."""

from __future__ import annotations

import numpy as np
import pytest

from lab.acoustics.ultrasonic.bodies import Points
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.swing import SwingSpec, make

ROOM = Surroundings((5.0, 4.0, 2.7), np.array([1.0, 2.0, 0.9]), 60.0)


def swing(seed=1, **keys):
    return make(
        SwingSpec(**({"kind": "swing", "name": "s", "distance_m": 2.0} | keys)),
        ROOM,
        np.random.default_rng(seed),
    )


def track(thing, t):
    shape = thing.pose(t)[0]
    return shape.position_m if isinstance(shape, Points) else shape.centre_m


@pytest.mark.parametrize("thing", ["lamp", "balloon", "plant"])
def test_it_stays_within_its_sway_and_its_speed_and_in_its_place(thing):
    for seed in range(4):
        swinging = swing(seed, thing=thing, sway_m=0.05)
        t = np.arange(0.0, 300.0, 0.01)
        place = track(swinging, t)
        spread = place - 0.5 * (place.max(axis=1, keepdims=True) + place.min(axis=1, keepdims=True))
        reach = np.linalg.norm(spread[..., :2], axis=-1).max()
        assert 0.015 < reach <= 1.1 * 0.05
        fastest = np.linalg.norm(np.diff(place, axis=1), axis=-1).max() / 0.01
        assert fastest <= swinging.top_speed_m_s
        assert 2.0 * fastest * 34e3 / 343.0 < 200.0


def test_a_lamp_swings_at_the_rate_of_its_pendulum():
    t = np.arange(0.0, 400.0, 0.05)
    place = track(swing(thing="lamp", length_m=0.8), t)[0, :, :2]
    along = (place - place.mean(axis=0)) @ np.linalg.svd(place - place.mean(axis=0), full_matrices=False)[2][
        0
    ]
    power = np.abs(np.fft.rfft(along * np.hanning(len(along))))
    # sqrt(9.81 / 0.8) / 2 pi
    assert np.fft.rfftfreq(len(t), 0.05)[power.argmax()] == pytest.approx(0.557, abs=0.005)


@pytest.mark.parametrize(("thing", "side"), [("lamp", 1.0), ("balloon", -1.0)])
def test_cord_or_string_keeps_its_length(thing, side):
    swinging = swing(thing=thing, length_m=0.6, sway_m=0.15)
    body = swinging.pose(np.arange(0.0, 60.0, 0.01))[0]
    pivot = swinging._middle_m + [0.0, 0.0, side * 0.6]
    assert np.linalg.norm(body.centre_m[0] - pivot, axis=1) == pytest.approx(0.6, abs=1e-9)
    assert np.linalg.norm(body.axis, axis=-1) == pytest.approx(1.0, abs=1e-9)
    towards = (pivot - body.centre_m[0]) / 0.6
    np.testing.assert_allclose(side * body.axis[0], towards, atol=1e-9)


def test_leaves_stay_at_a_spread_of_rates():
    plant = swing(thing="plant", rate_hz=0.8)
    assert len(plant.rate_hz) == 12
    assert plant.rate_hz.min() >= 0.8
    assert plant.rate_hz.max() <= 2.4


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"distance_m": 8.0}, r"movers\.s\.distance_m = 8: .* largest possible distance is"),
        ({"height_m": 2.6}, r"movers\.s\.height_m must be 0\.28 to 2\.42 in this room"),
        ({"thing": "lamp", "length_m": 0.2, "sway_m": 0.1}, r"movers\.s\.sway_m must be at most a third"),
    ],
)
def test_what_does_not_fit_is_refused(keys, words):
    with pytest.raises(BadInput, match=words):
        swing(**keys)
    assert swing().truth() == ()
