"""`lab train presence` and `lab mine presence`: data, learning, export, figures, card; rounds of mining.

Everything that takes long is kept in a folder and taken up again: rendered examples, weights, mined hours.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.errors import BadInput
from lab.training.presence import evaluate, mining
from lab.training.presence.card import write_card
from lab.training.presence.examples import Example, Place, chosen, load, places, render, rendering, scenarios
from lab.training.presence.export import parameters, write_int8, write_onnx
from lab.training.presence.learn import Recipe, Weights, learn
from lab.training.work import WorkFolder

MODELS = Path(__file__).parents[3] / "detectors" / "models"
SCENARIOS = Path(__file__).parents[3] / "scenarios" / "training" / "presence"
MODEL, INT8, UNMINED = "presence.onnx", "presence_int8.onnx", "presence_unmined.onnx"
CARD = "presence.md"
MINED_SHARE = 1 / 3  # of those of training, at a third of its rate


@dataclass(frozen=True)
class Job:
    """work: folder of examples and weights. out: of the model, its variants (int8, before mining) and their card. share: of the
    trials that the scenario files ask for. jobs: processes that render."""

    work: Path
    out: Path = MODELS
    folder: Path = SCENARIOS
    share: float = 1.0
    jobs: int = 2
    recipe: Recipe = field(default_factory=Recipe)
    say: Callable[[str], None] = print

    @property
    def kept(self) -> WorkFolder:
        return WorkFolder(self.work, "presence")


def train(job: Job) -> str:
    """Data, learning, export, card. Returns the figures on the tune split."""
    examples = gather(job, "train")
    started = time.monotonic()
    with _rendering_beside(job, "tune"):
        weights = learn(examples, job.recipe, job.say)
        learn_s = round(time.monotonic() - started)
    tune = gather(job, "tune")
    facts = {
        "learn_s": learn_s,
        "recipe": asdict(job.recipe),
        "share": job.share,
        **_data(job, examples),
        "rounds": [],
    }
    return _publish(job, weights, facts, tune)


def mine(job: Job, hours: float, rounds: int, threshold: float, only: Collection[str] = ()) -> str:
    """Rounds of: hear hours of clutter, keep what fools the network, learn on. only: the scenarios or cells of it, see
    `examples.chosen`. Returns the figures on the tune split."""
    weights, facts = job.kept.weights(), job.kept.facts()
    examples, tune = gather(job, "train"), gather(job, "tune")
    facts |= _data(job, examples)
    for _ in range(rounds):
        number = len(facts["rounds"])
        heard = clutter(job, hours, number, only)
        before = write_onnx(weights, job.work / "before.onnx")
        kept = mining.fooled(evaluate.score(before, heard, jobs=job.jobs), threshold)
        mining.keep(job.work / "mined", number, kept)
        job.say(f"mining round {number + 1}: {len(kept)} stretches fooled the network")
        started = time.monotonic()
        if kept:
            recipe = replace(
                job.recipe,
                steps=round(MINED_SHARE * job.recipe.steps),
                rate=MINED_SHARE * job.recipe.rate,
                seed=job.recipe.seed + 1 + number,
            )
            fooling = mining.kept(job.work / "mined", number + 1, job.recipe.sequence)
            weights = learn(examples + fooling, recipe, job.say, start=weights)
        row: dict[str, Any] = {
            "learn_s": round(time.monotonic() - started),
            "asked_hours": hours,
            "only": list(only),
            "hours": sum(one.hours for one in heard),
            "kept": len(kept),
            "threshold": threshold,
            "learnt_hours": sum(one.hours for one in examples),
            "rendering": rendering(_clutter(job, hours, number, only)),
        }
        after = write_onnx(weights, job.work / "after.onnx")
        # What a round learnt from says little; the tune split says whether it carries over.
        for when, model in (("before", before), ("after", after)):
            row[when] = _false_per_day(job, model, heard, threshold)
            row[f"{when}_tune"] = _false_per_day(job, model, tune, threshold)
        facts["rounds"].append(row)
        job.say(mining.told(row))
        job.kept.save(weights, facts)
    return _publish(job, weights, facts, tune)


def figures(job: Job) -> str:
    """The figures of the published model on the tune split; nothing is trained."""
    return evaluate.table(evaluate.score(job.out / MODEL, gather(job, "tune"), jobs=job.jobs))


def gather(job: Job, split: str, only: Collection[str] = (), times: float = 1.0) -> list[Example]:
    """The examples of a split, rendered where they are not there yet. only: scenarios or cells of them, see `examples.chosen`.
    times: so often as many trials as they ask for. Raises BadInput for a name that the split does not hold."""
    return _rendered(job, _trials(job, split, only, times), f"{split} split")


def clutter(job: Job, hours: float, number: int, only: Collection[str] = ()) -> list[Example]:
    """The clutter that a round of mining hears: other trials than training and than every other round. only: as for `mine`."""
    return _rendered(job, _clutter(job, hours, number, only), f"mining round {number + 1}")


def describe(job: Job, tune: Sequence[Example] | None = None) -> str:
    """Writes the card of the published models from the facts of the folder; nothing is trained. Returns the figures on the tune
    split."""
    tune = gather(job, "tune") if tune is None else tune
    facts = job.kept.facts()
    models = [path for name in (MODEL, INT8, UNMINED) if (path := job.out / name).exists()]
    scored, small = (evaluate.score(job.out / name, tune, jobs=job.jobs) for name in (MODEL, INT8))
    single = evaluate.score(job.out / MODEL, tune, microphones=1, jobs=job.jobs)
    return write_card(job.out / CARD, facts, models, scored, small, single)


def _trials(job: Job, split: str, only: Collection[str] = (), times: float = 1.0) -> list[Place]:
    share = job.share if split == "train" else min(1.0, 2.0 * job.share)
    cells = chosen(scenarios(job.folder, split), only)
    return places(cells, job.work / "cache", job.recipe.seed, share * times)


def _clutter(job: Job, hours: float, number: int, only: Collection[str] = ()) -> list[Place]:
    nobody = [one for one in scenarios(job.folder, "train") if not one.first.expect.labels]
    cells = chosen(nobody, only)
    share = hours / sum(one.first.duration_s * one.trials_per_cell() / 3600.0 for one, _ in cells)
    first = mining.TRIALS_FROM * (1 + number)
    return places(cells, job.work / "mining", job.recipe.seed, share, first)


@contextmanager
def _rendering_beside(job: Job, split: str) -> Iterator[None]:
    """Learning keeps one process busy; the others render a split meanwhile, and stop when it is done. A fault of theirs is met again
    by whoever gathers the split."""
    enough = threading.Event()
    others = threading.Thread(
        target=_quietly, args=(render, _trials(job, split), job.jobs - 1, lambda *_: None, enough)
    )
    if job.jobs > 1:
        others.start()
    try:
        yield
    finally:
        enough.set()
        if job.jobs > 1:
            others.join()


def _quietly(work: Callable[..., None], *arguments: Any) -> None:
    with suppress(Exception):
        work(*arguments)


def _rendered(job: Job, wanted: Sequence[Place], what: str) -> list[Example]:
    said = [0.0]

    def say(done: int, total: int) -> None:
        if time.monotonic() - said[0] > 15.0 or done == total:
            said[0] = time.monotonic()
            job.say(f"{what}: {done}/{total} trials rendered")

    render(wanted, job.jobs, say)
    examples = load(wanted)
    if not examples:
        raise BadInput(f"{job.folder}: no trial of the {what} could be rendered")
    return examples


def _false_per_day(job: Job, model: Path, examples: Sequence[Example], threshold: float) -> dict[str, float]:
    scored = evaluate.score(model, examples, jobs=job.jobs)
    counts = {label: evaluate.false_alarms(scored, label, threshold) for label in evaluate.LABELS}
    return {label: 24.0 * alarms / hours for label, (alarms, hours) in counts.items()}


def _data(job: Job, examples: Sequence[Example]) -> dict[str, Any]:
    return {
        "examples": len(examples),
        "hours": sum(one.hours for one in examples),
        "families": _families(examples),
        "rendering": rendering([*_trials(job, "train"), *_trials(job, "tune")]),
    }


def _families(examples: Sequence[Example]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in examples:
        found[one.family] = found.get(one.family, 0.0) + one.hours
    return {family: round(hours, 3) for family, hours in found.items()}


def _publish(job: Job, weights: Weights, facts: dict, tune: Sequence[Example]) -> str:
    facts["parameters"] = parameters(weights)
    job.kept.save(weights, facts)
    whole = write_onnx(weights, job.work / MODEL)
    made = [whole, write_int8(whole, job.work / INT8)]
    job.out.mkdir(parents=True, exist_ok=True)
    for path in made:
        shutil.copyfile(path, job.out / path.name)
    if not facts["rounds"]:
        shutil.copyfile(whole, job.out / UNMINED)
    return describe(job, tune)
