"""`lab train sound_events` and `lab mine sound_events`: scenes, pre-training, learning, mining, heads, verifier, export, card.

Everything that takes long is kept in a folder and taken up again: scenes, runs that were stopped, weights, mined scenes.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from detectors.sound_events.network import Network
from lab.errors import BadInput
from lab.training.sound_events import evaluate, likeness, mining, study, verifier
from lab.training.sound_events.card import write_card
from lab.training.sound_events.examples import DRAWING, Example, example, rendering, scenes
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
from lab.training.sound_events.heads import HeadRecipe, learn_head, learnt_from
from lab.training.sound_events.job import Job, clutter, gather, progress
from lab.training.sound_events.learn import FEW_SHOT, LABELS, Weights, learn
from lab.training.sound_events.pretrain import pretrain
from lab.training.sound_events.recordings import open_recordings
from lab.training.sound_events.scenes import TARGETS

CARD, VERIFIER = "sound_events.md", "verifier.onnx"
VERIFIER_WEIGHTS = "verifier.npz"
# What a card tells and facts of an earlier version lack. Facts name a `base` once all of a training is done.
TOLD = ("originals", "then", "verifier_clutter_h", "verifier_parameters")
MINING_H = 2.0
CALM_FROM = 500_000  # scene
VERIFIER_FROM = 600_000  # scene
VERIFIER_CLUTTER_H = 8.0  # beside the scenes: what strikes and clatters is what a device flags most at home
# Scenes with a false alarm per hour of clutter, in which there is some fifty times as much to be heard as at home; by evenings and rows of the
# tune split. Breaking glass leaves the device as a clip, and doors are taken for steps, of which this clutter has none: fewer of these.
CALM_PER_H = {label: 8.0 if label in ("glass_break", "door_close") else 20.0 for label in LABELS}
MINED_SHARE = 1 / 5  # of the steps of training, at half of its rate
HELD = 12  # one scene in so many is kept from the verifier, to raise its answers by


def train(job: Job) -> str:
    """All of it. Returns the figures on the tune split."""
    found = open_recordings("train", job.corpus).count
    if not found:
        job.say(
            "no recordings at hand: scenes are computed alone (see lab corpus fetch, or name a folder with --corpus)"
        )
    examples = gather(job, "train")
    tune, heard = gather(job, "tune"), evaluate.played(job.store)
    clock = _Clock()
    facts = {
        "recipe": asdict(job.recipe),
        "drawing": DRAWING,
        "rendering": rendering([*job.shards("train"), *job.shards("tune")]),
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
    weights, facts = job.kept.weights(), job.kept.facts()
    examples, tune = gather(job, "train"), gather(job, "tune")
    clock = _Clock(facts["seconds"])
    for _ in range(rounds):
        weights = _round(job, weights, facts, examples, hours, threshold)
    facts["seconds"] = clock.seconds
    clock.told("mining")
    return _finish(job, weights, facts, examples, tune, evaluate.played(job.store), clock)


def train_head(job: Job, label: str, examples: int) -> str:
    """One head on the published base: writes its files, and the card where the work folder holds the facts of this base; no other file
    changes. Returns its figures on the tune split."""
    if label not in TARGETS:
        raise BadInput(f"head {label}: nothing of that name is labelled; there is: {', '.join(TARGETS)}")
    if not (job.out / "base.onnx").exists():
        raise BadInput(f"{job.out / 'base.onnx'}: no base to put a head on; run lab train sound_events first")
    learnt = _head(job, job.out, label, gather(job, "train"), replace(HeadRecipe(), examples=examples))
    tune, heard = gather(job, "tune"), evaluate.played(job.store)
    why = _unpublished(job)
    if why is None:
        facts = job.kept.facts()
        facts["few"][label] = learnt
        _note_then(facts, f"--head {label}")
        facts["calm"].pop(label, None)
        job.kept.save_facts(facts)
        describe(job, tune, heard)
    else:
        job.say(f"{job.out / CARD}: left as it is; {job.kept.facts_file}: {why}")
    network = evaluate.opened(job.out, [label])
    sets = {"computed scenes": tune, "recordings": _of(heard)}
    return "\n".join(evaluate.table({name: evaluate.figures(network, one) for name, one in sets.items()}))


def train_verifier(job: Job) -> str:
    """The verifier alone, on what the published device stage flags: writes its file and the card; no other file changes. Returns the figures on
    the tune split. Raises BadInput where the facts are of another base, an unfinished training, or another seed or number of scenes."""
    facts = _published_facts(job)
    for what, was, asked in (
        ("seed", facts["recipe"]["seed"], job.recipe.seed),
        ("scenes", facts["scenes"], job.count("train")),
    ):
        if was != asked:
            raise BadInput(f"{job.kept.facts_file}: {what}: the base learnt with {was}, asked are {asked}")
    examples, made = gather(job, "train"), job.work / "models"
    made.mkdir(exist_ok=True)
    for path in job.out.glob("*.onnx"):
        shutil.copyfile(path, made / path.name)
    clock = _Clock({name: value for name, value in facts["seconds"].items() if name != "verifier"})
    facts |= _second_look(job, made, examples)
    clock.told("verifier")
    facts["seconds"] = clock.seconds
    _note_then(facts, "--verifier")
    shutil.copyfile(made / VERIFIER, job.out / VERIFIER)
    job.kept.save_facts(facts)
    return describe(job)


def describe(
    job: Job, tune: Sequence[Example] | None = None, heard: Sequence[evaluate.Played] | None = None
) -> str:
    """Writes the card of the published models from the facts of the folder; nothing is trained. Returns the figures on the tune split.

    tune, heard: what the figures are of, where it is at hand. Raises BadInput where the facts are of another base or of an unfinished training.
    """
    facts = _published_facts(job)
    tune = gather(job, "tune") if tune is None else tune
    heard = evaluate.played(job.store) if heard is None else heard
    sets = {"computed scenes": tune, "recordings": _of(heard)}
    network = evaluate.opened(job.out, TARGETS)
    asked = verifier.clips(network, [*tune, *_of(heard)], job.recipe.seed + 1)
    return write_card(
        job.out / CARD,
        facts,
        sorted(job.out.glob("*.onnx")),
        _columns(job.out, sets),
        evaluate.by_recording(network, heard),
        heard,
        verifier.judge(job.out / VERIFIER, asked),
    )


def _unpublished(job: Job) -> str | None:
    """Why the facts are not of the base beside the card, or do not tell all that a card does; None where they do."""
    base = job.out / "base.onnx"
    if not job.kept.facts_file.exists() or not base.exists():
        return f"no finished training of the base in {job.out}"
    facts = job.kept.facts()
    if facts.get("base") != Network(base, []).base.id:
        return f"no finished training of the base in {job.out}"
    untold = sorted(set(TOLD) - facts.keys())
    return f"of an earlier version of the training, without {', '.join(untold)}" if untold else None


def _published_facts(job: Job) -> dict:
    """Raises BadInput where they are of another base, of an unfinished training or of an earlier version."""
    why = _unpublished(job)
    if why is not None:
        raise BadInput(f"{job.kept.facts_file}: {why}; run lab train sound_events first")
    return job.kept.facts()


def _note_then(facts: dict, option: str) -> None:
    """Notes what was learnt after the training itself, the last time of each."""
    facts["then"] = [one for one in facts["then"] if one != option] + [option]


def figures(job: Job) -> str:
    """The figures of the published models on the tune split; nothing is trained."""
    sets = {"computed scenes": gather(job, "tune"), "recordings": _of(evaluate.played(job.store))}
    return "\n".join(evaluate.table(_columns(job.out, sets)))


def _round(
    job: Job, weights: Weights, facts: dict, examples: Sequence[Example], hours: float, threshold: float
) -> Weights:
    """One round of mining: hears clutter, keeps what fools the network, learns on; other clutter says what it brought."""
    number, count = len(facts["rounds"]), mining.count_of(hours)
    first = mining.ROUND_FROM * number
    if count + count // 3 > mining.ROUND_FROM or first + mining.ROUND_FROM > CALM_FROM:
        raise BadInput(
            f"round {number + 1} of {hours:g} h: rounds of at most {mining.MOST_H:g} h, {CALM_FROM // mining.ROUND_FROM} in all"
        )
    facts.pop("base", None)
    heard, fresh = (
        [
            example(one)
            for one in scenes(
                job.store, "train", some, progress(job, f"mining round {number + 1}"), True, start
            )
        ]
        for some, start in ((count, first), (count // 3 or 1, first + count))
    )
    network = _trial(job, weights)
    kept = mining.fooled(network, heard, threshold)
    before = mining.alarms_per_hour(network, fresh, threshold)
    job.say(f"mining round {number + 1}: {len(kept)} of {len(heard)} scenes fooled the network")
    file = None
    if kept:
        file = f"mined-{base_id(weights)}/{number:03}.npz"
        mining.keep(job.work / file, kept)
        recipe = replace(
            job.recipe,
            steps=max(10, round(MINED_SHARE * job.recipe.steps)),
            rate=0.5 * job.recipe.rate,
            seed=job.recipe.seed + 1 + number,
        )
        mined = [*mining.kept(job.work, facts["rounds"]), *kept]
        weights = learn([*examples, *mined], recipe, job.say, weights, job.work / f"mining-{number}.pt")
    row = {
        "hours": sum(one.hours for one in heard),
        "fresh_hours": sum(one.hours for one in fresh),
        "kept": len(kept),
        "file": file,
        "before": before,
        "after": mining.alarms_per_hour(_trial(job, weights), fresh, threshold),
    }
    facts["rounds"].append(row)
    job.say(mining.told(row))
    job.kept.save(weights, facts)
    return weights


def _second_look(job: Job, folder: Path, examples: Sequence[Example]) -> dict:
    """Learns and writes the verifier beside the device's networks in a folder; returns what the card says of it."""
    network = evaluate.opened(folder, TARGETS)
    more = clutter(job, "clutter for the verifier", VERIFIER_CLUTTER_H, VERIFIER_FROM)
    learnt = [one for number, one in enumerate(examples) if number % HELD]
    flagged = verifier.clips(network, [*learnt, *more], job.recipe.seed)
    judged = verifier.learn(flagged, job.verifier, job.say, job.work / "verifier.pt")
    held = verifier.clips(network, examples[::HELD], job.recipe.seed)
    judged, raised = verifier.calibrated(judged, verifier.write(judged, folder / VERIFIER), held)
    verifier.write(judged, folder / VERIFIER)
    np.savez(job.work / VERIFIER_WEIGHTS, **judged)
    return {
        "raised": raised,
        "clips": len(flagged),
        "verifier_steps": job.verifier.steps,
        "verifier_clutter_h": sum(one.hours for one in more),
        "verifier_parameters": parameters(judged),
    }


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
    job.kept.save(weights, facts)
    weights, facts["calm"] = mining.calmed(
        weights,
        _trial(job, weights),
        clutter(job, "clutter to calm heads by", MINING_H, CALM_FROM),
        CALM_PER_H,
    )
    facts["calm_per_h"] = CALM_PER_H
    made = job.work / "models"
    write_network(weights, LABELS, made)
    facts["few"] = {label: _head(job, made, label, examples, HeadRecipe()) for label in FEW_SHOT}
    clock.told("heads")
    facts |= _second_look(job, made, examples)
    clock.told("verifier")
    one_head = parameters(head_weights(weights, LABELS[0]))
    base = parameters(base_weights(weights))
    recordings = open_recordings("train", job.corpus)
    facts |= {
        "likeness": likeness.table(recordings, "train"),
        "originals": recordings.originals,
        "base": base_id(weights),
        "then": [],
        "parameters": {
            "base": base,
            "head": one_head,
            "device": base + one_head * len(TARGETS),
        },
    }
    job.kept.save(weights, facts)
    job.out.mkdir(parents=True, exist_ok=True)
    published = sorted(made.glob("*.onnx"))
    for path in published:
        shutil.copyfile(path, job.out / path.name)
    return describe(job, tune, heard)


def _columns(folder: Path, sets: dict[str, Sequence[Example]]) -> dict[str, list[evaluate.Figure]]:
    columns = {}
    for name, examples in sets.items():
        for title, int8 in (("", False), (", int8", True)):
            if examples:
                columns[name + title] = evaluate.figures(evaluate.opened(folder, TARGETS, int8), examples)
    return columns


def _head(
    job: Job, folder: Path, label: str, examples: Sequence[Example], recipe: HeadRecipe
) -> dict[str, int]:
    """Learns and writes one head beside the base of a folder; returns what it learnt from."""
    network = Network(folder / "base.onnx", [])
    weights = learn_head(network.base, examples, label, recipe, job.recipe, job.say)
    path = write_head(weights, label, network.base.id, folder / f"head_{label}.onnx")
    write_int8(path, int8_of(path))
    return learnt_from(examples, label, recipe)


def _study(
    job: Job, examples: Sequence[Example], tune: Sequence[Example], heard: Sequence[evaluate.Played]
) -> dict | None:
    """Kept in the folder: a later run without `study` shows it again, and its card says where it was made otherwise."""
    file = job.work / "study.json"
    if job.study:
        sets = {"computed scenes": tune} | ({"recordings": _of(heard)} if heard else {})
        made = study.study(examples, sets, job.recipe, job.work, job.say)
        file.write_text(json.dumps(made, indent=1) + "\n")
    return json.loads(file.read_text()) if file.exists() else None


def _of(heard: Sequence[evaluate.Played]) -> list[Example]:
    return [one.example for one in heard]


class _Clock:
    """Seconds that each part took, by name. before: of earlier runs."""

    def __init__(self, before: Mapping[str, int] = {}) -> None:
        self.seconds = dict(before)
        self._last = time.monotonic()

    def told(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0) + round(now - self._last)
        self._last = now
