"""Time from a target's onset to its detection: percentiles of the detected targets, with bounds.

A missed target has no latency; it counts in the detection rate. The bounds on the 95th percentile are
order statistics whose ranks come from the binomial distribution, free of any shape; clustered trials
take the ranks of the effective number, in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.scoring.outcome import Outcome
from lab.verdicts.clusters import sample, target_clusters
from lab.verdicts.decisions import Decision, Verdict, decide
from lab.verdicts.intervals import CONFIDENCE, Bounds, percentile_ranks
from lab.verdicts.limits import Limit

P95 = 0.95


@dataclass(frozen=True)
class Delays:
    """n: detected targets; effective: what they are worth. Percentiles and bounds in seconds; a bound is
    None when there are too few."""

    n: int
    effective: int
    p50: float
    p95: float
    p95_low: float | None
    p95_high: float | None


def delays(outcomes: Sequence[Outcome], confidence: float = CONFIDENCE) -> Delays:
    """Latencies of valid outcomes of one (cell, detector, stage, label)."""
    seconds = np.array(
        [math.nan if t.latency_s is None else t.latency_s for o in outcomes for t in o.targets]
    )
    detected = np.isfinite(seconds)
    kinds = {kind: code[detected] for kind, code in target_clusters(outcomes).items()}
    values = np.sort(seconds[detected])
    n = len(values)
    if n == 0:
        return Delays(0, 0, math.nan, math.nan, None, None)
    p50, p95 = (float(values[math.ceil(share * n) - 1]) for share in (0.5, P95))
    worth = sample(seconds[detected] <= p95, kinds).effective_trials
    effective = max(1, min(n, math.floor(worth + 1e-9)))
    low, high = percentile_ranks(effective, P95, confidence)
    return Delays(
        n=n,
        effective=effective,
        p50=p50,
        p95=p95,
        p95_low=None if low is None else float(values[max(0, math.floor(low * n / effective) - 1)]),
        p95_high=None if high is None else float(values[math.ceil(high * n / effective) - 1]),
    )


def median_bounds(outcomes: Sequence[Outcome], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bounds in seconds of the median time to a detection over all targets of valid outcomes, a missed one later than any: order statistics
    as above. (-inf, inf) where there are too few."""
    targets = [
        math.inf if t.latency_s is None else t.latency_s
        for o in outcomes
        if o.invalid is None
        for t in o.targets
    ]
    seconds = np.array(targets)
    if not len(seconds):
        return -math.inf, math.inf
    values, n = np.sort(seconds), len(seconds)
    early = seconds <= values[math.ceil(0.5 * n) - 1]
    worth = sample(early, target_clusters([o for o in outcomes if o.invalid is None])).effective_trials
    effective = max(1, min(n, math.floor(worth + 1e-9)))
    low, high = percentile_ranks(effective, 0.5, confidence)
    return (
        -math.inf if low is None else float(values[max(0, math.floor(low * n / effective) - 1)]),
        math.inf if high is None else float(values[math.ceil(high * n / effective) - 1]),
    )


def decide_p95(found: Delays, limit: Limit, confidence: float = CONFIDENCE) -> Decision:
    """Hold the bounds of the 95th percentile against a limit. confidence: that the bounds of `found` have."""
    if found.n == 0:
        return Decision(Verdict.INCONCLUSIVE, None, "no target was detected")
    low = -math.inf if found.p95_low is None else found.p95_low
    high = math.inf if found.p95_high is None else found.p95_high
    verdict, bound = decide(Bounds(low, high), limit)
    if verdict is not Verdict.INCONCLUSIVE:
        return Decision(verdict, bound)
    if math.isinf(bound):
        least = math.ceil(math.log(1 - confidence) / math.log(P95))
        return Decision(verdict, None, f"at least {least} independent detections (worth {found.effective})")
    return Decision(verdict, bound, f"more detections than the {found.n} there are, to narrow {bound:.3g} s")
