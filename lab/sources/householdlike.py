"""Procedural audio that sounds like a home at work: a fridge, a fan, running water, dishes, typing, by seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.sources.instruments import add_room
from lab.sources.kernels import kernel, noise_state, uniform

HUM_HZ = (50.0, 60.0)


def household_like(seed: int, rate_hz: int, seconds: float) -> NDArray[np.float32]:
    """One mixture for `seconds`; float32, shape (samples,), peak 0.5, at any rate from 8 kHz up."""
    rng = np.random.default_rng(seed)
    out = np.zeros(round(seconds * rate_hz), np.float32)
    _hum(out, rng, rate_hz)
    for rush, chance in ((_fan, 0.6), (_water, 0.35)):
        if rng.random() < chance:
            rush(out, rng, rate_hz)
    if rng.random() < 0.75:
        clatter(out, rng, rate_hz, *DISHES)
    if rng.random() < 0.4:
        clatter(out, rng, rate_hz, *KEYS)
    add_room(out, float(rng.uniform(0.1, 0.3)), rate_hz)
    out *= 0.5 / max(1e-9, float(np.max(np.abs(out))))
    return out


# Strikes a second, modes in Hz, decay in s, loudness.
DISHES = ((0.8, 3.0), (900.0, 6500.0), (0.02, 0.25), 0.35)
KEYS = ((3.0, 8.0), (1200.0, 4000.0), (0.003, 0.012), 0.06)


def _hum(out: NDArray[np.float32], rng: np.random.Generator, rate_hz: int) -> None:
    """A compressor: mains hum with its even harmonics foremost, swelling a little."""
    t = np.arange(len(out)) / rate_hz
    turn = 2 * np.pi * np.arange(4096) / 4096
    one = sum(
        rng.uniform(0.2, 1.0) * (1.0 if k % 2 == 0 else 0.35) / k * np.sin(k * turn + rng.uniform(0, 6.28))
        for k in range(1, 13)
    )
    swell = 1 + 0.2 * np.sin(2 * np.pi * rng.uniform(0.1, 0.6) * t + rng.uniform(0, 6.28))
    out += (0.025 * swell * one[(t * (4096 * float(rng.choice(HUM_HZ)))).astype(np.int64) & 4095]).astype(
        np.float32
    )


def _fan(out: NDArray[np.float32], rng: np.random.Generator, rate_hz: int) -> None:
    """Air and blades: low noise, stronger each time a blade passes."""
    _rush(
        out,
        rng.uniform(150, 500),
        1.5,
        rng.uniform(0.04, 0.1),
        rng.uniform(20, 90),
        0.2,
        rate_hz,
        noise_state(rng),
    )


def _water(out: NDArray[np.float32], rng: np.random.Generator, rate_hz: int) -> None:
    """A tap: broad bright noise that flutters."""
    _rush(
        out,
        rng.uniform(1500, 3500),
        0.8,
        rng.uniform(0.03, 0.08),
        rng.uniform(3, 9),
        0.5,
        rate_hz,
        noise_state(rng),
    )


def clatter(
    out: NDArray[np.float32],
    rng: np.random.Generator,
    rate_hz: int,
    often: tuple,
    modes: tuple,
    decay: tuple,
    loud: float,
) -> None:
    """Things that knock on things: a few decaying modes each, at random times."""
    count = rng.poisson(rng.uniform(*often) * len(out) / rate_hz)
    n = 4
    strikes = np.empty((count, 2 + 2 * n))
    strikes[:, 0] = np.sort(rng.integers(0, max(1, len(out)), count))
    strikes[:, 1] = loud * rng.lognormal(-0.7, 0.7, count)
    strikes[:, 2 : 2 + n] = np.exp(rng.uniform(*np.log(modes), (count, n)))
    strikes[:, 2 + n :] = np.exp(rng.uniform(*np.log(decay), (count, n)))
    _add_strikes(out, strikes, float(rate_hz), noise_state(rng))


@kernel
def _rush(out, centre_hz, width, gain, flutter_hz, depth, rate_hz, state):
    # State-variable band-pass (Chamberlin): stable while the centre is well below a sixth of the rate.
    f = 2.0 * np.sin(np.pi * min(centre_hz / rate_hz, 1.0 / 7.0))
    low = band = 0.0
    phase = 0.0
    for i in range(out.size):
        phase += 2.0 * np.pi * flutter_hz / rate_hz
        high = uniform(state) - low - width * band
        band += f * high
        low += f * band
        out[i] += gain * (1.0 + depth * np.sin(phase)) * (band + 0.3 * low)


@kernel
def _add_strikes(out, strikes, rate_hz, state):
    modes = (strikes.shape[1] - 2) // 2
    for s in range(strikes.shape[0]):
        first = int(strikes[s, 0])
        for m in range(modes):
            hz, decay = strikes[s, 2 + m], strikes[s, 2 + modes + m]
            fall = np.exp(-1.0 / (decay * rate_hz))
            b = 2.0 * fall * np.cos(2.0 * np.pi * hz / rate_hz)
            c = -fall * fall
            y1, y2 = 0.0, 0.0
            x = strikes[s, 1] * uniform(state) * np.sin(2.0 * np.pi * hz / rate_hz)
            for i in range(min(out.size - first, int(6.0 * decay * rate_hz))):
                y = x + b * y1 + c * y2
                x = 0.0
                y2 = y1
                y1 = y
                out[first + i] += y
