"""White and pink noise: endless, independent on every channel, unit RMS in 50 Hz-7 kHz.

Samples are sums of eight uniform values, near enough to Gaussian (excess kurtosis -0.15) and several times faster.
Pink noise is that through alternate poles and zeros,

    H(z) = (1 + 0.1 / z) prod_k (1 - z_k / z) / (1 - p_k / z),   p_k = exp(-2 pi 16 Hz 3^k / rate), z_k at sqrt(3) times that

whose staircase falls 3 dB an octave: within 0.2 dB of 1/f power from 40 Hz to 7 kHz at 16 and 48 kHz.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.levels import SNR_BAND_HZ
from lab.sources.kernels import kernel

FRAME = 2048
LANES = 4  # channels filtered side by side
LOWEST_POLE_HZ, STEP = 16.0, 3.0
NYQUIST_CORRECTION = 0.1


@lru_cache
def pink_filter(rate_hz: int) -> tuple[NDArray, NDArray]:
    """Poles and zeros, each of shape (sections,)."""
    poles_hz = LOWEST_POLE_HZ * STEP ** np.arange(20)
    poles_hz = poles_hz[poles_hz < 0.27 * rate_hz]
    turn = -2 * np.pi / rate_hz
    return np.exp(turn * poles_hz), np.exp(turn * poles_hz * np.sqrt(STEP))


def gain_at(frequency_hz: NDArray, rate_hz: int) -> NDArray[np.float64]:
    """|H| of the pink filter."""
    back = np.exp(-2j * np.pi * np.asarray(frequency_hz) / rate_hz)
    response = 1 + NYQUIST_CORRECTION * back
    for pole, zero in zip(*pink_filter(rate_hz), strict=True):
        response = response * (1 - zero * back) / (1 - pole * back)
    return np.abs(response)


@lru_cache
def _scale(rate_hz: int, pink: bool) -> float:
    """Factor that gives unit RMS in the SNR band, from unit-variance white noise."""
    low, high = SNR_BAND_HZ[0], min(SNR_BAND_HZ[1], rate_hz / 2)
    hz = np.linspace(low, high, 20_001)
    power = gain_at(hz, rate_hz) ** 2 if pink else np.ones_like(hz)
    return float(1 / np.sqrt(np.trapezoid(power, hz) * 2 / rate_hz))


class ShapedNoise:
    """Frames of noise, float32, shape (channels, FRAME), one after the other."""

    def __init__(self, colour: str, channels: int, rate_hz: int, seed: int) -> None:
        pink = colour == "pink"
        poles, zeros = pink_filter(rate_hz) if pink else (np.zeros(0), np.zeros(0))
        self._poles, self._zeros = poles, zeros
        self._end = NYQUIST_CORRECTION if pink else 0.0
        self._gain = _scale(rate_hz, pink)
        self._state = (
            np.random.SeedSequence(seed).generate_state(2 * channels, np.uint64).reshape(channels, 2)
        )
        self._memory = np.zeros((len(poles) + 1, -(-channels // LANES), LANES))
        for _ in range(-(-rate_hz // FRAME)):  # the lowest pole settles within a second
            self.next()

    def next(self) -> NDArray[np.float32]:
        out = np.empty((len(self._state), FRAME), np.float32)
        _fill(out, self._state, self._memory, self._poles, self._zeros, self._end, self._gain)
        return out


@kernel
def _fill(out, state, memory, poles, zeros, end, gain):
    channels, samples = out.shape
    block = np.zeros((samples, LANES))
    for first in range(0, channels, LANES):
        here = min(LANES, channels - first)
        for c in range(here):
            _white(block[:, c], state[first + c])
        for k in range(poles.size):
            _section(block, memory[k, first // LANES], poles[k], zeros[k])
        _section(block, memory[poles.size, first // LANES], 0.0, -end)
        for c in range(here):
            for i in range(samples):
                out[first + c, i] = gain * block[i, c]


@kernel
def _white(out, state):
    s1, s0 = state[0], state[1]
    lanes = np.uint64(0xFFFF)
    # Variance of a sum of eight values uniform on 0..65535: 8 * 65536**2 / 12.
    unit = 1.0 / (65536.0 * np.sqrt(8.0 / 12.0))
    for i in range(out.size):
        total = np.int64(0)
        for _ in range(2):  # xorshift128+ (Vigna 2017)
            word = s1 + s0
            s1 ^= s1 << np.uint64(23)
            t = s1 ^ s0 ^ (s1 >> np.uint64(18)) ^ (s0 >> np.uint64(5))
            s1, s0 = s0, t
            total += np.int64(word & lanes) + np.int64((word >> np.uint64(16)) & lanes)
            total += np.int64((word >> np.uint64(32)) & lanes) + np.int64(word >> np.uint64(48))
        out[i] = (total - 262140) * unit
    state[0], state[1] = s1, s0


@kernel
def _section(block, memory, pole, zero):
    """y = x + m; m = pole y - zero x, on four channels side by side so that they fill one vector register."""
    m0, m1, m2, m3 = memory[0], memory[1], memory[2], memory[3]
    for i in range(block.shape[0]):
        x0, x1, x2, x3 = block[i, 0], block[i, 1], block[i, 2], block[i, 3]
        y0, y1, y2, y3 = x0 + m0, x1 + m1, x2 + m2, x3 + m3
        m0, m1 = pole * y0 - zero * x0, pole * y1 - zero * x1
        m2, m3 = pole * y2 - zero * x2, pole * y3 - zero * x3
        block[i, 0], block[i, 1], block[i, 2], block[i, 3] = y0, y1, y2, y3
    memory[0], memory[1], memory[2], memory[3] = m0, m1, m2, m3
