"""Mining: hours of a home in which nothing happens that has a label, and the scenes of them that fool the network.

A round hears other scenes than every round before. What fooled the network in it and in those before is learnt from along with everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from detectors.sound_events.network import Network
from lab.training.sound_events.evaluate import log_odds
from lab.training.sound_events.examples import Example, example, load, save
from lab.training.sound_events.learn import Weights
from lab.training.sound_events.scenes import TARGETS

SCENE_S = 15.6  # on average, 0.3 of 24 s and 0.7 of 12 s
ROUND_FROM = 20_000  # scene of clutter from which a round hears, times its number
MOST_H = (
    ROUND_FROM * 0.75 * SCENE_S / 3600.0
)  # of a round: a third as much is heard beside, to say what it brought


def count_of(hours: float) -> int:
    """Scenes of so many hours."""
    return max(1, round(hours * 3600.0 / SCENE_S))


def fooled(network: Network, heard: Sequence[Example], threshold: float) -> list[Example]:
    """Scenes in which a head comes above the threshold where nothing of its label is."""
    return [replace(one, mined=True) for one in heard if max(_highest(network, one).values()) > threshold]


def alarms_per_hour(network: Network, heard: Sequence[Example], threshold: float) -> dict[str, float]:
    """label -> scenes with a false alarm, per hour heard."""
    hours = sum(one.hours for one in heard)
    highest = [_highest(network, one) for one in heard]
    return {label: sum(one[label] > threshold for one in highest) / hours for label in network.heads}


def _highest(network: Network, one: Example) -> dict[str, float]:
    return {
        label: float(values[one.labels[:, TARGETS.index(label)] == 0].max(initial=-1e9))
        for label, values in log_odds(network, one).items()
    }


def calmed(
    weights: Weights, network: Network, heard: Sequence[Example], per_h: Mapping[str, float]
) -> tuple[Weights, dict[str, float]]:
    """Weights whose heads are lowered until each comes above 0 in at most `per_h` scenes an hour of what is heard, and by how much each was.

    per_h: by label. Learning weighs events as if they were as common as silence, so its log odds are too high for a home. No head is raised.
    """
    hours = sum(one.hours for one in heard)
    highest = [_highest(network, one) for one in heard]
    lowered, made = {}, dict(weights)
    for label in network.heads:
        ranked = sorted((one[label] for one in highest), reverse=True)
        allowed = int(per_h[label] * hours)
        lowered[label] = max(0.0, ranked[allowed]) if len(ranked) > allowed else 0.0
        made[f"heads.{label}.2.bias"] = weights[f"heads.{label}.2.bias"] - np.float32(lowered[label])
    return made, lowered


def keep(file: Path, mined: Sequence[Example]) -> None:
    """Writes the scenes of a round."""
    save([one.scene for one in mined], file)


def kept(work: Path, rounds: Sequence[Mapping]) -> list[Example]:
    """What fooled the network in these rounds, by the `file` in `work` that each names; one that kept nothing names none."""
    files = [work / row["file"] for row in rounds if row.get("file")]
    return [example(scene, mined=True) for file in files for scene in load(file)]


def told(row: Mapping) -> str:
    """One line for a round."""
    changes = ", ".join(
        f"{label} {row['before'][label]:.1f} to {row['after'][label]:.1f}" for label in row["before"]
    )
    return (
        f"{row['hours']:.2f} h heard, {row['kept']} scenes kept; scenes with a false alarm per hour of another "
        f"{row['fresh_hours']:.2f} h: {changes}"
    )
