"""The real walker: the product that renders it in bulk against exact retarded time, and which limbs are heard."""

import numpy as np
import pytest
from scipy.signal import welch

from lab.acoustics.ultrasonic.bodies import Spheroids
from lab.acoustics.ultrasonic.product import ProductEcho
from lab.acoustics.ultrasonic.retarded import RetardedEcho
from lab.acoustics.ultrasonic.stage import make_stage
from lab.movers.body import SEGMENTS
from lab.movers.mover import Surroundings
from lab.movers.walker import WalkerSpec, make
from tests.acoustics.ultrasonic.oracles import (
    CARRIER,
    DEVICE_M,
    ROOM_M,
    WALLS,
    check,
    level_db,
    residual_db,
    stage,
)

RATE_HZ = 3000
BAND = 48  # of RATE_HZ: bands of 62.5 Hz, wide enough to average what interference does to single lines


def walker(waypoints_m, size_m=ROOM_M, device_m=DEVICE_M):
    spec = WalkerSpec(kind="walker", name="w", route="waypoints", waypoints_m=waypoints_m, repeat=True)
    return make(spec, Surroundings(size_m, device_m, 60.0), np.random.default_rng(1))


def doppler_spectrum(echo):
    """Mean over microphones and time, by band."""
    frequency, power = welch(echo, RATE_HZ, nperseg=BAND, return_onesided=False, detrend=False)
    return frequency, power.mean(axis=0)


@pytest.fixture(scope="module")
def both():
    """Bulk and reference: 10 s of a walk round the room, first-order images, two microphones."""
    person, place = walker([(1.5, 0.9), (4.4, 0.9), (4.4, 3.2), (1.5, 3.2)]), stage(1, 2)
    return [renderer(person, place, RATE_HZ).read(10 * RATE_HZ) for renderer in (ProductEcho, RetardedEcho)]


def test_the_product_has_the_power_of_a_walker(both):
    bulk, reference = both
    check("walker in bulk, power", abs(level_db(bulk) - level_db(reference)), 0.2)


def test_the_product_has_the_doppler_spectrum_of_a_walker(both):
    (_, bulk), (_, reference) = map(doppler_spectrum, both)
    heard = reference > 1e-4 * reference.max()
    check("walker in bulk, Doppler spectrum", np.mean(np.abs(10 * np.log10(bulk / reference)[heard])), 0.2)


def test_the_product_has_not_the_waveform_of_a_walker(both):
    """The echo comes 10 to 30 ms late, while the phase turns many times: the product is for statistics alone."""
    assert residual_db(*both) > -3.0


def test_of_a_body_at_rest_product_and_reference_are_one():
    class Statue:
        name, top_speed_m_s, pose_rate_hz = "statue", 0.0, 10.0

        def pose(self, time_s):
            (body,) = walker([(1.5, 0.9), (4.4, 0.9)]).pose(np.full(len(time_s), 3.3))
            return (body,)

    one, other = (renderer(Statue(), stage(2, 2), 2000).read(4) for renderer in (ProductEcho, RetardedEcho))
    check("body at rest, product", residual_db(one, other))


class Part:
    """Some segments of a body."""

    name = "part"

    def __init__(self, whole, *words):
        self._whole, self.top_speed_m_s, self.pose_rate_hz = whole, whole.top_speed_m_s, whole.pose_rate_hz
        self._rows = [i for i, name in enumerate(SEGMENTS) if any(word in name for word in words)]

    def pose(self, time_s):
        (body,), i = self._whole.pose(time_s), self._rows
        return (
            Spheroids(
                body.centre_m[i], body.axis[i], body.radius_m[i], body.half_length_m[i], body.reflection[i]
            ),
        )


@pytest.mark.parametrize(
    ("oracle", "waypoints_m"),
    [("walker, trunk and legs, radial", [(6.6, 2.0), (1.8, 2.0)]), ("walker, trunk and legs, tangential", [(3.6, 0.5), (3.6, 3.5)])],
)  # fmt: skip
def test_trunk_thighs_and_shanks_dominate_the_moving_echo(oracle, waypoints_m):
    """As Bradley and Sabatier found at 40 kHz (JASA 131, EL203, 2012): seen from knee height, 0.5 m, in free field."""
    device = np.array([0.6, 2.0, 0.5])
    place = make_stage(
        (8.0, 4.0, 2.7), WALLS, CARRIER, device, [device + [0.03, 0, 0]], (1, 0, 0), np.ones(2), image_order=0
    )
    person = walker(waypoints_m, (8.0, 4.0, 2.7), device)

    def moving(*words):
        frequency, power = doppler_spectrum(
            ProductEcho(Part(person, *words), place, RATE_HZ).read(10 * RATE_HZ)
        )
        return power[np.abs(frequency) > 50.0].sum()

    limbs = {
        "trunk": moving("torso", "half"),
        "thighs": moving("thigh"),
        "shanks": moving("shank"),
        "arms": moving("arm"),
        "feet": moving("foot"),
        "head": moving("head", "neck"),
    }
    assert set(sorted(limbs, key=limbs.get)[-3:]) == {"trunk", "thighs", "shanks"}
    rest = sum(limbs[name] for name in ("arms", "feet", "head"))
    check(oracle, 10.0 * np.log10(rest / sum(limbs.values())))
