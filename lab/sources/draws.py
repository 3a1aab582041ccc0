"""Ranges that are cut by split, so that what is tested was never heard in training, whatever the seed.

A range is eight strips of equal width (in the logarithm where that is the natural scale). The test split owns the second, the
fifth and the eighth, tuning the fourth, training the rest: a test value lies between those trained on, or beyond
them at the upper end.
"""

from __future__ import annotations

import math

import numpy as np

from lab.errors import BadInput

STRIPS = 8
OWNED = {"train": (0, 2, 5, 6), "tune": (3,), "test": (1, 4, 7)}


def held_out(rng: np.random.Generator, split: str, low: float, high: float, *, log: bool = True) -> float:
    """A value in [low, high] from the strips of `split`. log: equal chance per octave, else per unit.

    Raises BadInput for a split that is none of train, tune and test.
    """
    if split not in OWNED:
        raise BadInput(f"split is '{split}', allowed: {', '.join(OWNED)}")
    part = (float(rng.choice(OWNED[split])) + float(rng.random())) / STRIPS
    if log:
        return math.exp(math.log(low) + part * math.log(high / low))
    return low + part * (high - low)


def strip_of(value: float, low: float, high: float, *, log: bool = True) -> int:
    """Which strip a value lies in, 0 to 7."""
    part = math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)
    return min(STRIPS - 1, max(0, int(part * STRIPS)))


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A value in [low, high], of equal chance per octave."""
    return math.exp(float(rng.uniform(math.log(low), math.log(high))))
