"""What a training of sound events is asked for, and the scenes it hears: those of a split, and clutter."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab.training.sound_events import mining, verifier
from lab.training.sound_events.examples import Example, Shard, Store, example, scenes
from lab.training.sound_events.learn import Recipe
from lab.training.work import WorkFolder

MODELS = Path(__file__).parents[3] / "detectors" / "models" / "sound_events"
SCENES, TUNE_SCENES = 10_000, 600


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

    @property
    def kept(self) -> WorkFolder:
        return WorkFolder(self.work, "sound_events")

    def count(self, split: str) -> int:
        """Scenes of a split."""
        return max(1, round(self.share * (SCENES if split == "train" else TUNE_SCENES)))

    def shards(self, split: str) -> list[Shard]:
        return self.store.shards(split, self.count(split))


def gather(job: Job, split: str) -> list[Example]:
    """The examples of a split, rendered where they are not there yet."""
    found = scenes(job.store, split, job.count(split), progress(job, f"{split} split"))
    return [example(one) for one in found]


def clutter(job: Job, what: str, hours: float, first: int) -> list[Example]:
    """So many hours of clutter of the train split, share of them, from scene `first` on. what: it is for, as progress says."""
    count = mining.count_of(hours * job.share)
    return [example(one) for one in scenes(job.store, "train", count, progress(job, what), True, first)]


def progress(job: Job, what: str) -> Callable[[int, int], None]:
    """Says how many scenes are rendered, now and then and at the end."""
    said = [0.0]

    def say(done: int, total: int) -> None:
        if time.monotonic() - said[0] > 15.0 or done == total:
            said[0] = time.monotonic()
            job.say(f"{what}: {done}/{total} scenes rendered")

    return say
