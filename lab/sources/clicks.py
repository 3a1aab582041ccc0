"""Sounds that repeat with an exactly chosen period: the hardest hosts for anything that listens for repeats.

A hit of index k starts at sample round(k * period_s * rate_hz), so the mean period is exact at any rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lab.sources.drums import BLOCK, HAT, KICK, OPEN_HAT, SNARE, add_hits, bar_pattern, kit
from lab.sources.musiclike import music_like

BEATS = 4
STEPS = 16


def click_track(
    seed: int, rate_hz: int, seconds: float, period_s: float
) -> tuple[NDArray[np.float32], float]:
    """A click every `period_s`, the first of four stressed; float32 (samples,), and the length of one round."""
    rng = np.random.default_rng(seed)
    drum = int(rng.choice([BLOCK, HAT, SNARE]))
    accent = float(rng.uniform(0.4, 1.0))
    hits = [(k * period_s, drum, 1.0 if k % BEATS == 0 else accent) for k in range(BEATS)]
    return _round_and_round(hits, BEATS * period_s, seconds, rate_hz, rng)


def drum_loop(seed: int, rate_hz: int, seconds: float, period_s: float) -> tuple[NDArray[np.float32], float]:
    """A bar of sixteen steps, one every `period_s`, over and over; float32 (samples,), and the length of one round."""
    rng = np.random.default_rng(seed)
    hits = [(step * period_s, drum, velocity) for step, drum, velocity in bar_pattern(rng)]
    return _round_and_round(hits, STEPS * period_s, seconds, rate_hz, rng)


def stutter(seed: int, rate_hz: int, seconds: float, period_s: float) -> tuple[NDArray[np.float32], float]:
    """`period_s` of music over and over, as of a player that hangs; float32 (samples,), and `period_s`."""
    rng = np.random.default_rng(seed)
    start = round(float(rng.uniform(0, 4)) * rate_hz)
    snippet = music_like(seed, rate_hz, start / rate_hz + period_s + 0.01)[start:]
    return _tile(snippet, period_s, seconds, rate_hz), period_s


def _round_and_round(
    hits: list[tuple[float, int, float]],
    round_s: float,
    seconds: float,
    rate_hz: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], float]:
    drums = kit(rng)
    tail_s = 7.0 * float(drums.decay_s[[KICK, SNARE, HAT, OPEN_HAT, BLOCK]].max())
    one = np.zeros(round((round_s + tail_s) * rate_hz) + 1, np.float32)
    add_hits(one, [(round(t * rate_hz), drum, loud) for t, drum, loud in sorted(hits)], drums, rate_hz, rng)
    out = _tile(one, round_s, seconds, rate_hz)
    out *= 0.5 / max(1e-9, float(np.max(np.abs(out))))
    return out, round_s


def _tile(one: NDArray[np.float32], round_s: float, seconds: float, rate_hz: int) -> NDArray[np.float32]:
    """Overlay `one` at every multiple of `round_s`; tails ring into the rounds that follow."""
    out = np.zeros(round(seconds * rate_hz), np.float32)
    before = int(np.ceil(len(one) / (round_s * rate_hz)))  # rounds whose tails reach into the first sample
    for k in range(-before, int(np.ceil(seconds / round_s)) + 1):
        first = round(k * round_s * rate_hz)
        start, stop = max(0, first), min(len(out), first + len(one))
        if start < stop:
            out[start:stop] += one[start - first : stop - first]
    return out
