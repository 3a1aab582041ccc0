"""Microphones that do not hear alike everywhere: one pattern, the same to every renderer."""

import numpy as np
import pytest

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.bodies import Facets, Points
from lab.acoustics.ultrasonic.directivity import cosines, housing, omni
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.product import ProductEcho
from lab.acoustics.ultrasonic.retarded import retarded
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.acoustics.ultrasonic.static_field import path_weights
from lab.errors import BadInput

CARRIER = Carrier.in_air(34_000.0, Climate())
DEVICE = np.array([2.0, 2.0, 1.0])
REAR_DB = 12.0


def room(rear_db, order=0, axis=(0.0, 0.0, 1.0)):
    return make_stage(
        (5.0, 4.0, 2.7), np.full(6, 0.9), CARRIER, DEVICE, DEVICE + [[0.035, 0.0, 0.05]], (1.0, 0.0, 0.0), omni(),
        microphone_axis=axis, microphone_pattern=housing(rear_db), image_order=order,
    )  # fmt: skip


class Resting:
    """One point or one small facet at rest."""

    name, top_speed_m_s, pose_rate_hz = "rest", 0.1, 100.0

    def __init__(self, place, flat=False):
        self.place, self.flat = np.asarray(place, dtype=float), flat

    def pose(self, time_s):
        def held(vector):
            return np.tile(np.asarray(vector, dtype=float), (1, len(np.atleast_1d(time_s)), 1))

        if self.flat:
            return (Facets(held(self.place), held([0, 0.01, 0]), held([0, 0, 0.01]), np.ones(1)),)
        return (Points(held(self.place), np.array([0.1])),)


@pytest.mark.parametrize(
    ("angle_deg", "wanted_db"), [(0.0, 0.0), (60.0, 0.0), (180.0, -REAR_DB), (140.0, -REAR_DB)]
)
def test_a_housing_takes_from_behind_and_not_from_the_front(angle_deg, wanted_db):
    found = np.interp(np.cos(np.radians(angle_deg)), cosines(), housing(REAR_DB))
    assert 20 * np.log10(found) == pytest.approx(wanted_db, abs=0.05)


@pytest.mark.parametrize("rear_db", [-1.0, 31.0])
def test_refuses_a_shade_out_of_range(rear_db):
    with pytest.raises(BadInput, match="rear_db"):
        housing(rear_db)


@pytest.mark.parametrize("height_m", [0.2, 0.8, 1.9])
@pytest.mark.parametrize("render", ["product", "retarded", "facets"])
def test_every_renderer_hears_a_body_as_the_pattern_says(render, height_m):
    body = Resting([3.2, 2.3, height_m], flat=render == "facets")

    def echo(rear_db):
        stage = room(rear_db)
        if render == "retarded":
            return retarded(body, stage, np.array([0.5]))[0, 0]
        return (FacetEcho if render == "facets" else ProductEcho)(body, stage, 2_000).read(8)[0, 4]

    ray = body.place - (DEVICE + [0.035, 0.0, 0.05])
    wanted = np.interp(ray[2] / np.linalg.norm(ray), cosines(), housing(REAR_DB))
    assert abs(echo(REAR_DB) / echo(0.0)) == pytest.approx(wanted, rel=2e-3)


def test_walls_mirror_the_axis_and_both_echo_renderers_agree():
    """A body at rest: product and exact retarded time are the same but for rounding."""
    body = Resting([3.2, 2.3, 0.6])
    stage = room(REAR_DB, order=2, axis=(0.6, 0.0, 0.8))
    product = ProductEcho(body, stage, 2_000).read(8)[0, 4]
    exact = retarded(body, stage, np.array([0.5]))[0, 0]
    assert 20 * np.log10(abs(product - exact) / abs(exact)) < -60.0


def test_what_comes_from_the_floor_is_shaded_for_a_microphone_that_looks_up():
    shaded, plain = room(REAR_DB, order=1), room(0.0, order=1)
    ratio = np.abs(path_weights(shaded)[1] / path_weights(plain)[1])[0]
    below = shaded.source.position_m[0, :, 2] < 0.0
    above = shaded.source.position_m[0, :, 2] > 2.7
    assert 20 * np.log10(ratio[below]) == pytest.approx([-REAR_DB], abs=0.1)
    assert ratio[above] == pytest.approx([1.0])
    assert ratio[0] == 1.0  # the direct path goes round the housing


def test_a_microphone_alike_everywhere_changes_nothing():
    assert room(0.0).receivers.even
    assert not room(REAR_DB).receivers.even
