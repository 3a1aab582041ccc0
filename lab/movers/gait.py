"""How a person walks: the global human walking model of Boulic, Magnenat-Thalmann and Thalmann.

With RV = v / Ht (speed by the length of thigh and shank, 1/s) and t the phase, 0 to 1 from heel strike to heel strike:

    cycle length 1.346 sqrt(RV) Ht     cycle time Tc = 1.346 / sqrt(RV) s     support 0.752 Tc - 0.143 s

and every joint a periodic curve through control points at its extremes (R. Boulic, N. Magnenat-Thalmann, D. Thalmann: A global
human walking model with real-time kinematic personification, The Visual Computer 6, 344-358, 1990). Between
two extremes it runs with level ends (cubic), and is kept to 8 harmonics, so that all accelerations are bounded.

Two things are ours. The published hip flexion lets the supporting foot slide (-0.2 to +0.3 m/s from 0.5 to 2 m/s): it is scaled
so that this foot stands still on average. Below RV = 0.3, slower than anything measured, the gait is that of RV = 0.3
with amplitudes and cadence in proportion to sqrt(RV): short, slow shuffling steps; feet still stand while the body passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array
from lab.movers.body import CHANNELS, Body

LARGEST_RV = 3.0
SMALLEST_RV = 0.3
HARMONICS = 8
_SAMPLES = 256
_STANDING = np.zeros(len(CHANNELS))
_STANDING[[CHANNELS.index(side + "_elbow") for side in ("right", "left")]] = math.radians(8.0)
_STANDING[[CHANNELS.index(side + "_shoulder") for side in ("right", "left")]] = math.radians(2.0)
PENETRATION_M = 0.012  # how deep a sole may press into the floor


def cycle_s(rv: float) -> float:
    """Time of one cycle, two steps, in s."""
    return 1.346 / math.sqrt(rv)


def cycle_length_m(rv: float, leg_m: float) -> float:
    """Length of one cycle, two steps, in m."""
    return 1.346 * math.sqrt(rv) * leg_m


def support_share(rv: float) -> float:
    """Share of a cycle during which a foot is on the floor; what exceeds one half is double support on either side."""
    return 0.752 - 0.143 / cycle_s(rv)


@dataclass(frozen=True, eq=False)
class Gait:
    """Joints over phase at one steady speed, and smaller copies of it while starting, stopping or shuffling.

    cadence_hz: cycles per second. coefficients: (17, 2 * HARMONICS + 1), deviations from standing: mean, cosines, sines.
    """

    speed_m_s: float
    cadence_hz: float
    coefficients: Array

    def joints(self, phase: Array, amplitude: Array) -> Array:
        """Rows as in CHANNELS, (17, T), at phase (T,) in cycles and amplitude (T,), 0 standing to 1 walking."""
        turn = np.exp(2j * np.pi * (phase - np.floor(phase)))
        basis = np.empty((2 * HARMONICS + 1, len(phase)))
        basis[0] = amplitude
        power = amplitude.astype(np.complex128)
        for harmonic in range(1, HARMONICS + 1):
            power = power * turn
            basis[harmonic] = power.real
            basis[HARMONICS + harmonic] = power.imag
        return _STANDING[:, None] + self.coefficients @ basis


def walking(body: Body, speed_m_s: float) -> Gait:
    """The gait of this body at this speed. speed_m_s: above 0, up to RV = 3 (3 Ht, 2.6 m/s for a height of 1.75 m)."""
    rv = speed_m_s / body.leg_m
    if not 0.0 < rv <= LARGEST_RV:
        raise ValueError(f"the walking model ends at {LARGEST_RV * body.leg_m:.2f} m/s, got {speed_m_s:g}")
    shape_rv = max(rv, SMALLEST_RV)
    curves = published(shape_rv, body.leg_m)
    shape_speed = shape_rv * body.leg_m
    low, high = 0.4, 2.0
    for _ in range(30):  # the longer the stride, the faster the foot goes back under the body
        middle = 0.5 * (low + high)
        if _slip_m_s(_fitted(curves, shape_speed, shape_rv, middle), body, shape_rv) > 0.0:
            low = middle
        else:
            high = middle
    gait = _fitted(curves, shape_speed, shape_rv, 0.5 * (low + high))
    slower = math.sqrt(rv / shape_rv)
    coefficients = gait.coefficients * slower
    cycle = np.arange(_SAMPLES) / _SAMPLES
    still = Gait(speed_m_s, 1.0 / cycle_s(rv), coefficients)
    none = np.zeros(_SAMPLES)
    sole = body.sole_m(body.place(still.joints(cycle, np.ones(_SAMPLES)), none, none, none))
    # The body is as high as lets the soles touch the floor on average, and no deeper than a shoe gives way.
    lowest = sole.min(axis=0)
    coefficients[-1, 0] += max(-float(lowest.mean()), -float(lowest.min()) - PENETRATION_M)
    return still


def published(rv: float, leg_m: float) -> Array:
    """The model's own curves, (17, 256) over one cycle, in rad and m, rows as in CHANNELS; rv: up to 3."""
    phase = np.arange(_SAMPLES) / _SAMPLES
    slow = min(rv, 0.5)
    early, late = (min(max(rv, 0.5), 1.3) - 0.5) / 0.8, (max(rv, 1.3) - 1.3) / 1.7
    support = support_share(rv)
    hip = _curve(
        phase, (0.2 * late - 0.1, 50 * slow + 5 * late), (0.5, -30 * slow), (0.9, 50 * slow + 6 * late)
    )
    knee = _curve(
        phase,
        (0.17 - 0.05 * late, 3 + 22 * late),
        (0.40, 3),
        (0.75 - 0.05 * late, 140 * slow - 5 * late),
        (1.0 - 0.03 * late, 3 + 3 * late),
    )
    ankle = _curve(
        phase,
        (0.0, -3 + 5 * late),
        (0.08, -3 - 30 * slow + 4 * late),
        (0.5 - 0.1 * late, -3 + 22 * slow - 3 * late),
        (support, -3 - 34 * slow - 8 * late),
        (0.85, -3 + 5 * late),
    )
    shoulder = 3.0 - 9.88 * rv * (0.5 + np.cos(2 * np.pi * phase))
    elbow = _curve(
        phase,
        (0.05, 3 + 6 * slow + 8 * early - 6 * late),
        (0.5 + 0.01 * early + 0.04 * late, 3 + 34 * slow + 24 * early + 26 * late),
        (0.9 - 0.1 * late, 3 + 10 * slow + 9 * early - 6 * late),
    )
    thorax = _curve(phase, *zip((0.1, 0.4, 0.6, 0.9), rv * np.array([4, -4.5, -4, 4.5]) / 3.0, strict=True))
    half = np.mod(phase, 0.5)
    falling = np.where(half < 0.15, half / 0.3, 0.5 + (half - 0.15) / 0.7)
    roll = 1.66 * rv * (1.0 - np.cos(2 * np.pi * falling)) * np.where(phase < 0.5, 1.0, -1.0)
    rising = 4.0 * slow * (1.0 - slow)  # 0 to 1 while the published amplitudes grow
    lean = 2.0 * rising * (1.0 - np.sin(2 * np.pi * (2 * phase - 0.1)))
    degrees = np.zeros((len(CHANNELS), _SAMPLES))
    right = np.stack((hip, knee, ankle, shoulder, elbow))
    degrees[:5], degrees[5:10] = right, np.roll(right, _SAMPLES // 2, axis=1)
    # The right hip leads at the right heel's strike, the right shoulder trails; the swinging side's hip drops.
    degrees[10:14] = 4.0 * rv * np.cos(2 * np.pi * phase), roll, -thorax, lean
    curves = np.radians(degrees)
    curves[14] = -0.021 * rising * np.sin(2 * np.pi * (2 * phase + 2 * (0.625 - support))) * leg_m
    curves[15] = -0.032 * rising * np.sin(2 * np.pi * (phase - 0.1)) * leg_m
    curves[16] = 0.015 * rv * np.sin(2 * np.pi * (2 * phase - 0.35)) * leg_m
    return curves


def _curve(phase: Array, *points: tuple[float, float]) -> Array:
    """Periodic, level at its control points (phase, value), cubic in between."""
    at, value = np.array([point[0] for point in points]) % 1.0, np.array([point[1] for point in points])
    at, first = np.unique(np.round(at, 9), return_index=True)
    value = value[first]
    at = np.concatenate((at[-1:] - 1.0, at, at[:1] + 1.0))
    value = np.concatenate((value[-1:], value, value[:1]))
    piece = np.searchsorted(at, phase, side="right") - 1
    part = (phase - at[piece]) / (at[piece + 1] - at[piece])
    return value[piece] + (value[piece + 1] - value[piece]) * part**2 * (3.0 - 2.0 * part)


def _fitted(curves: Array, speed_m_s: float, rv: float, hip_scale: float) -> Gait:
    curves = curves - _STANDING[:, None]
    curves[[0, 5]] *= hip_scale
    spectrum = np.fft.rfft(curves, axis=1)[:, : HARMONICS + 1] / _SAMPLES
    coefficients = np.hstack((spectrum.real[:, :1], 2.0 * spectrum.real[:, 1:], -2.0 * spectrum.imag[:, 1:]))
    return Gait(speed_m_s, 1.0 / cycle_s(rv), coefficients)


def _slip_m_s(gait: Gait, body: Body, rv: float) -> float:
    """Mean forward speed of the right ankle while that foot is flat on the floor."""
    # From the end of loading (8 %) until the heel rises, which leaves about 20 % of a cycle to toe-off.
    window = np.array([0.08, support_share(rv) - 0.20])
    none = np.zeros(2)
    ankle = body.place(gait.joints(window, np.ones(2)), none, none, none).end_m[8, :, 0]
    return gait.speed_m_s + float(ankle[1] - ankle[0]) * gait.cadence_hz / float(window[1] - window[0])
