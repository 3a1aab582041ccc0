import math

import numpy as np
import pytest

from lab.acoustics.ultrasonic.rotor import RotorEcho
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput
from lab.movers.ceiling_fan import CeilingFanSpec, make
from lab.movers.mover import Surroundings

SIZE = (5.0, 4.0, 2.7)
RATE = 8000


def fan(device=(2.5, 2.0, 0.75), position=(2.5, 2.0), **keys):
    room = Surroundings(size_m=SIZE, device_m=np.array(device), duration_s=60.0)
    spec = CeilingFanSpec(kind="ceiling_fan", name="fan", position_m=position, **keys)
    return make(spec, room, np.random.default_rng(1))


def band_db(moving, device, low_hz, high_hz):
    """Power in a band of Doppler shifts, in free field, over the square of the distances: a target strength."""
    carrier = Carrier(34_000.0, 343.2, 0.0)
    stage = make_stage(SIZE, np.ones(6), carrier, device, [device], (0, 0, 1), np.ones(2), image_order=0)
    echo = RotorEcho(moving, stage, RATE).read(RATE)[0]
    power = np.square(np.abs(np.fft.fft(echo * np.hanning(RATE)) / RATE)) * 8.0 / 3.0
    shift = np.abs(np.fft.fftfreq(RATE, 1.0 / RATE))
    distance = np.linalg.norm(moving.rotor.pivot_m - device)
    return 10.0 * np.log10(power[(shift >= low_hz) & (shift < high_hz)].sum()) + 40.0 * math.log10(distance)


def test_seen_from_below_it_lies_in_the_human_band_and_fades_to_the_side():
    """-45 to -48 dB of target strength in 5-400 Hz at 45 and 55 degrees, where the reference page states -45 to -50 dB. At 20 degrees
    blades pitched by 12 degrees are mirrors for part of each turn, 1.7 m away: -8 dB, where the page has -24 dB of a blade it
    does not describe."""
    levels = []
    for view in (20.0, 45.0, 55.0):
        device = np.array([2.5 - 1.65 * math.tan(math.radians(view)), 2.0, 0.75])
        levels.append(band_db(fan(device), device, 5.0, 400.0))
    assert -30.0 < levels[0] < -5.0
    np.testing.assert_allclose(levels[1:], -47.5, atol=4.0)


def test_blades_turn_level_below_the_ceiling():
    (facets,) = fan(drop_m=0.4, diameter_m=1.2).pose(np.linspace(0.0, 1.0, 20))
    np.testing.assert_allclose(facets.centre_m[..., 2], 2.3, atol=1e-9)
    arm = np.linalg.norm(facets.centre_m[..., :2] - (2.5, 2.0), axis=-1)
    assert 0.15 < arm.min() < arm.max() < 0.6


def test_tips_go_at_what_the_speed_says():
    assert fan(rpm=120.0, run={"wander": 0.0}).top_speed_m_s == pytest.approx(0.65 * 4.0 * math.pi, rel=0.02)


def test_a_small_room_or_a_device_among_the_blades_is_refused():
    with pytest.raises(BadInput, match=r"movers\.fan"):
        fan(position=(0.4, 2.0))
    with pytest.raises(BadInput, match="sweep over the device"):
        fan(device=(2.9, 2.0, 2.35))
