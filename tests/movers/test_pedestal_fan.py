import math

import numpy as np
import pytest
from pydantic import ValidationError

from lab.acoustics.ultrasonic.rotor import RotorEcho
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.pedestal_fan import PedestalFanSpec, make

DEVICE = np.array([1.0, 2.0, 1.1])
ROOM = Surroundings(size_m=(5.0, 4.0, 2.7), device_m=DEVICE, duration_s=60.0)
RATE = 16_000
K = 2.0 * math.pi * 34_000.0 / 343.2


def fan(seed=1, **keys):
    place = {} if "position_m" in keys else {"distance_m": 2.0}
    return make(
        PedestalFanSpec(kind="pedestal_fan", name="fan", **place, **keys), ROOM, np.random.default_rng(seed)
    )


def target_strength_db(moving, low_hz, high_hz, distance_m=2.0):
    """Echo in a band of Doppler shifts in free field without air loss, as a target strength."""
    carrier = Carrier(34_000.0, 343.2, 0.0)
    stage = make_stage(
        ROOM.size_m, np.ones(6), carrier, DEVICE, [DEVICE], (1, 0, 0), np.ones(2), image_order=0
    )
    echo = RotorEcho(moving, stage, RATE).read(RATE)[0]
    power = np.square(np.abs(np.fft.fft(echo) / RATE))
    shift = np.abs(np.fft.fftfreq(RATE, 1.0 / RATE))
    return 10.0 * np.log10(power[(shift >= low_hz) & (shift < high_hz)].sum()) + 40.0 * np.log10(distance_m)


def test_levels_of_a_fan_seen_twenty_degrees_off_its_axis():
    """Flat blades at 25 degrees, 0.4 m, 1000 rpm. The reference page states -41 dB in 5-400 Hz and -30 dB in 0.4-2 kHz for the kind;
    which blade it took is not said, so each band is held to 10 dB of its figure (these: -48 and -21 dB)."""
    moving = fan(view_deg=20.0, loss_db=0.0)
    slow, fast = target_strength_db(moving, 5.0, 400.0), target_strength_db(moving, 400.0, 2000.0)
    assert slow == pytest.approx(-41.0, abs=10.0)
    assert fast == pytest.approx(-30.0, abs=10.0)


def test_off_its_axis_a_fan_is_fast_and_on_it_still():
    moving = fan(view_deg=0.0, loss_db=0.0)
    assert target_strength_db(moving, 1.0, 8000.0) < -70.0
    assert target_strength_db(fan(view_deg=60.0, loss_db=0.0), 2000.0, 8000.0) > -60.0


def test_a_fan_that_blows_this_way_is_heard_to_come_and_one_that_blows_away_to_go():
    """A blade's face moves along its own normal with the air it pushes, so its glint is shifted up before the fan and down
    behind it."""
    carrier = Carrier(34_000.0, 343.2, 0.0)
    stage = make_stage(
        ROOM.size_m, np.ones(6), carrier, DEVICE, [DEVICE], (1, 0, 0), np.ones(2), image_order=0
    )
    shift = np.fft.fftfreq(RATE, 1.0 / RATE)
    for view_deg, sign in ((30.0, 1.0), (150.0, -1.0)):
        power = np.square(np.abs(np.fft.fft(RotorEcho(fan(view_deg=view_deg), stage, RATE).read(RATE)[0])))
        up, down = power[shift > 20.0].sum(), power[shift < -20.0].sum()
        assert sign * 10.0 * math.log10(up / down) > 10.0


def test_it_stands_at_its_distance_and_faces_where_it_is_told():
    moving = fan(view_deg=30.0)
    pivot = moving.rotor.pivot_m
    assert np.linalg.norm(pivot - DEVICE) == pytest.approx(2.0)
    axis = moving.rotor.hub(0.0)[1][:, 2]
    towards = (DEVICE - pivot) / np.linalg.norm(DEVICE - pivot)
    assert math.degrees(math.acos(axis @ towards)) == pytest.approx(30.0, abs=0.01)


def test_blades_are_rigid_and_turn_at_their_speed():
    moving = fan(rpm=900.0, run={"wander": 0.0}, diameter_m=0.5)
    time = np.linspace(0.0, 0.05, 51)
    (facets,) = moving.pose(time)
    hub, frame = moving.rotor.hub(0.0)
    arm = facets.centre_m - hub
    np.testing.assert_allclose(
        np.linalg.norm(arm, axis=-1), np.linalg.norm(arm[:, :1], axis=-1) * np.ones(51)
    )
    flat = arm @ frame[:, :2]
    angle = np.unwrap(np.arctan2(flat[..., 1], flat[..., 0]), axis=1)
    np.testing.assert_allclose(np.diff(angle, axis=1), 2.0 * math.pi * 15.0 * 0.001, rtol=1e-6)
    speed = np.linalg.norm(np.diff(facets.centre_m, axis=1), axis=-1) / 0.001
    assert speed.max() <= moving.top_speed_m_s == pytest.approx(0.25 * 2.0 * math.pi * 15.0, rel=0.05)


def test_the_head_sweeps_to_both_sides_in_its_period():
    moving = fan(oscillation_deg=45.0, oscillation_s=8.0)
    head = np.degrees(moving.rotor.angles(np.arange(0.0, 16.0, 0.01))[0])
    assert head.min() == pytest.approx(-45.0, abs=0.1)
    assert head.max() == pytest.approx(45.0, abs=0.1)
    np.testing.assert_allclose(head[:800], head[800:], atol=1e-6)


def test_run_up_and_run_down():
    moving = fan(rpm=1200.0, run={"start_s": 5.0, "stop_s": 20.0, "ramp_s": 4.0, "wander": 0.0})
    time = np.arange(0.0, 30.0, 0.001)
    speed = np.diff(moving.rotor.angles(time)[1]) / 0.001 / (2.0 * math.pi)
    at = lambda second: speed[round(second * 1000)]
    np.testing.assert_allclose(
        [at(2), at(7), at(15), at(22), at(28)], [0.0, 10.0, 20.0, 10.0, 0.0], atol=0.02
    )


def test_speed_wanders_no_more_than_it_may():
    moving = fan(rpm=1200.0, run={"wander": 0.01})
    turned = moving.rotor.angles(np.arange(0.0, 40.0, 0.01))[1]
    speed = np.diff(turned) / 0.01 / (2.0 * math.pi)
    assert 19.8 - 1e-3 <= speed.min() < 19.82
    assert 20.18 < speed.max() <= 20.2 + 1e-3


def test_poses_are_a_function_of_time_alone():
    moving, again = fan(oscillation_deg=20.0), fan(oscillation_deg=20.0)
    late = moving.pose(np.array([28_000.0, 0.5]))[0]
    np.testing.assert_array_equal(late.centre_m[:, 1], again.pose(np.array([0.5]))[0].centre_m[:, 0])


def test_it_is_clutter():
    assert fan().truth() == ()
    assert fan().blockers(np.zeros(1)) is None


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"height_m": 0.15, "diameter_m": 0.5}, r"movers\.fan\.height_m = 0\.15"),
        ({"position_m": (1.1, 2.0)}, r"movers\.fan\.position_m"),
        ({"position_m": (4.95, 2.0)}, r"movers\.fan\.position_m"),
    ],
)
def test_a_fan_that_does_not_fit_is_refused(keys, message):
    with pytest.raises(BadInput, match=message):
        fan(**keys)


@pytest.mark.parametrize("keys", [{"rpm": 5000.0}, {"blades": 1}, {"run": {"start_s": 5.0, "stop_s": 6.0}}])
def test_values_out_of_range_are_refused(keys):
    with pytest.raises(ValidationError):
        fan(**keys)
