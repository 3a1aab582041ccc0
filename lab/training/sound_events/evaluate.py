"""How good base and heads are where they did not learn: whole scenes of the tune split, and its recordings one by one.

    score of a scene = largest log odds, smoothed over 0.3 s as a device does;  average precision over scenes with the label and without

Only frames that are labelled count: in a scene with the label those of the event and around it, in one without all but the unsure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events import features
from detectors.sound_events.network import Network
from lab.training.sound_events.examples import Example, Store, example
from lab.training.sound_events.recordings import Sample, open_recordings
from lab.training.sound_events.rooms import rooms
from lab.training.sound_events.scenes import TARGETS, play

SMOOTHED = 15  # frames
DRAWS = 6  # of room, background and microphone, for each recording


@dataclass(frozen=True)
class Figure:
    """One label: average precision, scenes with it and without, share of those with it above 0 and of those without it above 0."""

    label: str
    precision: float
    positives: int
    negatives: int
    found: float
    false: float


@dataclass(frozen=True, eq=False)
class Played:
    """One recording in one draw of everything else."""

    sample: Sample
    example: Example


def opened(folder: Path, labels: Sequence[str], int8: bool = False) -> Network:
    """The network in a folder."""
    tail = "_int8.onnx" if int8 else ".onnx"
    return Network(folder / f"base{tail}", [folder / f"head_{label}{tail}" for label in labels])


def log_odds(network: Network, one: Example) -> dict[str, NDArray[np.float32]]:
    """label -> (frames,), smoothed."""
    seen = one.features.astype(np.float32).reshape(-1, features.CHANNELS, features.MELS)
    embedding, _ = network.base.step(seen, network.base.start())
    return {label: smoothed(head.logits(embedding)) for label, head in network.heads.items()}


def smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over the last SMOOTHED frames, fewer at the start."""
    total = np.concatenate([np.zeros(1), np.cumsum(values, dtype=np.float64)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - SMOOTHED, 0)
    return ((total[end] - total[start]) / (end - start)).astype(np.float32)


def average_precision(positive: NDArray, negative: NDArray) -> float:
    """Mean over positives of the precision at their score; ties count against. NaN without either."""
    if not len(positive) or not len(negative):
        return float("nan")
    ranked = np.sort(positive)[::-1]
    above = len(negative) - np.searchsorted(np.sort(negative), ranked, "left")
    hits = np.arange(1, len(ranked) + 1)
    return float(np.mean(hits / (hits + above)))


def figures(network: Network, examples: Sequence[Example]) -> list[Figure]:
    """One figure a head, over whole scenes."""
    highest: dict[str, tuple[list[float], list[float]]] = {label: ([], []) for label in network.heads}
    for one in examples:
        scores = log_odds(network, one)
        for label, (positive, negative) in highest.items():
            marks = one.labels[:, TARGETS.index(label)]
            if (marks == 1).any():
                positive.append(float(scores[label][marks != 0].max()))
            elif not (marks != 0).any():
                negative.append(float(scores[label].max()))
    return [_figure(label, *map(np.array, both)) for label, both in highest.items()]


def _figure(label: str, positive: NDArray, negative: NDArray) -> Figure:
    return Figure(
        label,
        average_precision(positive, negative),
        len(positive),
        len(negative),
        float(np.mean(positive > 0.0)) if len(positive) else float("nan"),
        float(np.mean(negative > 0.0)) if len(negative) else float("nan"),
    )


def played(store: Store, split: str = "tune") -> list[Played]:
    """Each recording of a split in DRAWS draws of room, background and microphone, 10 to 30 dB above the background."""
    recordings = open_recordings(split, store.corpus)
    if not recordings.count:
        return []
    bank = rooms(split, store.folder, store.seed)
    return [
        Played(sample, example(play(sample, split, draw, store.seed, bank, recordings)))
        for sample in recordings.samples
        for draw in range(DRAWS)
    ]


def by_recording(network: Network, heard: Sequence[Played]) -> dict[str, dict[str, float]]:
    """path -> label -> share of draws in which the head is above 0."""
    found: dict[str, dict[str, list[bool]]] = {}
    for one in heard:
        row = found.setdefault(one.sample.recording.path, {label: [] for label in network.heads})
        for label, values in log_odds(network, one.example).items():
            row[label].append(bool(values.max() > 0.0))
    return {path: {label: float(np.mean(told)) for label, told in row.items()} for path, row in found.items()}


def mean_precision(made: Sequence[Figure]) -> float:
    known = [one.precision for one in made if np.isfinite(one.precision)]
    return float(np.mean(known)) if known else float("nan")


def table(columns: Mapping[str, Sequence[Figure]]) -> list[str]:
    """Rows of Markdown: average precision by label, one column for each set of figures."""
    labels = [one.label for one in next(iter(columns.values()))]
    by_label = {name: {one.label: one for one in made} for name, made in columns.items()}
    rows = ["| event | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    for label in labels:
        cells = (_cell(made[label]) for made in by_label.values())
        rows.append(f"| {label} | " + " | ".join(cells) + " |")
    rows.append("| mean | " + " | ".join(f"{mean_precision(made):.3f}" for made in columns.values()) + " |")
    return rows


def _cell(one: Figure) -> str:
    return f"{one.precision:.3f}" if np.isfinite(one.precision) else "-"
