"""What the compiled loops that make sound share: their decorator, and a noise."""

from __future__ import annotations

import numpy as np

from lab.acoustics.compiled import compiled as kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@kernel
def uniform(state):
    """Next value in [-1, 1) of an xorshift64* generator (Vigna 2016); state: uint64, shape (1,)."""
    s = state[0]
    s ^= s >> np.uint64(12)
    s ^= s << np.uint64(25)
    s ^= s >> np.uint64(27)
    state[0] = s
    top = np.int64((s * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(11))
    return top * (2.0 / 9007199254740992.0) - 1.0


def noise_state(rng: np.random.Generator) -> np.ndarray:
    """A fresh state for `uniform`, never 0."""
    return rng.integers(1, 2**63, size=1, dtype=np.uint64)
