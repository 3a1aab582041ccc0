"""The reference renderer against closed forms and brute force. Residuals are of the moving part alone; static paths are off."""

import numpy as np
import pytest

from lab.acoustics.ultrasonic.bodies import Facets, Spheroids
from lab.acoustics.ultrasonic.retarded import RetardedEcho, retarded
from lab.acoustics.ultrasonic.scattering import end_factor, support_m
from lab.errors import BadInput, LabFailure
from lab.movers.point import PointMover, PointSpec
from tests.acoustics.ultrasonic.oracles import (
    CARRIER,
    FAR_M,
    RATE_HZ,
    MovingPoints,
    brute_force,
    check,
    double_sum,
    far_stage,
    flight_by_bisection_s,
    line_flight_s,
    mirror_event,
    residual_db,
    stage,
    swinging_lines,
)

C, K = CARRIER.speed_m_s, CARRIER.wavenumber
START, VELOCITY = np.array([3.2, 1.9, 1.1]), np.array([-1.1, 0.7, 0.2])


def point(path, target_strength_db=0.0):
    return PointMover(PointSpec(kind="point", name="p", path=path, target_strength_db=target_strength_db))


def line(start_m=START, velocity_m_s=VELOCITY):
    return point({"shape": "line", "start_m": list(start_m), "velocity_m_s": list(velocity_m_s)})


@pytest.mark.parametrize(("oracle", "order"), [("moving point, free field", 0), ("moving point, images", 3)])
def test_point_of_constant_velocity_is_its_closed_form(oracle, order):
    place, time_s = stage(order), np.arange(0, 1.0, 1 / 2000.0)
    flight = lambda end: line_flight_s(START, VELOCITY, end, time_s, C)
    expected = double_sum(place, line().position_m, flight, time_s)
    check(oracle, residual_db(retarded(line(), place, time_s)[0], expected))


def test_the_emitted_envelope_arrives_with_the_delay_of_each_path():
    place, time_s = stage(1), np.arange(0, 0.4, 1 / 4000.0)
    envelope = lambda t: np.exp(-(((t - 0.2) / 0.02) ** 2) + 2j * np.pi * 150.0 * t)
    flight = lambda end: line_flight_s(START, VELOCITY, end, time_s, C)
    expected = double_sum(place, line().position_m, flight, time_s, envelope)
    found = retarded(line(), place, time_s, envelope, bandwidth_hz=250.0)[0]
    check("emitted burst, images", residual_db(found, expected))


@pytest.mark.parametrize("velocity", [0.03, 1.2, -3.0, 20.0])
def test_a_mirror_that_approaches_shifts_the_tone_by_the_closed_form(velocity):
    # A mirror is heard from the foot of its normal, as a point there of half its distance.
    mover = MovingPoints(
        [lambda t: np.array([-1.0, 0, 0]) * (velocity * t)[:, None]], [1.0], abs(velocity), 10.0
    )
    time_s = np.arange(0, 0.5, 1 / 16000.0)
    echo = retarded(mover, far_stage([1.0, 0.0, 0.0], 400.0), time_s)[0]
    phase = np.unwrap(np.angle(echo))
    shift_hz = (phase[-1] - phase[0]) / (2 * np.pi * time_s[-1])
    exact = CARRIER.frequency_hz * ((C - velocity) / (C + velocity) - 1.0)
    assert shift_hz == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("velocity", [-1.0, 12.0])
def test_a_moving_mirror_between_two_places_is_its_moving_image(velocity):
    place, time_s = stage(0), np.arange(0, 0.05, 1 / 16000.0)
    source, receiver = place.source.position_m[0, 0], np.array([1.1, 3.4, 0.9])
    place.receivers.position_m[0, 0] = receiver
    mirror_m = 3.5

    def reflection_point(ts):
        """Where the mirror reflects at ts: the echo's phase is stationary along it, with both legs' Doppler shifts."""
        low, high = (
            np.full(len(ts), min(source[1], receiver[1])),
            np.full(len(ts), max(source[1], receiver[1])),
        )
        x = mirror_m + velocity * ts
        to, back = x - source[0], x - receiver[0]
        for _ in range(60):
            y = 0.5 * (low + high)
            r_to, r_back = np.hypot(to, y - source[1]), np.hypot(back, y - receiver[1])
            slope = (y - receiver[1]) / r_back * (C - velocity * to / r_to)
            slope += (y - source[1]) / r_to * (C + velocity * back / r_back)
            low, high = np.where(slope < 0, y, low), np.where(slope < 0, high, y)
        return np.stack([x, y, np.full(len(ts), 0.9)], axis=1)

    echo = retarded(MovingPoints([reflection_point], [1.0], 2.0 * abs(velocity), 200.0), place, time_s)[0]
    # The image's event is linear in te; |image - receiver| = c (t - t_image) is quadratic.
    at, x = mirror_event(np.array([0.0, 1.0]), source, mirror_m, velocity, C)
    d_at, d_x = at[1] - at[0], x[1] - x[0]
    p, q = d_x**2 - (C * d_at) ** 2, (x[0] - receiver[0]) * d_x + C**2 * d_at * (time_s - at[0])
    s = (x[0] - receiver[0]) ** 2 + (source[1] - receiver[1]) ** 2 - (C * (time_s - at[0])) ** 2
    te = (-q + np.sqrt(q**2 - p * s)) / p
    expected = np.exp(2j * np.pi * CARRIER.frequency_hz * (te - time_s))
    check("moving mirror, moving image", residual_db(echo / np.abs(echo), expected))


def lines(mover, place, rate_hz, orders, samples=4096):
    """Complex lines at `orders` times rate_hz, from one turn."""
    echo = retarded(mover, place, np.arange(samples) / (samples * rate_hz))[0]
    return (np.fft.fft(echo) / samples)[orders]


def test_a_point_that_swings_along_the_line_of_sight_has_bessel_lines():
    path = {"shape": "harmonic", "centre_m": [0.0, 0.0, 0.0], "amplitude_m": 0.2, "frequency_hz": 20.0}
    mover = point(path | {"direction": [1.0, 0.0, 0.0], "phase_deg": 90.0})
    range_m, orders = 2e4, np.arange(-600, 601)
    found = lines(mover, far_stage([1.0, 0.0, 0.0], range_m), 20.0, orders)
    check("harmonic point, Bessel lines", residual_db(found, swinging_lines(0.2, 20.0, range_m, orders)))


def test_a_turning_point_seen_from_afar_has_bessel_lines():
    view = np.array([np.sin(0.9), 0.0, np.cos(0.9)])  # 0.9 rad off the axis
    mover = point({"shape": "circle", "centre_m": [0.0, 0.0, 0.0], "radius_m": 0.2, "rate_hz": 4.0})
    orders = np.arange(-600, 601)
    found = lines(mover, far_stage(view), 4.0, orders)
    check(
        "rotating point, Bessel lines",
        residual_db(found, swinging_lines(0.2 * np.sin(0.9), 4.0, FAR_M, orders)),
    )


def rotor(radius_m):
    turn = 2.0 * np.pi * 16.0
    return lambda t: (
        np.array([3.0, 1.8, 1.2])
        + radius_m * np.stack([0.5 * np.cos(turn * t), np.sin(turn * t), 0.866 * np.cos(turn * t)], axis=1)
    )


@pytest.mark.parametrize(
    ("oracle", "paths", "top_speed_m_s", "pose_rate_hz"),
    [
        ("moving point, brute force", [lambda t: START + t[:, None] * VELOCITY], 1.32, 10.0),
        ("rotor, brute force", [rotor(0.07), rotor(0.13), rotor(0.2)], 20.2, 1600.0),
    ],
)
def test_fractional_delays_at_96_khz_give_the_same_echo(oracle, paths, top_speed_m_s, pose_rate_hz):
    place, samples, step = stage(1), 3200, 5
    amplitude = np.linspace(0.1, 0.2, len(paths))
    expected = brute_force(place, paths, amplitude, samples)[::step]
    mover = MovingPoints(paths, amplitude, top_speed_m_s, pose_rate_hz)
    found = retarded(mover, place, np.arange(0, samples, step) / RATE_HZ)[0]
    check(oracle, residual_db(found, expected))


class Tumbling:
    """A limb that swings about a joint: centre and axis both turn."""

    name, top_speed_m_s, pose_rate_hz = "limb", 3.0, 200.0
    radius_m, half_length_m, reflection = np.array([0.06]), np.array([0.22]), np.array([0.7])

    def pose(self, time_s):
        angle = 0.8 * np.sin(2 * np.pi * 1.1 * time_s)
        axis = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)
        joint = np.array([3.0, 2.0, 1.2]) + time_s[:, None] * np.array([-0.8, 0.5, 0.0])
        return (
            Spheroids(
                (joint - 0.22 * axis)[None], axis[None], self.radius_m, self.half_length_m, self.reflection
            ),
        )


def test_a_spheroid_is_heard_from_its_specular_points_as_they_were():
    place, time_s, limb = stage(1), np.arange(0, 0.5, 1 / 2000.0), Tumbling()
    a, c = limb.radius_m[0], limb.half_length_m[0]
    k = CARRIER.absorption_np_m + 1j * K

    def leg(ts, end):
        (body,) = limb.pose(ts)
        ray = body.centre_m[0] - end
        r = np.linalg.norm(ray, axis=1)
        cosine = np.sum(ray * body.axis[0], axis=1) / r
        return r - support_m(cosine, a, c), cosine, ray / r[:, None]

    expected = np.zeros(len(time_s), dtype=complex)
    for j, end in enumerate(place.receivers.position_m[0]):
        low, high = np.zeros(len(time_s)), np.full(len(time_s), 0.1)
        for _ in range(55):
            tau = 0.5 * (low + high)
            early = leg(time_s - tau, end)[0] > C * tau
            low, high = np.where(early, tau, low), np.where(early, high, tau)
        s, cosine, _ = leg(time_s - tau, end)
        back = place.receivers.weight[0, j] * end_factor(s, cosine, a, c) * np.exp(-k * s)
        for i, start in enumerate(place.source.position_m[0]):
            s, cosine, ray = leg(time_s - tau, start)
            off_axis = ray @ (place.source.axis * place.source.mirror[i])
            there = (
                0.5
                * (1 + off_axis)
                * place.source.weight[0, i]
                * end_factor(s, cosine, a, c)
                * np.exp(-k * s)
            )
            expected += limb.reflection[0] * back * there
    check("moving spheroid, images", residual_db(retarded(limb, place, time_s)[0], expected))


def test_blocks_of_any_length_give_the_same_samples():
    whole = RetardedEcho(line(), stage(1, 2), 2000).read(1500)
    echo = RetardedEcho(line(), stage(1, 2), 2000)
    parts = [echo.read(length) for length in (1, 0, 331, 700, 468)]
    assert whole.shape == (2, 1500)
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_a_clip_from_the_middle_is_what_the_stream_gives_there():
    stream = RetardedEcho(line(), stage(1), 2000).read(1800)
    clip = retarded(line(), stage(1), np.arange(1600, 1700)[::-1] / 2000)
    assert residual_db(clip[:, ::-1], stream[:, 1600:1700]) < -120.0


def test_a_point_at_rest_is_a_steady_echo():
    echo = retarded(line(velocity_m_s=[0.0, 0.0, 0.0]), stage(2), np.linspace(0, 5, 50))
    np.testing.assert_allclose(echo, echo[:, :1].repeat(50, axis=1), rtol=1e-9)


def test_the_slow_intruder_of_30_mm_a_second_is_at_6_hz():
    """UFGS 28 16: 30 mm/s must be found; towards the device that is 2 v / wavelength = 5.94 Hz at 34 kHz."""
    place = stage(0)
    away = (START - place.source.position_m[0, 0]) / np.linalg.norm(START - place.source.position_m[0, 0])
    echo = retarded(line(velocity_m_s=-0.03 * away), place, np.arange(0, 4.0, 1 / 200))[0]
    phase = np.unwrap(np.angle(echo))
    assert (phase[-1] - phase[0]) / (2 * np.pi * 3.995) == pytest.approx(5.94, abs=0.02)


def test_a_rate_that_cannot_carry_the_speed_is_refused():
    with pytest.raises(BadInput, match="rate_hz = 500: p moves at 1.32 m/s"):
        RetardedEcho(line(), stage(0), 500)


def test_half_the_speed_of_sound_is_refused():
    with pytest.raises(BadInput, match="less than c / 2"):
        retarded(MovingPoints([lambda t: np.zeros((len(t), 3))], [1.0], 200.0, 1.0), stage(0), np.zeros(1))


def test_facets_are_left_to_their_own_renderer():
    class Sheet:
        name, top_speed_m_s, pose_rate_hz = "sheet", 1.0, 10.0

        def pose(self, time_s):
            edge = np.zeros((1, len(time_s), 3))
            return (Facets(edge, edge, edge, np.ones(1)),)

    with pytest.raises(BadInput, match="sheet: Facets have no retarded rendering"):
        retarded(Sheet(), stage(0), np.zeros(1))


def test_a_mover_that_hides_its_speed_is_found_out():
    hasty = MovingPoints([lambda t: START + t[:, None] * np.array([-30.0, 0, 0])], [1.0], 0.01, 20_000.0)
    with pytest.raises(LabFailure, match=r"faster than its top speed of 0.01 m/s"):
        retarded(hasty, stage(0), np.array([0.0]))


def test_flight_by_bisection_agrees_with_the_quadratic():
    time_s, end = np.linspace(0, 1, 50), np.array([0.2, 0.3, 0.4])
    path = lambda t: START + t[:, None] * VELOCITY
    np.testing.assert_allclose(
        flight_by_bisection_s(path, end, time_s, C),
        line_flight_s(START, VELOCITY, end, time_s, C),
        rtol=1e-12,
    )
