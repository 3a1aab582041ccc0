"""One more head on a finished base: learnt from a few examples, and no other file changes.

The base is the published ONNX file itself, run as a device runs it: what the head learns from is what it will hear. Other sounds, of which
there is no lack, are what it is told from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events import features
from detectors.sound_events.network import Base
from lab.errors import BadInput
from lab.training.sound_events.evaluate import smoothed
from lab.training.sound_events.examples import Example
from lab.training.sound_events.learn import (
    Recipe,
    Say,
    Weights,
    head,
    loss_of,
    prepare,
    take,
    torch_module,
    weights_of,
)
from lab.training.sound_events.scenes import TARGETS

MOST_EXAMPLES = 20
OTHERS = 2_000  # scenes without it
FALSE = 0.005  # of these may come above 0


@dataclass(frozen=True)
class HeadRecipe:
    """examples: scenes with the event, others: scenes without it."""

    examples: int = MOST_EXAMPLES
    others: int = OTHERS
    steps: int = 1_500
    batch: int = 16
    rate: float = 3e-3


def few(examples: Sequence[Example], label: str, recipe: HeadRecipe) -> tuple[list[Example], list[Example]]:
    """The first scenes with a label that is heard, those with a recording last, and the first without. Raises BadInput where there are none.

    Recordings of one event are few: twenty scenes with the same one teach that one.
    """
    if recipe.examples > MOST_EXAMPLES:
        raise BadInput(f"examples = {recipe.examples}: few are at most {MOST_EXAMPLES}")
    column = TARGETS.index(label)
    with_it = [one for one in examples if (one.labels[:, column] == 1).any()]
    with_it.sort(key=lambda one: one.scene.recorded)
    without = [one for one in examples if not one.labels[:, column].any()]
    if not with_it or not without:
        raise BadInput(f"head {label}: no scene with it, or none without, among {len(examples)} scenes")
    return with_it[: recipe.examples], without[: recipe.others]


def learnt_from(examples: Sequence[Example], label: str, recipe: HeadRecipe) -> dict[str, int]:
    """For the card. recorded: examples of which a thing, not the background alone, is a recording."""
    chosen, others = few(examples, label, recipe)
    return {
        "examples": len(chosen),
        "recorded": sum(one.scene.recorded for one in chosen),
        "others": len(others),
        "steps": recipe.steps,
    }


def learn_head(
    base: Base, examples: Sequence[Example], label: str, recipe: HeadRecipe, learning: Recipe, say: Say
) -> Weights:
    """Weights of the head alone."""
    torch = torch_module()
    prepare(learning)
    chosen, others = few(examples, label, recipe)
    column = TARGETS.index(label)
    positive = [(embedded(base, one), one.labels[:, column]) for one in chosen]
    negative = [(embedded(base, one), one.labels[:, column]) for one in others]
    net = head()
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=recipe.rate, total_steps=recipe.steps)
    rng = np.random.default_rng([learning.seed, 11])
    for step in range(recipe.steps):
        pairs = [
            (positive if row < recipe.batch // 2 else negative)[
                rng.integers(len(positive if row < recipe.batch // 2 else negative))
            ]
            for row in range(recipe.batch)
        ]
        length = min(len(marks) for _, marks in pairs)
        heard = torch.from_numpy(np.stack([one[:length] for one, _ in pairs]))
        marks = torch.from_numpy(np.stack([one[:length] for _, one in pairs]))[..., None]
        loss = loss_of(net(heard + 0.02 * torch.randn(heard.shape)), marks)
        take(loss, net, optimiser)
        plan.step()
        if step + 1 == recipe.steps:
            say(
                f"head {label}: {len(chosen)} examples, {len(others)} others, loss {float(loss.detach()):.3f}"
            )
    # So that log odds of 0 say the same as those of the other heads: hardly ever where it is not.
    with torch.no_grad():
        highest = sorted(
            float(smoothed(net(torch.from_numpy(one))[:, 0].numpy()).max()) for one, _ in negative
        )
        net[2].bias -= max(0.0, highest[-1 - round(FALSE * len(highest))])
    return weights_of(net)


def embedded(base: Base, one: Example) -> NDArray[np.float32]:
    """What the base makes of a scene, (frames, EMBEDDING)."""
    seen = one.features.astype(np.float32).reshape(-1, features.CHANNELS, features.MELS)
    return base.step(seen, base.start())[0][0]
