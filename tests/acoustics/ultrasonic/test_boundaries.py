import math

import numpy as np
import pytest

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.boundaries import MATERIALS, draw_walls, reflection
from lab.acoustics.ultrasonic.stage import Carrier
from lab.errors import BadInput

CARRIER = Carrier.in_air(34_000.0, Climate())


def drawn(furnishing, rooms=200):
    rng = np.random.default_rng(1)
    return np.array([draw_walls(furnishing, CARRIER, rng) for _ in range(rooms)])


def test_softer_furnishing_reflects_less():
    """Mean energy per room: hard about 0.91, mixed 0.79, soft 0.62, near the |R| of 0.95, 0.9 and 0.8 studied."""
    energy = {name: np.mean(np.square(drawn(name))) for name in ("hard", "mixed", "soft")}
    assert energy["hard"] == pytest.approx(0.95**2, abs=0.05)
    assert energy["mixed"] == pytest.approx(0.9**2, abs=0.05)
    assert energy["soft"] == pytest.approx(0.8**2, abs=0.05)


def test_walls_of_a_seed_are_the_same_and_of_another_differ():
    one = draw_walls("mixed", CARRIER, np.random.default_rng(3))
    np.testing.assert_array_equal(one, draw_walls("mixed", CARRIER, np.random.default_rng(3)))
    assert not np.any(one == draw_walls("mixed", CARRIER, np.random.default_rng(4)))


def test_no_wall_reflects_more_than_a_smooth_rigid_one():
    walls = np.concatenate([drawn(name) for name in ("hard", "mixed", "soft")])
    assert walls.shape[1] == 6
    assert walls.max() <= math.sqrt(0.99) and walls.min() > 0.0


def test_roughness_loses_3_4_db_at_1_mm():
    """exp(-2 (k sigma)^2) is -6.7 dB at normal incidence; a diffuse field has half of it in dB."""
    loss_db = 20.0 * np.log10(reflection(0.0, 1e-3, CARRIER))
    assert loss_db == pytest.approx(-6.7 / 2.0, abs=0.05)


def test_a_softer_material_absorbs_more():
    assert MATERIALS["glass"].absorption[1] < MATERIALS["carpet"].absorption[0]


@pytest.mark.parametrize("absorption", [-0.1, 1.1, float("nan"), [0.1, -0.2]])
def test_absorption_outside_0_to_1_is_refused(absorption):
    with pytest.raises(BadInput, match=r"absorption = .* 0 to 1"):
        reflection(absorption, 0.0, CARRIER)


def test_negative_roughness_and_unknown_furnishing_are_refused():
    with pytest.raises(BadInput, match="roughness_m = -0.001.* 0 or more"):
        reflection(0.1, -1e-3, CARRIER)
    with pytest.raises(BadInput, match="furnishing = 'lush': there are hard, mixed, soft"):
        draw_walls("lush", CARRIER, np.random.default_rng(1))
