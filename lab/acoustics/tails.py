"""The late tails along a course: responses beyond the early images at a few places, and how much each speaks for a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.cache import DiskCache
from lab.acoustics.paths import late_tail
from lab.acoustics.room import CalibratedRoom

Array = NDArray[np.float64]
APART_M = 1.5
MOST = 8


@dataclass(frozen=True, eq=False)
class Tails:
    """places_m: (P, 3). apart_m: how far a point of the course may be from the nearest. responses: (M, P, taps)."""

    places_m: Array
    apart_m: float
    responses: NDArray[np.float32]

    def shares(self, position_m: Array) -> Array:
        """What each place has of the sound emitted at positions (T, 3), (P, T).

        Tails of different places are noises of their own, so it is the squares that add up to 1.
        """
        away = np.linalg.norm(position_m[None] - self.places_m[:, None], axis=2)
        share = np.maximum(0.0, 1.0 - away / (2.0 * self.apart_m))
        return share / np.sqrt((share**2).sum(axis=0))


def tails_along(
    room: CalibratedRoom,
    passes_m: ArrayLike,
    microphones_m: ArrayLike,
    rate_hz: int,
    seed: int,
    cache: DiskCache | None = None,
) -> Tails:
    """Tails for a course through points (S, 3), at most MOST of them. seed: 0 to 2**63 - 1. Raises BadInput as `late_tail`."""
    places, apart_m = _cover(np.asarray(passes_m, dtype=np.float64))
    found = [
        late_tail(room, place, microphones_m, rate_hz, (seed + index) % 2**63, cache)
        for index, place in enumerate(places)
    ]
    taps = max(one.shape[1] for one in found)
    padded = [np.pad(one, ((0, 0), (0, taps - one.shape[1]))) for one in found]
    return Tails(places, apart_m, np.stack(padded, axis=1))


def _cover(passes: Array) -> tuple[Array, float]:
    """Points such that no other is farther than the answered distance from one: APART_M, more on a very long course."""
    for apart_m in APART_M * 1.5 ** np.arange(20):
        places = [passes[0]]
        for point in passes:
            if np.linalg.norm(np.array(places) - point, axis=1).min() > apart_m:
                places.append(point)
        if len(places) <= MOST:
            break
    return np.array(places), float(apart_m)
