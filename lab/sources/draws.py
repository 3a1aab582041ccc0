"""Ranges that are cut by split, so that what is tested was never heard in training, whatever the seed.

A range is eight strips of equal width (in the logarithm where that is the natural scale). The test split owns the second, the
fifth and the eighth, tuning the fourth, training the rest: a test value lies between those trained on, or beyond
them at the upper end.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lab.errors import BadInput

STRIPS = 8
SIZE = 1.2  # of a body, the largest over the middle one
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


def resonances(
    rng: np.random.Generator, split: str, low: float, high: float, count: int
) -> NDArray[np.float64]:
    """`count` resonances of one body, rising, of equal chance per octave from `low` to `high`, times its size, 1 / SIZE to SIZE.

    What the split owns is the size of the body, which moves all of them together. Cutting the range of each by itself would give
    the bodies of a split a comb of bands, by which they would be known.
    """
    size = held_out(rng, split, 1.0 / SIZE, SIZE)
    return np.sort([size * between(rng, low, high) for _ in range(count)])
