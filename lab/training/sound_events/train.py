"""`lab train sound_events` and `lab mine sound_events`: scenes, pre-training, learning, mining, heads, verifier, export, card.

Everything that takes long is kept in a folder and taken up again: scenes, runs that were stopped, weights, mined scenes.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from detectors.sound_events.network import Network
from lab.errors import BadInput
from lab.training.sound_events import evaluate, likeness, mining, semi, verifier
from lab.training.sound_events.card import write_card
from lab.training.sound_events.examples import Example, Store, example, scenes
from lab.training.sound_events.export import (
    base_id,
    base_weights,
    head_weights,
    int8_of,
    parameters,
    write_head,
    write_int8,
    write_network,
)
from lab.training.sound_events.heads import HeadRecipe, few, learn_head
from lab.training.sound_events.learn import FEW_SHOT, LABELS, Recipe, Weights, learn
from lab.training.sound_events.pretrain import pretrain
from lab.training.sound_events.recordings import open_recordings
from lab.training.sound_events.scenes import TARGETS

MODELS = Path(__file__).parents[3] / "detectors" / "models" / "sound_events"
CARD, VERIFIER = "sound_events.md", "verifier.onnx"
WEIGHTS, VERIFIER_WEIGHTS, FACTS = "weights.npz", "verifier.npz", "facts.json"
SCENES, TUNE_SCENES = 10_000, 600
MINING_H = 2.0
CALM_FROM = 500_000  # scene
# Scenes with a false alarm per hour of clutter, in which there is some fifty times as much to be heard as at home; by evenings and rows of the
# tune split. Breaking glass leaves the device as a clip, and doors are taken for steps, of which this clutter has none: fewer of these.
CALM_PER_H = {label: 8.0 if label in ("glass_break", "door_close") else 20.0 for label in LABELS}
MINED_SHARE = 1 / 5  # of the steps of training, at half of its rate
STUDY_SHARE = 1 / 10
HELD = 12  # one scene in so many is kept from the verifier, to raise its answers by


@dataclass(frozen=True)
class Job:
    """work: folder of scenes and weights. out: of models and card. share: of SCENES and TUNE_SCENES. corpus: folder of recordings, None:
    EARSHOT_CORPUS or what was fetched. pretrained: whether the base predicts first, which the card's study found to
    harm. mined: rounds of mining within the training."""

    work: Path
    out: Path = MODELS
    share: float = 1.0
    jobs: int = 2
    corpus: Path | None = None
    recipe: Recipe = field(default_factory=Recipe)
    verifier: verifier.VerifierRecipe = field(default_factory=verifier.VerifierRecipe)
    pretrained: bool = False
    mined: int = 1
    study: bool = False
    say: Callable[[str], None] = print

    @property
    def store(self) -> Store:
        return Store(self.work, self.recipe.seed, self.corpus, self.jobs)


def train(job: Job) -> str:
    """All of it. Returns the figures on the tune split."""
    clock = _Clock()
    found = open_recordings("train", job.corpus).count
    if not found:
        job.say(
            "no recordings at hand: scenes are computed alone (see lab corpus fetch, or name a folder with --corpus)"
        )
    examples = gather(job, "train")
    tune, heard = gather(job, "tune"), evaluate.played(job.store)
    clock.told("scenes")
    facts = {
        "recipe": asdict(job.recipe),
        "scenes": len(examples),
        "hours": sum(one.hours for one in examples),
        "recordings": found,
        "families": dict(Counter(name for one in examples for name in one.scene.families).most_common()),
        "pretrained": job.pretrained,
        "rounds": [],
        "study": _study(job, examples, tune, heard),
        "seconds": clock.seconds,
    }
    if job.study:
        clock.told("study")
    start = pretrain(examples, job.recipe, job.say) if job.pretrained else None
    weights = learn(examples, job.recipe, job.say, start, job.work / "learning.pt")
    clock.told("learning")
    for _ in range(job.mined):
        weights = _round(job, weights, facts, examples, MINING_H * job.share, 0.0)
    clock.told("mining")
    return _finish(job, weights, facts, examples, tune, heard, clock)


def mine(job: Job, hours: float, rounds: int, threshold: float) -> str:
    """More rounds of mining on the weights at hand, and all that follows. Returns the figures on the tune split."""
    weights, facts = _weights(job), json.loads((job.work / FACTS).read_text())
    clock = _Clock(facts["seconds"])
    examples, tune = gather(job, "train"), gather(job, "tune")
    for _ in range(rounds):
        weights = _round(job, weights, facts, examples, hours, threshold)
    facts["seconds"] = clock.seconds
    clock.told("mining")
    return _finish(job, weights, facts, examples, tune, evaluate.played(job.store), clock)


def train_head(job: Job, label: str, examples: int) -> str:
    """One head on the published base: writes its files and no other. Returns its figures on the tune split."""
    if label not in TARGETS:
        raise BadInput(f"head {label}: nothing of that name is labelled; there is: {', '.join(TARGETS)}")
    if not (job.out / "base.onnx").exists():
        raise BadInput(f"{job.out / 'base.onnx'}: no base to put a head on; run lab train sound_events first")
    _head(job, job.out, label, gather(job, "train"), replace(HeadRecipe(), examples=examples))
    network = evaluate.opened(job.out, [label])
    sets = {"computed scenes": gather(job, "tune"), "recordings": _of(evaluate.played(job.store))}
    return "\n".join(evaluate.table({name: evaluate.figures(network, one) for name, one in sets.items()}))


def figures(job: Job) -> str:
    """The figures of the published models on the tune split; nothing is trained."""
    sets = {"computed scenes": gather(job, "tune"), "recordings": _of(evaluate.played(job.store))}
    return "\n".join(evaluate.table(_columns(job.out, sets)))


def gather(job: Job, split: str) -> list[Example]:
    """The examples of a split, rendered where they are not there yet."""
    count = max(1, round(job.share * (SCENES if split == "train" else TUNE_SCENES)))
    return [example(one) for one in scenes(job.store, split, count, _progress(job, f"{split} split"))]


def _round(
    job: Job, weights: Weights, facts: dict, examples: Sequence[Example], hours: float, threshold: float
) -> Weights:
    """One round of mining: hears clutter, keeps what fools the network, learns on; other clutter says what it brought."""
    number, count = len(facts["rounds"]), mining.count_of(hours)
    mined = job.work / f"mined-{base_id(weights)}"
    heard, fresh = (
        [
            example(one)
            for one in scenes(
                job.store, "train", some, _progress(job, f"mining round {number + 1}"), True, first
            )
        ]
        for some, first in ((count, 2 * number * count), (count // 3 or 1, (2 * number + 1) * count))
    )
    network = _trial(job, weights)
    kept = mining.fooled(network, heard, threshold)
    before = mining.alarms_per_hour(network, fresh, threshold)
    job.say(f"mining round {number + 1}: {len(kept)} of {len(heard)} scenes fooled the network")
    mining.keep(mined, number, kept)
    if kept:
        recipe = replace(
            job.recipe,
            steps=max(10, round(MINED_SHARE * job.recipe.steps)),
            rate=0.5 * job.recipe.rate,
            seed=job.recipe.seed + 1 + number,
        )
        weights = learn([*examples, *kept], recipe, job.say, weights, job.work / f"mining-{number}.pt")
    row = {
        "hours": sum(one.hours for one in heard),
        "fresh_hours": sum(one.hours for one in fresh),
        "kept": len(kept),
        "before": before,
        "after": mining.alarms_per_hour(_trial(job, weights), fresh, threshold),
    }
    facts["rounds"].append(row)
    job.say(mining.told(row))
    _save(job, weights, facts)
    return weights


def _calm_hours(job: Job) -> list[Example]:
    """Clutter that no round of mining hears."""
    count = mining.count_of(MINING_H * job.share)
    heard = scenes(job.store, "train", count, _progress(job, "clutter to calm heads by"), True, CALM_FROM)
    return [example(one) for one in heard]


def _trial(job: Job, weights: Weights) -> Network:
    write_network(weights, LABELS, job.work / "trial")
    return evaluate.opened(job.work / "trial", LABELS)


def _finish(
    job: Job,
    weights: Weights,
    facts: dict,
    examples: Sequence[Example],
    tune: Sequence[Example],
    heard: Sequence[evaluate.Played],
    clock: _Clock,
) -> str:
    """Heads from few examples, verifier, export, figures, card."""
    _save(job, weights, facts)
    weights, facts["calm"] = mining.calmed(weights, _trial(job, weights), _calm_hours(job), CALM_PER_H)
    facts["calm_per_h"] = CALM_PER_H
    made = job.work / "models"
    write_network(weights, LABELS, made)
    facts["few"] = {label: len(_head(job, made, label, examples, HeadRecipe())) for label in FEW_SHOT}
    clock.told("heads")
    network = evaluate.opened(made, TARGETS)
    learnt = [one for number, one in enumerate(examples) if number % HELD]
    flagged = verifier.clips(network, learnt, job.recipe.seed)
    judged = verifier.learn(flagged, job.verifier, job.say, job.work / "verifier.pt")
    held = verifier.clips(network, examples[::HELD], job.recipe.seed)
    judged, facts["raised"] = verifier.calibrated(judged, verifier.write(judged, made / VERIFIER), held)
    verifier.write(judged, made / VERIFIER)
    clock.told("verifier")
    one_head = parameters(head_weights(weights, LABELS[0]))
    base = parameters(base_weights(weights))
    facts |= {
        "likeness": likeness.table(open_recordings("train", job.corpus), "train"),
        "base": base_id(weights),
        "clips": len(flagged),
        "verifier_steps": job.verifier.steps,
        "parameters": {
            "base": base,
            "head": one_head,
            "device": base + one_head * len(TARGETS),
            "verifier": parameters(judged),
        },
    }
    np.savez(job.work / VERIFIER_WEIGHTS, **judged)
    _save(job, weights, facts)
    job.out.mkdir(parents=True, exist_ok=True)
    published = sorted(made.glob("*.onnx"))
    for path in published:
        shutil.copyfile(path, job.out / path.name)
    sets = {"computed scenes": tune, "recordings": _of(heard)}
    recorded = evaluate.by_recording(network, heard)
    verdicts = verifier.judge(
        made / VERIFIER, verifier.clips(network, [*tune, *_of(heard)], job.recipe.seed + 1)
    )
    return write_card(job.out / CARD, facts, published, _columns(made, sets), recorded, heard, verdicts)


def _columns(folder: Path, sets: dict[str, Sequence[Example]]) -> dict[str, list[evaluate.Figure]]:
    columns = {}
    for name, examples in sets.items():
        for title, int8 in (("", False), (", int8", True)):
            if examples:
                columns[name + title] = evaluate.figures(evaluate.opened(folder, TARGETS, int8), examples)
    return columns


def _head(
    job: Job, folder: Path, label: str, examples: Sequence[Example], recipe: HeadRecipe
) -> list[Example]:
    """Learns and writes one head beside the base of a folder; returns the examples that it learnt from."""
    network = Network(folder / "base.onnx", [])
    weights = learn_head(network.base, examples, label, recipe, job.recipe, job.say)
    path = write_head(weights, label, network.base.id, folder / f"head_{label}.onnx")
    write_int8(path, int8_of(path))
    return few(examples, label, recipe)[0]


def _study(
    job: Job, examples: Sequence[Example], tune: Sequence[Example], heard: Sequence[evaluate.Played]
) -> dict | None:
    """Kept in the folder: a later run without `study` shows it again."""
    file = job.work / "study.json"
    if job.study:
        recipe = replace(job.recipe, steps=max(10, round(STUDY_SHARE * job.recipe.steps)))
        sets = {"computed scenes": tune} | ({"recordings": _of(heard)} if heard else {})
        made = semi.study(examples, sets, recipe, job.work, job.say)
        rows = {
            name: {
                "steps": recipe.steps,
                "sets": {title: [asdict(one) for one in figs] for title, figs in row.items()},
            }
            for name, row in made.items()
        }
        file.write_text(json.dumps(rows, indent=1) + "\n")
    return json.loads(file.read_text()) if file.exists() else None


def _of(heard: Sequence[evaluate.Played]) -> list[Example]:
    return [one.example for one in heard]


def _progress(job: Job, what: str) -> Callable[[int, int], None]:
    said = [0.0]

    def say(done: int, total: int) -> None:
        if time.monotonic() - said[0] > 15.0 or done == total:
            said[0] = time.monotonic()
            job.say(f"{what}: {done}/{total} scenes rendered")

    return say


def _weights(job: Job) -> Weights:
    path = job.work / WEIGHTS
    if not path.exists():
        raise BadInput(f"{path}: no weights to go on from; run lab train sound_events first")
    with np.load(path) as content:
        return {name: content[name] for name in content.files}


def _save(job: Job, weights: Weights, facts: dict) -> None:
    job.work.mkdir(parents=True, exist_ok=True)
    part = job.work / "part.npz"
    np.savez(part, **weights)
    part.replace(job.work / WEIGHTS)
    (job.work / FACTS).write_text(json.dumps(facts, indent=1) + "\n")


class _Clock:
    """Seconds that each part took, by name. before: of earlier runs."""

    def __init__(self, before: Mapping[str, int] = {}) -> None:
        self.seconds = dict(before)
        self._last = time.monotonic()

    def told(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0) + round(now - self._last)
        self._last = now
