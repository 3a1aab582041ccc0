"""What pre-training and labels from a teacher bring, with the same steps for each: the study behind the card's table.

Semi-supervised round: half of the train scenes keep their labels and teach a first network; it labels the other half frame by frame, 1 above
SURE, 0 below -SURE and UNSURE between; a second network learns from both halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from detectors.sound_events.network import Network
from lab.training.sound_events.evaluate import Figure, figures, log_odds, opened
from lab.training.sound_events.examples import Example
from lab.training.sound_events.export import write_network
from lab.training.sound_events.learn import LABELS, Recipe, Say, Weights, learn
from lab.training.sound_events.pretrain import pretrain
from lab.training.sound_events.scenes import TARGETS, UNSURE

SURE = 1.5  # log odds


def labelled_by(network: Network, examples: Sequence[Example]) -> list[Example]:
    """The same scenes with the teacher's labels; their own are not looked at."""
    made = []
    for one in examples:
        labels = np.full_like(one.labels, UNSURE)
        for label, values in log_odds(network, one).items():
            labels[:, TARGETS.index(label)] = np.where(values > SURE, 1, np.where(values < -SURE, 0, UNSURE))
        made.append(replace(one, labels=labels))
    return made


def study(
    train: Sequence[Example],
    sets: dict[str, Sequence[Example]],
    recipe: Recipe,
    work: Path,
    say: Say,
) -> dict[str, dict[str, list[Figure]]]:
    """variant -> set -> figures. sets: of the tune split, by name."""
    half, hidden = train[::2], train[1::2]
    made: dict[str, dict[str, list[Figure]]] = {}

    def tried(name: str, weights: Weights) -> Network:
        folder = work / "study"
        write_network(weights, LABELS, folder)
        network = opened(folder, LABELS)
        made[name] = {title: figures(network, examples) for title, examples in sets.items()}
        say(f"study: {name} done")
        return network

    tried("all labels", learn(train, recipe, say))
    tried("all labels, pre-trained", learn(train, recipe, say, pretrain(train, recipe, say)))
    teacher = tried("half of the labels", learn(half, recipe, say))
    tried("half, pre-trained on all", learn(half, recipe, say, pretrain(train, recipe, say)))
    tried("half, and the teacher's labels", learn([*half, *labelled_by(teacher, hidden)], recipe, say))
    return made
