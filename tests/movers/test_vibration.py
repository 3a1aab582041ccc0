"""A device that shakes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.vibration import VibrationSpec, make

ROOM = Surroundings((5.0, 4.0, 2.7), np.array([1.0, 2.0, 0.9]), 600.0)


def vibration(seed=1, **keys):
    return make(VibrationSpec(kind="vibration", name="v", **keys), ROOM, np.random.default_rng(seed))


def test_a_bump_begins_at_its_time_and_rings_down():
    bump = vibration(start_s=2.0, rate_hz=15.0, decay_s=0.15, amplitude_mm=0.4)
    t = np.arange(0.0, 6.0, 1e-3)
    shift = np.linalg.norm(bump.device_shift_m(t)[:, :2], axis=1)
    assert shift[t <= 2.0].max() == 0.0
    # Three periods are 0.2 s.
    first, later = (bump.device_shift_m(np.array([at]))[0] for at in (2.0 + 1 / 60, 2.2 + 1 / 60))
    assert np.hypot(*first[:2]) == pytest.approx(0.4e-3 * np.exp(-1 / 60 / 0.15))
    np.testing.assert_allclose(later, first * np.exp(-0.2 / 0.15), rtol=1e-9)
    assert shift[t > 5.1].max() < 1e-9
    speed = np.linalg.norm(np.diff(bump.device_shift_m(t), axis=0), axis=1) / 1e-3
    assert speed.max() <= bump.top_speed_m_s


def test_a_hum_is_a_line_at_its_rate_with_the_amplitude_asked_for():
    hum = vibration(motion="hum", rate_hz=20.0, amplitude_mm=0.02)
    t = np.arange(0.0, 400.0, 0.005)
    shift = hum.device_shift_m(t)
    along = np.hypot(shift[:, 0], shift[:, 1]) * np.sign(shift[:, 2])
    power = np.abs(np.fft.rfft(along))
    assert np.fft.rfftfreq(len(t), 0.005)[power.argmax()] == pytest.approx(20.0, abs=0.01)
    assert np.sqrt(2 * np.mean(along**2)) == pytest.approx(0.02e-3, rel=0.05)
    assert np.linalg.norm(np.diff(shift, axis=0), axis=1).max() / 0.005 <= hum.top_speed_m_s


def test_bumps_that_overlap_add_up_the_same_in_any_order():
    bumps = vibration(per_h=600.0, decay_s=2.0)
    t = np.arange(0.0, 600.0, 0.01)
    whole = bumps.device_shift_m(t)
    direct = np.zeros(len(t))
    for onset in bumps.onset_s:
        since = np.maximum(t - onset, 0.0)
        direct += 0.3e-3 * np.exp(-since / 2.0) * np.sin(2 * np.pi * 15.0 * since)
    assert np.hypot(whole[:, 0], whole[:, 1]) == pytest.approx(np.abs(direct), abs=1e-9)
    order = np.random.default_rng(3).permutation(len(t))
    np.testing.assert_allclose(bumps.device_shift_m(t[order]), whole[order], atol=1e-15)


def test_nothing_in_the_room_moves_and_nobody_is_there():
    hum = vibration(motion="hum")
    assert hum.pose(np.zeros(3)) == ()
    assert hum.truth() == ()
    assert hum.blockers(np.zeros(3)) is None


def test_a_bump_needs_a_time_within_the_trial():
    with pytest.raises(BadInput, match=r"movers\.v\.start_s must be within the trial of 600 s"):
        vibration(start_s=700.0)
    with pytest.raises(ValidationError, match="a bump needs exactly one of start_s, per_h"):
        VibrationSpec(kind="vibration", name="v")
