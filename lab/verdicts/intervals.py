"""One-sided confidence bounds. Each side holds with `confidence` on its own (default 0.95).

Clopper & Pearson, Biometrika 26 (1934) 404; Garwood, Biometrika 28 (1936) 437 for the Poisson mean;
Fay & Feuer, Statistics in Medicine 16 (1997) 791 for sums of weighted Poisson events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv, gammaincinv
from scipy.stats import binom

CONFIDENCE = 0.95
# Of a look before all that was planned is there, so that looking again and again decides no more often by chance than looking once: Haybittle,
# British Journal of Radiology 44 (1971) 793; Peto et al., British Journal of Cancer 34 (1976) 585.
INTERIM = 0.999


@dataclass(frozen=True)
class Bounds:
    low: float
    high: float


def proportion(successes: float, trials: float, confidence: float = CONFIDENCE) -> Bounds:
    """Clopper-Pearson bounds of a proportion, from the beta distribution.

    successes in [0, trials] and trials >= 0 may be any real number, so that an effective number of trials
    can be used. No trials: [0, 1].
    """
    if trials <= 0:
        return Bounds(0.0, 1.0)
    successes = min(max(successes, 0.0), trials)
    failures = trials - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1, 1 - confidence))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1, failures, confidence))
    return Bounds(low, high)


def rate(count: float, exposure: float, confidence: float = CONFIDENCE) -> Bounds:
    """Exact Poisson bounds of a rate: events per unit of exposure.

    count >= 0 may be any real number. No exposure: [0, inf].
    """
    if exposure <= 0:
        return Bounds(0.0, math.inf)
    low = 0.0 if count <= 0 else float(gammaincinv(count, 1 - confidence))
    return Bounds(low / exposure, float(gammaincinv(count + 1, confidence)) / exposure)


def weighted_rate(
    total: float, squares: float, largest: float, exposure: float, confidence: float = CONFIDENCE
) -> Bounds:
    """Bounds of the mean of sum(w) per unit of exposure, for Poisson events that each carry a weight w > 0.

    total: sum of w. squares: sum of w^2. largest: the largest weight an event may carry (> 0), at least
    the largest seen. With equal weights these are the exact Poisson bounds. No exposure: [0, inf].
    """
    if exposure <= 0:
        return Bounds(0.0, math.inf)
    low = 0.0 if total <= 0 else float(gammaincinv(total**2 / squares, 1 - confidence)) * squares / total
    mean, variance = total + largest, squares + largest**2
    high = float(gammaincinv(mean**2 / variance, confidence)) * variance / mean
    return Bounds(low / exposure, high / exposure)


def percentile_ranks(n: int, share: float, confidence: float = CONFIDENCE) -> tuple[int | None, int | None]:
    """Ranks (1 to n) of the order statistics that bound the `share` percentile of any distribution.

    The value of rank `low` is at most the percentile, and that of rank `high` at least, each with the
    given confidence: P(B >= low) >= confidence and P(B < high) >= confidence for B ~ Binomial(n, share).
    None where n is too small for a bound on that side: `high` at share 0.95 takes 59 values.
    """
    low = int(binom.ppf(1 - confidence, n, share))
    if binom.cdf(low - 1, n, share) > 1 - confidence:
        low -= 1
    high = int(binom.ppf(confidence, n, share)) + 1
    return (low if low >= 1 else None), (high if high <= n else None)
