"""What pre-training and labels from a teacher bring: the study behind the card's table. Each variant learns for the same steps; what
predicts first has those of pre-training before.

Semi-supervised round: half of the train scenes keep their labels and teach a first network; it labels the other half frame by frame, 1 above
SURE, 0 below -SURE and UNSURE between; a second network learns from both halves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from detectors.sound_events.network import Network
from lab.training.sound_events.evaluate import Figure, figures, log_odds, mean_precision, opened
from lab.training.sound_events.examples import DRAWING, Example
from lab.training.sound_events.export import write_network
from lab.training.sound_events.learn import LABELS, Recipe, Say, Weights, learn
from lab.training.sound_events.pretrain import SHARE as PRETRAINED_SHARE
from lab.training.sound_events.pretrain import pretrain
from lab.training.sound_events.scenes import TARGETS, UNSURE

SURE = 1.5  # log odds
STEPS_SHARE = 1 / 10  # of those of training
ALL, ALL_PRETRAINED = "all labels", "all labels, pre-trained"
HALF, HALF_PRETRAINED = "half of the labels", "half, pre-trained on all"
TAUGHT = "half, and the teacher's labels"

Study = Mapping[str, Any]  # of: what `made_with` says; variants: name -> set -> figures


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
    sets: Mapping[str, Sequence[Example]],
    recipe: Recipe,
    work: Path,
    say: Say,
) -> Study:
    """recipe: of the training. sets: of the tune split, by name."""
    of = made_with(recipe, len(train), DRAWING)
    recipe = replace(recipe, steps=of["recipe"]["steps"])
    half, hidden = train[::2], train[1::2]
    made: dict[str, dict[str, list[dict]]] = {}

    def tried(name: str, weights: Weights) -> Network:
        folder = work / "study"
        write_network(weights, LABELS, folder)
        network = opened(folder, LABELS)
        made[name] = {
            title: [asdict(one) for one in figures(network, examples)] for title, examples in sets.items()
        }
        say(f"study: {name} done")
        return network

    tried(ALL, learn(train, recipe, say))
    tried(ALL_PRETRAINED, learn(train, recipe, say, pretrain(train, recipe, say)))
    teacher = tried(HALF, learn(half, recipe, say))
    tried(HALF_PRETRAINED, learn(half, recipe, say, pretrain(train, recipe, say)))
    tried(TAUGHT, learn([*half, *labelled_by(teacher, hidden)], recipe, say))
    return {"of": of, "variants": made}


def made_with(recipe: Recipe, scenes: int, drawing: str | None) -> dict[str, Any]:
    """What a study of a training is made with. drawing: None where that was not kept."""
    steps = max(10, round(STEPS_SHARE * recipe.steps))
    return {"recipe": asdict(replace(recipe, steps=steps)), "scenes": scenes, "drawing": drawing}


def read(content: Mapping[str, Any]) -> Study:
    """A study as it was kept. Of those of before what they were made with was kept, the steps are known alone."""
    if "variants" in content:
        return content
    steps = next(iter(content.values()))["steps"]
    return {
        "of": {"recipe": {"steps": steps}},
        "variants": {name: row["sets"] for name, row in content.items()},
    }


def stale(study: Study, now: Mapping[str, Any]) -> str:
    """In what a study was made with something else than `now`, of `made_with`; empty where it was not."""
    was, wanted = _flat(study["of"]), _flat(now)
    other = [
        f"{name} {was[name]}, now {value}" for name, value in wanted.items() if was.get(name, value) != value
    ]
    lost = ["what else it was made with was not kept"] if wanted.keys() - was.keys() else []
    return "; ".join([*other, *lost])


def _flat(of: Mapping[str, Any]) -> dict[str, Any]:
    return {**of["recipe"], **{name: value for name, value in of.items() if name != "recipe"}}


def told(study: Study, now: Mapping[str, Any]) -> list[str]:
    """Lines for the card: the table, and in words what helped. now: `made_with` of the training that the card is of."""
    variants, steps = study["variants"], study["of"]["recipe"]["steps"]
    mean = {
        name: {
            title: round(mean_precision([Figure(**one) for one in made]), 3) for title, made in row.items()
        }
        for name, row in variants.items()
    }
    sets = list(mean[ALL])
    old = stale(study, now)
    rows = [f"Of an earlier recipe: {old}.", ""] if old else []
    rows += [f"Mean average precision over events, {steps} steps for each variant, one seed:", ""]
    rows += ["| variant | " + " | ".join(sets) + " |", "|---" * (1 + len(sets)) + "|"]
    rows += [
        f"| {name} | " + " | ".join(f"{row[title]:.3f}" for title in sets) + " |"
        for name, row in mean.items()
    ]

    def gains(name: str, without: str) -> list[float]:
        return [round(mean[name][title] - mean[without][title], 3) for title in sets]

    fewer = gains(HALF, ALL)
    chance = max(0.0, *fewer)
    seed = "What one seed is worth is not known: small differences may say nothing."
    if chance:
        seed = (
            f"One seed is worth {chance:.3f} at least, and a smaller difference says nothing: half of the labels against all "
            f"{_signed(sets, fewer)}, where fewer should not win."
        )
    rows += ["", seed]
    before = max(10, round(PRETRAINED_SHARE * steps))
    with_all, with_half = gains(ALL_PRETRAINED, ALL), gains(HALF_PRETRAINED, HALF)
    taught = gains(TAUGHT, HALF)
    return [
        *rows,
        "",
        (
            f"- Pre-training {_verdict([*with_all, *with_half], chance)}: with all labels {_signed(sets, with_all)}, with half of them "
            f"{_signed(sets, with_half)}. The pre-trained had {before} steps of prediction before the {steps}, {before / steps:.0%} more than the others."
        ),
        f"- The teacher's labels {_verdict(taught, chance)}: against its half alone {_signed(sets, taught)}.",
        f"- A study takes {STEPS_SHARE:.0%} of the steps of a training: what a whole one would show is not known.",
    ]


def _verdict(gains: Sequence[float], chance: float) -> str:
    known = [gain for gain in gains if math.isfinite(gain)]
    better, worse = sum(gain > chance for gain in known), sum(gain < -chance for gain in known)
    by, of = f" by more than {chance:.3f}" if chance else "", f"of {len(known)} figures"
    if better and worse:
        return f"helped{by} in {better} and harmed in {worse} {of}"
    if better:
        return f"helped{by} in {better} {of}"
    if worse:
        return f"did not help, and harmed{by} in {worse} {of}"
    return f"did not help{by} in any {of}"


def _signed(sets: Sequence[str], gains: Sequence[float]) -> str:
    return ", ".join(f"{title} {gain:+.3f}" for title, gain in zip(sets, gains, strict=True))
