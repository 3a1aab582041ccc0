"""Mining: hours of clutter, and the stretches of it that fool the network.

A round hears other trials than every round before and than training: trial numbers go on from TRIALS_FROM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detectors.interface import alarm_indices
from lab.training.presence import evaluate
from lab.training.presence.examples import NONE, Example, rendering_told

TRIALS_FROM = 1_000  # of the first round; the next goes on a thousand later
AROUND = (400, 120)  # hops kept before and after an alarm: 20 s in which the memory fills, 6 s


def fooled(scored: Sequence[evaluate.Scored], threshold: float) -> list[Example]:
    """The stretches around false alarms of any label, also where the score comes half as high only."""
    found = []
    for one in scored:
        heard = np.maximum(one.scores["minor"], one.scores["major"])
        heard = np.where(one.example.labels == NONE, heard, -np.inf)
        for at in alarm_indices(heard, 0.5 * threshold, sum(AROUND)):
            start, stop = max(0, at - AROUND[0]), min(len(heard), at + AROUND[1])
            found.append(
                Example(
                    f"{one.example.name} at {at}",
                    one.example.family,
                    one.example.maps[:, start:stop],
                    one.example.labels[start:stop],
                    np.zeros((0, 3)),
                    mined=True,
                )
            )
    return found


def keep(folder: Path, round_number: int, examples: Sequence[Example]) -> None:
    """Writes the stretches of a round, in place of what another network left there for it."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{round_number}-*.npz"):
        old.unlink()
    for number, one in enumerate(examples):
        np.savez(
            folder / f"{round_number}-{number:05}.npz",
            maps=one.maps,
            labels=one.labels,
            family=one.family,
            name=one.name,
        )


def kept(folder: Path, rounds: int, least: int) -> list[Example]:
    """The stretches of the first `rounds` rounds that are longer than `least` hops. Later rounds are of an earlier training."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        if int(path.name.partition("-")[0]) >= rounds:
            continue
        with np.load(path) as content:
            if len(content["labels"]) > least:
                found.append(
                    Example(
                        str(content["name"]),
                        str(content["family"]),
                        content["maps"],
                        content["labels"],
                        np.zeros((0, 3)),
                        mined=True,
                    )
                )
    return found


def told(row: Mapping[str, Any]) -> str:
    """One line for a round."""
    changes = "; ".join(
        f"{label} {row['before'][label]:.0f} to {row['after'][label]:.0f}, "
        f"tune {row['before_tune'][label]:.0f} to {row['after_tune'][label]:.0f}"
        for label in evaluate.LABELS
    )
    return (
        f"{row['hours']:.2f} h heard{_of(row)}, {row['kept']} stretches kept, learnt with {row['learnt_hours']:.1f} h of the data; "
        f"false alarms per day at {row['threshold']:g}: {changes}; "
        f"{row['learn_s']} s to learn, {rendering_told(row['rendering'])}"
    )


def _of(row: Mapping[str, Any]) -> str:
    only = row.get("only", [])
    return f" of {', '.join(f'`{name}`' for name in only)}" if only else ""
