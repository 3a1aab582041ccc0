import numpy as np
import pytest

from lab.movers.body import SEGMENTS, Body
from lab.movers.gait import cycle_length_m, cycle_s, published, support_share, walking

HAND, KNEE, ANKLE, TOE = (SEGMENTS.index("right_" + name) for name in ("forearm", "thigh", "shank", "foot"))


def steady(height_m, speed_m_s, samples=2000):
    """Time over one cycle, the pose, and forward velocities of all segments' ends."""
    body = Body(height_m)
    gait = walking(body, speed_m_s)
    phase = np.arange(samples) / samples
    time = phase / gait.cadence_hz
    nothing = np.zeros(samples)
    pose = body.place(gait.joints(phase, np.ones(samples)), speed_m_s * time, nothing, nothing)
    return time, body, pose, np.gradient(pose.end_m[..., 0], time, axis=1)


@pytest.mark.parametrize(("speed", "steps"), [(0.5, 68), (0.8, 86), (1.2, 105), (1.5, 118), (2.0, 136)])
def test_cadence_is_that_of_the_published_model(speed, steps):
    assert 120.0 * walking(Body(1.75), speed).cadence_hz == pytest.approx(steps, abs=0.6)


@pytest.mark.parametrize("speed", [0.05, 0.3, 1.2, 2.0])
def test_a_cycle_is_as_long_as_the_speed_takes_it(speed):
    body = Body(1.75)
    rv = speed / body.leg_m
    assert cycle_length_m(rv, body.leg_m) == pytest.approx(speed * cycle_s(rv))
    assert walking(body, speed).cadence_hz == pytest.approx(1.0 / cycle_s(rv))


def test_support_and_double_support_at_a_common_speed():
    # Tc = 1.139 s at 1.2 m/s: support 0.713 s, each double support 0.252 Tc - 0.143 = 0.144 s.
    rv = 1.2 / Body(1.75).leg_m
    assert support_share(rv) * cycle_s(rv) == pytest.approx(0.713, abs=0.001)
    assert (support_share(rv) - 0.5) * cycle_s(rv) == pytest.approx(0.144, abs=0.001)


@pytest.mark.parametrize("rv", [0.5, 1.3])
def test_published_curves_join_where_their_formulas_change(rv):
    below, above = published(rv - 1e-6, 0.86), published(rv + 1e-6, 0.86)
    assert np.abs(below - above).max() < 1e-4


def test_published_extremes():
    degrees = np.degrees(published(1.4, 0.86))
    assert degrees[0].max() == pytest.approx(25.3, abs=0.1) and degrees[0].min() == pytest.approx(
        -15, abs=0.1
    )
    assert degrees[1].max() == pytest.approx(69.7, abs=0.1)
    assert degrees[2].min() == pytest.approx(-20.5, abs=0.1)
    assert degrees[4].max() == pytest.approx(45.5, abs=0.1)
    shift = published(1.4, 0.86)[14:]
    assert np.ptp(shift, axis=1) == pytest.approx(0.86 * np.array([0.042, 0.064, 0.03 * 1.4]), rel=2e-3)


@pytest.mark.parametrize("speed", [0.03, 0.3, 1.2, 2.5])
def test_left_is_right_half_a_cycle_later(speed):
    gait = walking(Body(1.75), speed)
    phase, one = np.linspace(0.0, 1.0, 64), np.ones(64)
    assert np.allclose(gait.joints(phase, one)[5:10], gait.joints(phase + 0.5, one)[:5], atol=1e-12)


@pytest.mark.parametrize(("speed", "slip"), [(0.03, 0.02), (0.3, 0.12), (0.8, 0.2), (1.2, 0.2), (2.0, 0.2)])
def test_the_supporting_foot_stands_still(speed, slip):
    time, body, _, velocity = steady(1.75, speed)
    rv = max(speed / body.leg_m, 0.3)
    share = time / time[-1]
    flat = velocity[ANKLE][(share > 0.08) & (share < support_share(rv) - 0.2)]
    assert abs(flat.mean()) < 0.02
    assert flat.std() < slip


@pytest.mark.parametrize("height", [0.9, 1.2, 1.75, 2.0])
@pytest.mark.parametrize("speed", [0.02, 0.3, 0.8, 1.2])
def test_soles_do_not_go_through_the_floor_and_one_is_near_it(height, speed):
    _, body, pose, _ = steady(height, speed)
    sole = body.sole_m(pose)
    assert sole.min() > -0.02
    assert sole.min(axis=0).max() < 0.04


def test_fastest_speeds_of_the_parts_of_a_common_walk():
    # A port of Chen's script gives torso 1.0-1.4, hand 2.4, knee 2.3, ankle 4.0, toe 4.9 m/s, with a cadence 14 % too slow;
    # here the torso's middle also leans, and the toe lies a heel's length nearer to the ankle.
    time, _, pose, velocity = steady(1.75, 1.2)
    torso = np.gradient(pose.centre_m[2, :, 0], time)
    assert torso.min() == pytest.approx(0.92, abs=0.05) and torso.max() == pytest.approx(1.48, abs=0.05)
    peaks = [velocity[part].max() for part in (HAND, KNEE, ANKLE, TOE)]
    assert peaks == pytest.approx([2.77, 2.49, 4.52, 5.50], rel=0.03)


def test_every_part_advances_by_one_cycle_length():
    *_, velocity = steady(1.75, 1.2)
    assert velocity.mean(axis=1) == pytest.approx(1.2, abs=0.02)


def test_amplitude_nought_is_standing_upright():
    body = Body(1.75)
    joints = walking(body, 1.2).joints(np.linspace(0.0, 1.0, 7), np.zeros(7))
    pose = body.place(joints, np.zeros(7), np.zeros(7), np.zeros(7))
    assert pose.end_m[0, :, 2] == pytest.approx(1.75 * (1.0 - 0.130), abs=1e-9)
    assert np.abs(body.sole_m(pose)).max() < 0.005


def test_faster_than_the_model_is_refused():
    with pytest.raises(ValueError, match=r"ends at 2\.58 m/s, got 2\.6"):
        walking(Body(1.75), 2.6)
