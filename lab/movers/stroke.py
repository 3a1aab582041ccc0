"""How a motion from rest to rest runs in time, and what never quite rests.

Minimum jerk (Flash and Hogan, J. Neurosci. 5:1688, 1985): s = 10 u^3 - 15 u^4 + 6 u^5 of the way at the fraction u of
the time, peak speed 1.875 D / T at half time.
"""

from __future__ import annotations

import math

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array

PEAK_OVER_MEAN = 1.875


def minimum_jerk(fraction: Array) -> Array:
    """Share of the way, 0 to 1, at this fraction of the time; 0 before and 1 after. Any shape."""
    u = np.clip(fraction, 0.0, 1.0)
    return u**3 * (10.0 + u * (6.0 * u - 15.0))


def stroke_time_s(distance_m: float, peak_m_s: float) -> float:
    """Duration of a minimum-jerk motion over this distance with this peak speed."""
    return PEAK_OVER_MEAN * distance_m / peak_m_s


def cruise_time_s(distance: float | Array, speed: float | Array, ramp_s: float) -> float | Array:
    """Duration of `cruise`: distance / speed + ramp. Needs distance >= speed * ramp_s."""
    return distance / speed + ramp_s


def cruise(time_s: Array, distance: float | Array, speed: float | Array, ramp_s: float) -> Array:
    """Way gone, 0 to distance, at a constant speed between ramps of raised-cosine speed, time from the start.

    v(t) = speed (1 - cos(pi t / ramp)) / 2 in the first ramp_s, mirrored in the last. Units of distance are free (m, rad).
    """
    whole = cruise_time_s(distance, speed, ramp_s)
    t = np.clip(time_s, 0.0, whole)
    # The ramp from rest, gone in time x: the ramp at the end is the same way seen from the end.
    begin, end = np.minimum(t, ramp_s), np.minimum(whole - t, ramp_s)
    lag_begin = 0.5 * (begin + ramp_s / math.pi * np.sin(math.pi * begin / ramp_s))
    lag_end = 0.5 * (end + ramp_s / math.pi * np.sin(math.pi * end / ramp_s))
    return speed * (t - lag_begin - (0.5 * ramp_s - lag_end))


class Wavering:
    """A stationary random function of time: a sum of sines spread evenly over the octaves of a band.

    rms: of the whole, in the unit of what wavers. low_hz, high_hz: band. It never exceeds rms sqrt(2 sines), and its
    rate of change never 2 pi high_hz times that.
    """

    def __init__(self, rng: np.random.Generator, rms: float, low_hz: float, high_hz: float, sines: int = 8):
        octave = (np.arange(sines) + rng.uniform(0.0, 1.0, sines)) / sines
        self._frequency_hz = low_hz * (high_hz / low_hz) ** octave
        self._phase = rng.uniform(0.0, 2.0 * math.pi, sines)
        self._amplitude = rms * math.sqrt(2.0 / sines)

    def __call__(self, time_s: Array) -> Array:
        total = np.zeros(np.shape(time_s))
        for frequency, phase in zip(self._frequency_hz, self._phase, strict=True):
            total += np.sin(2.0 * math.pi * frequency * time_s + phase)
        return self._amplitude * total
