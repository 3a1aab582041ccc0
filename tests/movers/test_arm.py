"""The bar of a WD 7-style arm."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.interface import Event
from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.stage import Carrier, make_stage
from lab.errors import BadInput
from lab.movers.arm import LENGTH_M, ArmSpec, make
from lab.movers.mover import MINOR, Surroundings

DEVICE = np.array([0.3, 2.0, 1.1])
ROOM = Surroundings((5.0, 4.0, 2.7), DEVICE, 60.0)
CARRIER = Carrier.in_air(34e3, Climate(20.0, 50.0, 101.325))


def arm(seed=1, **keys):
    return make(
        ArmSpec(**({"kind": "arm", "name": "bar", "distance_m": 3.0} | keys)),
        ROOM,
        np.random.default_rng(seed),
    )


def tip(bar, time):
    """The middle of the far face (T, 3)."""
    return bar.pose(time)[0].centre_m[0]


def doppler_hz(bar, time):
    """Of the tip, by the change of its distance from the device there and back."""
    away = np.linalg.norm(tip(bar, time) - DEVICE, axis=1)
    return -2.0 * np.gradient(away, time) * CARRIER.frequency_hz / CARRIER.speed_m_s


def test_the_tip_goes_at_0_60_m_s_and_stays_within_119_hz():
    t = np.arange(0.9, 2.3, 1e-3)
    for plane in ("radial", "tangential"):
        bar = arm(plane=plane)
        speed = np.linalg.norm(np.gradient(tip(bar, t), t, axis=0), axis=1)
        assert speed.max() == pytest.approx(0.5985, abs=0.001)
        assert np.abs(doppler_hz(bar, t)).max() <= 119.0
        assert speed.max() <= bar.top_speed_m_s


def test_the_tip_crosses_the_line_to_the_device_or_goes_along_it():
    t = np.arange(0.9, 2.3, 1e-3)
    middle = np.argmin(np.abs(t - 1.55))
    # The bar is level and the device 0.19 m higher at 3 m: cos of 4 degrees.
    assert abs(doppler_hz(arm(plane="radial"), t)[middle]) == pytest.approx(118.0, abs=1.5)
    assert abs(doppler_hz(arm(plane="tangential"), t)[middle]) < 2.0


def test_the_bar_is_level_at_its_height_and_turns_a_right_angle():
    bar = arm()
    ends = tip(bar, np.array([0.0, 30.0])) - bar._pivot_m
    assert bar._pivot_m[2] == 0.914
    assert np.linalg.norm(ends, axis=1) == pytest.approx(LENGTH_M)
    assert ends[0] @ ends[1] == pytest.approx(0.0, abs=1e-12)
    assert np.linalg.norm(bar._pivot_m - DEVICE) == pytest.approx(3.0)


def test_strokes_go_out_and_back_and_only_while_truth_says_so():
    bar = arm(start_s=2.0, repeats=3, pause_s=1.5)
    truth = bar.truth()
    assert truth[0] == Event(2.0, pytest.approx(3.1), MINOR)
    assert [event.onset_s for event in truth] == pytest.approx([2.0, 4.6, 7.2])
    t = np.arange(0.0, 12.0, 0.002)
    speed = np.abs(np.diff(bar.angle(t))) / 0.002
    inside = np.zeros(len(speed), bool)
    for event in truth:
        inside |= (t[1:] > event.onset_s) & (t[:-1] < event.offset_s)
        assert speed[np.abs(t[1:] - event.onset_s - 0.05) < 0.01].min() > 0.5
    assert speed[~inside].max() < 1e-9
    assert bar.angle(np.array([0.0]))[0] == pytest.approx(bar.angle(np.array([6.0]))[0])


def test_a_face_that_looks_away_returns_nothing():
    facets = arm().pose(np.arange(0.0, 3.0, 0.01))[0]
    lit = facets.reflection
    # Opposite faces: at most one of them in full view, and one is always seen.
    for first, second in ((0, 1), (2, 3), (4, 5)):
        assert np.all(np.minimum(lit[first], lit[second]) <= 0.5)
    assert np.all(lit.max(axis=0) > 0.5)
    # The bar lies below the device: its top is seen, its underside never.
    assert lit[4].min() > lit[5].max()


def test_its_echo_keeps_within_the_doppler_of_its_tip():
    """Energy beyond 135 Hz of one stroke, Hann window, is -60 dB or less of that beyond 3 Hz (-79 to -92 dB measured)."""
    for walls, order in (([0.0] * 6, 0), ([0.9] * 6, 2)):
        stage = make_stage(
            ROOM.size_m,
            walls,
            CARRIER,
            DEVICE,
            [DEVICE + [0.05, 0.0, 0.0]],
            [1, 0, 0],
            np.ones(2),
            image_order=order,
        )
        stroke = FacetEcho(arm(), stage, 2000).read(4400)[0, 1900:]
        power = np.abs(np.fft.fft(stroke * np.hanning(len(stroke)))) ** 2
        frequency = np.abs(np.fft.fftfreq(len(stroke), 1 / 2000))
        assert power[frequency > 135.0].sum() < 1e-6 * power[frequency > 3.0].sum()
        assert power[(frequency > 20.0) & (frequency < 120.0)].sum() > 0.01 * power[frequency > 3.0].sum()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"distance_m": 7.0}, r"movers\.bar\.distance_m = 7: .* largest possible distance is 4\.5[0-9] m"),
        ({"distance_m": 0.3}, r"movers\.bar\.distance_m = 0\.3: .* at least 0\.54 m"),
        (
            {"repeats": 30},
            r"movers\.bar: 30 strokes from start_s = 1 end at 92\.0 s, after the trial of 60 s",
        ),
    ],
)
def test_an_arm_that_does_not_fit_is_refused(keys, words):
    with pytest.raises(BadInput, match=words):
        arm(**keys)
