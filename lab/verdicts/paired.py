"""Two conditions on the same trials: bounds of the difference of their rates, and of the ratio of their ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.verdicts.intervals import CONFIDENCE, proportion

RESAMPLES = 2000


@dataclass(frozen=True)
class Difference:
    """rate of the first less that of the second, over `trials` pairs, and its one-sided bounds."""

    trials: int
    value: float
    low: float
    high: float


def difference(first: Sequence[bool], second: Sequence[bool], confidence: float = CONFIDENCE) -> Difference:
    """Pairs found by the first alone count for it, by the second alone against it.

    low = Clopper-Pearson low of the former less its high of the latter, each at half the error: exact, and a little wide; high alike.
    """
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if len(a) != len(b):
        raise ValueError(f"pairs: {len(a)} and {len(b)} trials")
    n, gained, lost = len(a), int(np.sum(a & ~b)), int(np.sum(b & ~a))
    if n == 0:
        return Difference(0, float("nan"), -1.0, 1.0)
    each = 1.0 - (1.0 - confidence) / 2.0
    more, less = proportion(gained, n, each), proportion(lost, n, each)
    return Difference(n, (gained - lost) / n, more.low - less.high, more.high - less.low)


def range_m(rates: Mapping[float, float], asked: float) -> float:
    """Distance in m up to which at least `asked` are found: rates made to fall with distance (pool of adjacent violators), straight lines
    between. 0 where the nearest is below, the farthest distance where all are above: then the range is longer than was tried."""
    distances = sorted(rates)
    falling = _falling(np.array([rates[d] for d in distances]))
    if falling[0] < asked:
        return 0.0
    for (near, high), (far, low) in zip(
        zip(distances, falling, strict=True), zip(distances[1:], falling[1:], strict=True), strict=False
    ):
        if low < asked:
            return near + (far - near) * (high - asked) / (high - low)
    return float(distances[-1])


@dataclass(frozen=True)
class RangeRatio:
    """Ranges in m, their ratio and its one-sided bounds. NaN ratio: no range in the first place. beyond: the reference is found at all
    distances that were tried, so that its range is longer than that and the ratio smaller."""

    trials: int
    range_m: float
    reference_m: float
    ratio: float
    low: float
    high: float
    beyond: bool


def range_ratio(
    found: Mapping[float, Sequence[bool]],
    reference: Mapping[float, Sequence[bool]],
    asked: float,
    confidence: float = CONFIDENCE,
) -> RangeRatio:
    """Distance -> detections by trial, the same trials in all. The bound is that of a bootstrap over trials, which keeps them paired."""
    trials = min(len(found[d]) for d in found)
    trials = min(trials, *(len(reference[d]) for d in reference))
    one = {d: np.asarray(found[d][:trials], float) for d in found}
    other = {d: np.asarray(reference[d][:trials], float) for d in reference}

    def ratio(pick: NDArray) -> tuple[float, float, float]:
        a = range_m({d: float(v[pick].mean()) for d, v in one.items()}, asked)
        b = range_m({d: float(v[pick].mean()) for d, v in other.items()}, asked)
        return a, b, a / b if b > 0.0 else float("nan")

    own, base, value = ratio(np.arange(trials))
    rng = np.random.default_rng(1)
    drawn = np.array([ratio(rng.integers(0, trials, trials))[2] for _ in range(RESAMPLES)])
    low = float(np.quantile(np.where(np.isnan(drawn), 0.0, drawn), 1.0 - confidence))
    high = float(np.quantile(np.where(np.isnan(drawn), np.inf, drawn), confidence, method="higher"))
    return RangeRatio(trials, own, base, value, low, high, base >= max(other))


def _falling(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    pools: list[list[float]] = []
    for rate in rates:
        pools.append([float(rate), 1.0])
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            value, size = pools.pop()
            pools[-1] = [
                (pools[-1][0] * pools[-1][1] + value * size) / (pools[-1][1] + size),
                pools[-1][1] + size,
            ]
    return np.concatenate([np.full(int(size), value) for value, size in pools])
