"""How good a network is on data that it did not learn from: hops and events, per label, at thresholds of its log-odds.

    score of a hop = mean over the last 0.5 s of ln(p / p_none),   p = p_major, or p_minor + p_major for minor motion

An event is detected when the score reaches the threshold within LATENCY_S of its onset. False alarms are counted where nothing
that counts moves, at most one in 10 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from detectors.interface import alarm_indices
from detectors.presence.network import CLASSES, Classifier
from lab.training.presence.examples import HOP_S, MAJOR_CLASS, MINOR_CLASS, NONE, Example

THRESHOLDS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
SMOOTHED, REFRACTORY = 10, 200  # hops
LATENCY_S = {"minor": 3.0, "major": 2.0}
LABELS = {"minor": MINOR_CLASS, "major": MAJOR_CLASS}
_LEAST = 1e-7


@dataclass(frozen=True, eq=False)
class Scored:
    """An example and its scores, float32 (hops,) per label."""

    example: Example
    scores: Mapping[str, NDArray[np.float32]]


def score(model: Path, examples: Sequence[Example], microphones: int = 0, jobs: int = 1) -> list[Scored]:
    """Runs the network over each example as a device would. microphones: index of the set, 0 for all. jobs: networks side by side; they
    say the same whatever their number."""

    free: SimpleQueue[Classifier] = SimpleQueue()
    for _ in range(jobs):
        free.put(Classifier(model))

    def scored(one: Example) -> Scored:
        classifier = free.get()
        try:
            found = probabilities(classifier, one.maps[microphones].astype(np.float32))
        finally:
            free.put(classifier)
        return Scored(one, smoothed(found))

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(scored, examples))


def probabilities(classifier: Classifier, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """(hops, 3) of maps (hops, CHANNELS, BANDS)."""
    state = classifier.start()
    found = np.empty((len(maps), len(CLASSES)), np.float32)
    for hop, one in enumerate(maps):
        found[hop], state = classifier.step(one, state)
    return found


def smoothed(found: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    p = np.maximum(found.astype(np.float64), _LEAST)
    odds = {
        "minor": np.log((p[:, MINOR_CLASS] + p[:, MAJOR_CLASS]) / p[:, NONE]),
        "major": np.log(p[:, MAJOR_CLASS] / (p[:, NONE] + p[:, MINOR_CLASS])),
    }
    return {label: _mean(values).astype(np.float32) for label, values in odds.items()}


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last SMOOTHED hops, fewer at the start."""
    total = np.concatenate([np.zeros(1), np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - SMOOTHED, 0)
    return (total[end] - total[start]) / (end - start)


def area(positive: NDArray, negative: NDArray) -> float:
    """Area under the curve: the chance that a positive scores above a negative."""
    if not len(positive) or not len(negative):
        return float("nan")
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left") + np.searchsorted(order, positive, "right")
    return float(np.mean(below) / (2.0 * len(negative)))


def hop_figures(scored: Sequence[Scored]) -> dict[str, dict[str, float]]:
    """Per label: area under the curve, and the share of hops without motion above the median and the 10 % point of motion."""
    figures = {}
    for label, index in LABELS.items():
        positive = np.concatenate([one.scores[label][one.example.labels == index] for one in scored])
        negative = np.concatenate([one.scores[label][one.example.labels == NONE] for one in scored])
        figures[label] = {"auc": area(positive, negative)}
        for share in (0.5, 0.9):
            at = np.quantile(positive, 1.0 - share) if len(positive) else np.inf
            figures[label][f"false_at_{share:g}"] = float(np.mean(negative >= at))
    return figures


def detected(scored: Sequence[Scored], label: str, threshold: float) -> tuple[int, int]:
    """Events of a label found in time, and events."""
    found = total = 0
    for one in scored:
        for onset, _, index in one.example.onsets:
            if index != LABELS[label]:
                continue
            begin = int(onset / HOP_S)
            window = one.scores[label][begin : begin + round(LATENCY_S[label] / HOP_S)]
            total += 1
            found += bool(window.size and window.max() >= threshold)
    return found, total


def false_alarms(scored: Sequence[Scored], label: str, threshold: float) -> tuple[int, float]:
    """Alarms in examples without any motion, and their hours."""
    alarms, hours = 0, 0.0
    for one in scored:
        if len(one.example.onsets):
            continue
        heard = np.where(one.example.labels == NONE, one.scores[label], -np.inf)
        alarms += len(alarm_indices(heard, threshold, REFRACTORY))
        hours += one.example.hours
    return alarms, hours


def cell_of(scored: Scored) -> str:
    return scored.example.name.rsplit(" ", 1)[0]


def table(scored: Sequence[Scored]) -> str:
    """The figures as text: hops, then events and false alarms by threshold, then cells."""
    lines = ["hops: label, area under the curve, share of hops without motion above 50 % and 90 % of motion"]
    for label, figures in hop_figures(scored).items():
        lines.append(
            f"  {label:6} {figures['auc']:.4f}   {figures['false_at_0.5']:.5f}   {figures['false_at_0.9']:.4f}"
        )
    cells: dict[str, list[Scored]] = {}
    for one in scored:
        cells.setdefault(cell_of(one), []).append(one)
    for label in LABELS:
        lines.append(f"{label}: threshold {'  '.join(f'{t:>9g}' for t in THRESHOLDS)}")
        lines.append("  events found     " + "  ".join(_found(scored, label, t) for t in THRESHOLDS))
        lines.append("  false per day    " + "  ".join(_false(scored, label, t) for t in THRESHOLDS))
        for name, members in cells.items():
            told = _found if detected(members, label, 0.0)[1] else _false
            if told is _false and any(len(one.example.onsets) for one in members):
                continue
            lines.append("    " + "  ".join(told(members, label, t) for t in THRESHOLDS) + f"  {name}")
    return "\n".join(lines)


def _found(scored: Sequence[Scored], label: str, threshold: float) -> str:
    found, total = detected(scored, label, threshold)
    return f"{found:>4}/{total:<4}" if total else f"{'-':>9}"


def _false(scored: Sequence[Scored], label: str, threshold: float) -> str:
    alarms, hours = false_alarms(scored, label, threshold)
    return f"{24.0 * alarms / hours:>7.1f}/d" if hours else f"{'-':>9}"
