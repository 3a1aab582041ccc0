"""Pre-training of the base without labels: it predicts the frame that comes AHEAD frames later (autoregressive predictive coding).

    loss = mean |A e[t] + b - x[t + AHEAD]|,   e: embedding, x: features;   A and b are thrown away

Y.-A. Chung and others, An unsupervised autoregressive model for speech representation learning, Interspeech 2019.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from detectors.sound_events.network import EMBEDDING, INPUTS
from lab.training.sound_events.examples import Example
from lab.training.sound_events.learn import (
    Batches,
    Parts,
    Recipe,
    Say,
    Weights,
    network,
    prepare,
    settle,
    torch_module,
    weights_of,
)

AHEAD = 5  # frames, 100 ms
SHARE = 0.15  # of the steps of training


def pretrain(examples: Sequence[Example], recipe: Recipe, say: Say) -> Weights:
    """Weights of the base alone, for `learn(start=...)`. Labels are not looked at."""
    torch = torch_module()
    recipe = replace(recipe, steps=max(10, round(SHARE * recipe.steps)), seed=recipe.seed + 100)
    prepare(recipe, parts=True)
    net = network(())
    settle(net, examples)
    ahead = torch.nn.Linear(EMBEDDING, INPUTS)
    both = torch.nn.ModuleList([net, ahead])
    optimiser = torch.optim.AdamW(both.parameters(), lr=recipe.rate, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=recipe.rate, total_steps=recipe.steps)
    batches, said, losses = Batches(examples, recipe, ()), time.monotonic(), []

    def loss(step: int, part: int) -> Any:
        seen = torch.from_numpy(batches.at(step, part).features)
        return (ahead(net.embedding(seen)[:, :-AHEAD]) - seen[:, AHEAD:]).abs().mean()

    parts = Parts(both, optimiser, loss)
    for step in range(recipe.steps):
        losses.append(parts.take(step))
        plan.step()
        if time.monotonic() - said > 15.0 or step + 1 == recipe.steps:
            said = time.monotonic()
            say(f"pre-training {step + 1}/{recipe.steps}, error {np.mean(losses[-100:]):.3f}")
    return weights_of(net)
