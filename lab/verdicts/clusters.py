"""How many independent trials a set of clustered trials is worth.

Trials of a cell share rooms and recordings; forty trials in one room say little about rooms. The
design effect of a kind of cluster is the variance of the observed rate as estimated between clusters
over the variance that independent trials would have (Rao & Scott, Biometrics 48 (1992) 577):

    deff = J / (J - 1) * sum_j (d_j - p m_j)^2 / (n^2 / (n - 1) * p (1 - p))

with J clusters of m_j trials and d_j detections; 1 when every trial is its own cluster. Rooms and
recordings cross, so what each adds to the variance adds up (the worst alone would cover 91-94 %
where both matter; see tests/verdicts):

    n_eff = n / (1 + sum over kinds of max(0, deff - 1)) * (z / t)^2

where a design effect above 1 was estimated from C clusters, the scarcest kind, so that the normal
quantile z gives way to Student's t with C - 1 degrees of freedom (Korn & Graubard, Survey Methodology
24 (1998) 193). Trials that share nothing keep n_eff = n.

Trials that are all alike show no variance at all; they count as the number of distinct clusters of
the scarcest kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from lab.scoring.outcome import Outcome
from lab.verdicts.intervals import CONFIDENCE, Bounds, proportion


@dataclass(frozen=True)
class Sample:
    """Binary results of one cell.

    successes, trials: counts. effective_trials: real, 0 < effective_trials <= trials. clusters:
    number of distinct clusters of the scarcest kind; equals `trials` when nothing is shared.
    """

    successes: int
    trials: int
    effective_trials: float
    clusters: int

    @property
    def rate(self) -> float:
        return self.successes / self.trials if self.trials else float("nan")

    def bounds(self, confidence: float = CONFIDENCE) -> Bounds:
        """Clopper-Pearson on the effective trials, never beyond what trials all alike would give.

        The second part keeps the bounds monotone: a miss more can never raise the lower bound.
        """
        if not self.trials:
            return Bounds(0.0, 1.0)
        own = proportion(self.rate * self.effective_trials, self.effective_trials, confidence)
        best = proportion(self.clusters, self.clusters, confidence).low
        worst = proportion(0, self.clusters, confidence).high
        return Bounds(min(own.low, best), max(own.high, worst))


def sample(results: NDArray[np.bool_], clusters: Mapping[str, Sequence[str] | NDArray]) -> Sample:
    """Weigh binary results by what they share.

    results: shape (n,). clusters: kind -> id of the cluster of each result, length n.
    """
    results = np.asarray(results, dtype=bool)
    n, successes = len(results), int(np.count_nonzero(results))
    codes = {kind: np.unique(np.asarray(ids), return_inverse=True)[1] for kind, ids in clusters.items()}
    scarcest = min([n, *(int(code.max()) + 1 for code in codes.values() if n)])
    if successes in (0, n):
        return Sample(successes, n, float(scarcest), scarcest)
    excess = sum(max(0.0, design_effect(results, code) - 1) for code in codes.values())
    if excess > 1e-9:
        worth = float(ndtri(CONFIDENCE) / stdtrit(max(1, scarcest - 1), CONFIDENCE))
        return Sample(successes, n, max(1.0, n / (1 + excess) * worth**2), scarcest)
    return Sample(successes, n, float(n), scarcest)


def target_clusters(outcomes: Sequence[Outcome]) -> dict[str, NDArray[np.int64]]:
    """Kind -> code of the cluster of each target, in the order of outcomes and targets.

    Kinds are those that every outcome names; targets of one trial are clustered as well.
    """
    return _codes(outcomes, [len(outcome.targets) for outcome in outcomes])


def trial_clusters(outcomes: Sequence[Outcome]) -> dict[str, NDArray[np.int64]]:
    """Kind -> code of the cluster of each outcome."""
    return _codes(outcomes, [1] * len(outcomes))


def _codes(outcomes: Sequence[Outcome], repeats: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    if not outcomes:
        return {}
    shared = set.intersection(*(set(outcome.clusters) for outcome in outcomes))
    ids = {kind: [outcome.clusters[kind] for outcome in outcomes] for kind in sorted(shared)}
    if max(repeats) > 1:
        ids["trial"] = [str(outcome.index) for outcome in outcomes]
    codes = {kind: np.unique(np.asarray(names), return_inverse=True)[1] for kind, names in ids.items()}
    return {kind: np.repeat(code, repeats) for kind, code in codes.items()}


def design_effect(results: NDArray[np.bool_], cluster: NDArray[np.int64]) -> float:
    """Between-cluster variance over binomial variance; 1 for a single cluster or results all alike.

    cluster: shape (n,), codes from 0. A single cluster has no variance between; `sample` then bounds
    the worth of the trials by the number of clusters.
    """
    n = len(results)
    size = np.bincount(cluster)
    rate = float(np.mean(results))
    if len(size) < 2 or rate in (0.0, 1.0):
        return 1.0
    excess = np.bincount(cluster, weights=results) - rate * size
    between = len(size) / (len(size) - 1) * float(np.sum(excess**2))
    return between / (n**2 / (n - 1) * rate * (1 - rate))
