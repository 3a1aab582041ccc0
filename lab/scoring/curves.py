"""What a set of outcomes says at any threshold. One function an axis; the bounds are in `lab.verdicts.bands`.

Every function takes valid outcomes of one (detector, stage, label); `valid` keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lab.scoring.outcome import Outcome
from lab.scoring.records import Scalar


def valid(outcomes: Iterable[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.invalid is None]


def detections(outcomes: Sequence[Outcome], threshold: float) -> NDArray[np.bool_]:
    """Whether each target is detected, in the order of outcomes and targets. Shape (targets,)."""
    return np.array([t.detected(threshold) for o in outcomes for t in o.targets], dtype=bool)


def detection_rates(outcomes: Sequence[Outcome], thresholds: NDArray) -> NDArray[np.float64]:
    """Share of targets detected at each threshold: guard peak < threshold <= peak.

    Not monotone where guards bind: a threshold low enough to alarm before the target detects nothing.
    Shape (thresholds,); NaN without targets.
    """
    targets = [t for o in outcomes for t in o.targets]
    if not targets:
        return np.full(len(thresholds), np.nan)
    peak = np.array([-np.inf if t.peak is None else t.peak.score for t in targets])
    guard = np.array([-np.inf if t.guard_peak is None else t.guard_peak for t in targets])
    # a target is detected on (guard, peak]: count those begun minus those ended
    usable = peak > guard
    peak, guard = np.sort(peak[usable]), np.sort(guard[usable])
    begun = np.searchsorted(guard, thresholds, side="left")
    ended = np.searchsorted(peak, thresholds, side="left")
    return (begun - ended) / len(targets)


def false_alarm_counts(outcomes: Sequence[Outcome], thresholds: NDArray) -> NDArray[np.int64]:
    """False alarms at each threshold. Shape (thresholds,). Exact at and above `floor`."""
    levels = np.sort([level.score for o in outcomes for level in o.levels])
    return len(levels) - np.searchsorted(levels, thresholds, side="left")


def false_alarm_clumps(
    outcomes: Sequence[Outcome], thresholds: NDArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum over trials of the square of their false alarms at each threshold, and the most of one trial. Shapes (thresholds,)."""
    squares, most = np.zeros((2, len(thresholds)), np.int64)
    for outcome in outcomes:
        if outcome.levels:
            count = false_alarm_counts([outcome], thresholds)
            squares, most = squares + count**2, np.maximum(most, count)
    return squares, most


def free_hours(outcomes: Iterable[Outcome]) -> float:
    """Target-free hours listened."""
    return sum(o.free_s for o in outcomes) / 3600


def distinct_hours(outcomes: Iterable[Outcome]) -> float:
    """Target-free hours of audio, each counted once."""
    return sum(o.distinct_free_s for o in outcomes) / 3600


def floor(outcomes: Iterable[Outcome]) -> float:
    """The lowest threshold at which false alarms are counted in full; -inf when at every threshold."""
    return max((o.floor for o in outcomes if o.floor is not None), default=-np.inf)


def threshold_grid(outcomes: Sequence[Outcome], points: int = 120) -> NDArray[np.float64]:
    """Ascending thresholds where the curves move, at most about `points`, the build's own among them."""
    values = [o.rule.threshold for o in outcomes]
    moves = [t.peak.score for o in outcomes for t in o.targets if t.peak is not None]
    moves += [level.score for o in outcomes for level in o.levels]
    lowest = floor(outcomes)
    grid = np.unique([value for value in moves if value >= lowest])
    if len(grid) > points:
        # half by rank (where trials are), half by height (where the tails are)
        half = points // 2
        by_rank = grid[np.linspace(0, len(grid) - 1, half).round().astype(int)]
        by_height = grid[np.searchsorted(grid, np.linspace(grid[0], grid[-1], half)).clip(0, len(grid) - 1)]
        grid = np.union1d(by_rank, by_height)
    return np.union1d(grid, values)


def det(outcomes: Sequence[Outcome], thresholds: NDArray) -> tuple[NDArray, NDArray]:
    """Detection error trade-off: (false alarms per hour, miss rate), each of shape (thresholds,)."""
    hours = free_hours(outcomes)
    rate = false_alarm_counts(outcomes, thresholds) / hours if hours > 0 else np.full(len(thresholds), np.nan)
    return rate, 1 - detection_rates(outcomes, thresholds)


def latencies(outcomes: Iterable[Outcome]) -> NDArray[np.float64]:
    """Seconds from onset to the first score at the build's threshold, of the detected targets, ascending."""
    return np.sort([t.latency_s for o in outcomes for t in o.targets if t.latency_s is not None])


def sweep(outcomes: Iterable[Outcome], key: str) -> dict[Scalar, list[Outcome]]:
    """Outcomes by the value of one cell key, in ascending order where values compare."""
    groups: dict[Scalar, list[Outcome]] = {}
    for outcome in outcomes:
        if key in outcome.cell:
            groups.setdefault(outcome.cell[key], []).append(outcome)
    try:
        return dict(sorted(groups.items()))
    except TypeError:
        return groups
