"""From the pressure at microphones to samples, above hearing: distortion, self-noise, full scale, fresh Gaussian noise.

    y = x + a2 x^2 + a3 x^3,    -> + noise -> high-pass -> full scale -> clip -> quantise

Noise is a pure function of (key, channel, sample index): z = Box-Muller of the five-round counter generator of Widynski
(2020, arXiv:2004.06278), so the cut into blocks changes no bit and nothing is drawn that is not used.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.device import ConverterSpec, UltrasonicSpec
from lab.acoustics.levels import pa_from_db_spl
from lab.acoustics.microphone import self_noise_rms_pa

Array = NDArray[np.float64]
# The noise of a one-bit microphone: flat to the first, half of the rise (in dB) at 30 kHz, all of it from the second on.
SHAPING_HZ = (22_000.0, 38_000.0)


def full_scale_pa(spec: ConverterSpec) -> float:
    """Peak pressure that just reaches full scale."""
    return math.sqrt(2.0) * float(pa_from_db_spl(spec.full_scale_db_spl))


def distortion(one_percent_db_spl: float, ten_percent_db_spl: float) -> tuple[float, float]:
    """a2 in 1/Pa and a3 in 1/Pa^2 of y = x + a2 x^2 + a3 x^3 that distorts a sine by 1 and by 10 % at these levels.

    A sine of peak A has harmonics a2 A / 2 and a3 A^2 / 4, so THD^2 = (a2 A / 2)^2 + (a3 A^2 / 4)^2: two linear equations in
    the squares. The levels are 10 dB (a2 = 0) to 20 dB (a3 = 0) apart. a3 is negative: the membrane gets stiffer.
    """
    peaks = math.sqrt(2.0) * pa_from_db_spl([one_percent_db_spl, ten_percent_db_spl])
    terms = np.stack([peaks**2 / 4.0, peaks**4 / 16.0], axis=1)
    squares = np.maximum(np.linalg.solve(terms, [1e-4, 1e-2]), 0.0)
    return math.sqrt(squares[0]), -math.sqrt(squares[1])


def noise_density(spec: UltrasonicSpec, frequency_hz: ArrayLike) -> Array:
    """One-sided density of the self-noise in Pa^2 / Hz, without the band of the converter. Returns the shape given."""
    white = self_noise_rms_pa(spec.noise_floor_dba, spec.rate_hz) ** 2 / (spec.rate_hz / 2.0)
    low, high = SHAPING_HZ
    place = np.clip((np.abs(np.asarray(frequency_hz, dtype=np.float64)) - low) / (high - low), 0.0, 1.0)
    return white * 10.0 ** (spec.noise_shaping_db / 10.0 * 0.5 * (1.0 - np.cos(np.pi * place)))


def noise_keys(rng: np.random.Generator, channels: int) -> NDArray[np.uint64]:
    """One odd key per channel for `gaussian`, (channels,)."""
    return rng.integers(0, 2**64, channels, dtype=np.uint64) | np.uint64(1)


@compiled
def gaussian(key, first_pair, out, scratch):
    """Standard normal noise, samples 2 first_pair and on, into out (even length, float32).

    key: odd, uint64. scratch: (len(out),) float32. The largest possible value is 6.8 standard deviations.
    """
    pairs = len(out) // 2
    angle = out.view(np.int32)
    for i in range(pairs):
        counter = np.uint64(first_pair + i)
        y = counter * key
        z = y + key
        x = y * y + y
        x = (x >> np.uint64(32)) | (x << np.uint64(32))
        x = x * x + z
        x = (x >> np.uint64(32)) | (x << np.uint64(32))
        x = x * x + y
        x = (x >> np.uint64(32)) | (x << np.uint64(32))
        t = x * x + z
        x = (t >> np.uint64(32)) | (t << np.uint64(32))
        x = t ^ ((x * x + y) >> np.uint64(32))
        scratch[i] = np.float32(np.float32(x >> np.uint64(32)) + np.float32(0.5))
        angle[i] = np.int32(x & np.uint64(0xFFFFFFFF))
    bits = scratch.view(np.int32)
    one, two, half = np.float32(1.0), np.float32(2.0), np.float32(0.5)
    turn = np.float32(2.0**-31)
    for i in range(pairs):
        # Natural logarithm of (0, 1]: exponent, and 2 artanh(s) of the mantissa, to 1e-7.
        exponent = np.float32((bits[i] >> 23) - 127 - 32)
        bits[pairs + i] = (bits[i] & 0x7FFFFF) | 0x3F800000
        mantissa = scratch[pairs + i]
        s = (mantissa - one) / (mantissa + one)
        q = s * s
        series = np.float32(1 / 9) + q * np.float32(1 / 11)
        series = np.float32(1 / 5) + q * (np.float32(1 / 7) + q * series)
        series = one + q * (np.float32(1 / 3) + q * series)
        log = two * s * series + exponent * np.float32(0.6931471805599453)
        scratch[i] = math.sqrt(max(-two * log, np.float32(0.0)))
    for i in range(pairs):
        # Sine and cosine of pi h, h in [-1, 1), each folded to [-1/2, 1/2].
        h = np.float32(angle[i]) * turn
        a = abs(h)
        x = min(a, one - a)
        x = x if h >= 0 else -x
        c = half - a
        scratch[pairs + i] = scratch[i] * _sine(x)
        scratch[i] = scratch[i] * _sine(c)
    for i in range(pairs):
        out[2 * i] = scratch[i]
        out[2 * i + 1] = scratch[pairs + i]


@compiled
def _sine(x):
    """sin(pi x), |x| <= 1/2, to 4e-9 before rounding (Taylor to the eleventh power)."""
    q = x * x
    y = np.float32(0.0821458866) + q * np.float32(-0.00737043094)
    y = np.float32(2.55016404) + q * (np.float32(-0.599264529) + q * y)
    return x * (np.float32(3.14159265) + q * (np.float32(-5.16771278) + q * y))
