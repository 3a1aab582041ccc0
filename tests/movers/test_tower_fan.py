import numpy as np
import pytest

from lab.acoustics.ultrasonic.rotor import RotorEcho
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.tower_fan import TowerFanSpec, make

DEVICE = np.array([1.0, 2.0, 0.75])
ROOM = Surroundings(size_m=(5.0, 4.0, 2.7), device_m=DEVICE, duration_s=60.0)
RATE = 8000


def fan(**keys):
    spec = TowerFanSpec(kind="tower_fan", name="fan", distance_m=2.0, run={"wander": 0.0}, **keys)
    return make(spec, ROOM, np.random.default_rng(1))


def test_its_lines_lie_above_a_persons_band():
    """1500 rpm x 30 slats: lines 750 Hz apart, and below -80 dB of them in 5-700 Hz, in a room with echoes."""
    carrier = Carrier(34_000.0, 343.2, 0.126)
    stage = make_stage(
        ROOM.size_m, np.full(6, 0.8), carrier, DEVICE, [DEVICE], (1, 0, 0), np.ones(2), image_order=1
    )
    echo = RotorEcho(fan(), stage, RATE).read(RATE)[0]
    power = np.square(np.abs(np.fft.fft(echo)))
    shift = np.abs(np.fft.fftfreq(RATE, 1.0 / RATE))
    first = power[np.isclose(shift, 750.0)].sum()
    assert 10.0 * np.log10(power[(shift >= 5.0) & (shift <= 700.0)].sum() / first) < -80.0
    assert first > 0.1 * power[shift > 1.0].sum()


def test_slats_stand_upright_on_the_drum():
    (facets,) = fan(base_m=0.3, length_m=0.5).pose(np.linspace(0.0, 0.1, 9))
    np.testing.assert_allclose(np.abs(facets.edge_u_m[..., 2]), 0.5)
    np.testing.assert_allclose(facets.centre_m[..., 2], 0.55)


def test_a_drum_through_the_ceiling_is_refused():
    low = Surroundings(size_m=(5.0, 4.0, 1.6), device_m=DEVICE, duration_s=60.0)
    spec = TowerFanSpec(kind="tower_fan", name="fan", distance_m=2.0, base_m=0.8, length_m=0.9)
    with pytest.raises(BadInput, match=r"movers\.fan\.length_m = 0\.9"):
        make(spec, low, np.random.default_rng(1))
