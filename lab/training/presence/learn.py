"""The network in torch, and how it learns: sequences of hops, cross-entropy, one seed.

Parameters: (CHANNELS BANDS + 1) F + 3 F H + 9 H^2 + 12 H + 3 H + 3 for width F, memory H of each of two recurrent layers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.presence.features import BANDS, CHANNELS
from detectors.presence.network import CLASSES
from lab.errors import BadInput
from lab.training.extra import torch_module
from lab.training.presence.examples import IGNORED, Example

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Recipe:
    """steps: of the optimiser. sequence: hops, batch: sequences a step. burn_in: hops without loss, while the memory fills.
    none_weight: of hops without motion, above 1 for fewer false alarms. mined_weight: of mined stretches. threads: of torch on a CPU; with more,
    their waiting for each other costs more than they save."""

    steps: int = 3500
    batch: int = 40
    sequence: int = 240
    burn_in: int = 20
    width: int = 64
    memory: int = 88
    rate: float = 2e-3
    none_weight: float = 2.0
    mined_weight: float = 4.0
    seed: int = 5
    threads: int = 1


def statistics(examples: Sequence[Example]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each value of a map."""
    total = np.zeros(CHANNELS * BANDS)
    square, count = np.zeros_like(total), 0
    for one in examples:
        flat = one.maps.reshape(-1, CHANNELS * BANDS).astype(np.float64)
        total += flat.sum(axis=0)
        square += (flat**2).sum(axis=0)
        count += len(flat)
    mean = total / count
    return mean.astype(np.float32), np.sqrt(np.maximum(square / count - mean**2, 1e-4)).astype(np.float32)


class Batches:
    """Random sequences of random examples; a trial is as likely as it is long, those with motion twice that, mined ones
    `mined_weight` times.

    Half of them have their Doppler turned round (what came now goes), and all a little noise and gain of their own.
    """

    def __init__(self, examples: Sequence[Example], recipe: Recipe) -> None:
        self._examples = [one for one in examples if len(one.labels) > recipe.sequence]
        if not self._examples:
            raise BadInput(f"training data: no trial is longer than {recipe.sequence} hops")
        weight = np.array([len(one.labels) * _weight(one, recipe) for one in self._examples])
        self._chance = weight / weight.sum()
        self._recipe, self._rng = recipe, np.random.default_rng(recipe.seed)

    def next(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """maps (batch, sequence, CHANNELS * BANDS), labels (batch, sequence)."""
        rng, length = self._rng, self._recipe.sequence
        maps = np.empty((self._recipe.batch, length, CHANNELS, BANDS), np.float32)
        labels = np.empty((self._recipe.batch, length), np.int64)
        for row, index in enumerate(rng.choice(len(self._examples), self._recipe.batch, p=self._chance)):
            one = self._examples[index]
            start = int(rng.integers(len(one.labels) - length))
            maps[row] = one.maps[rng.integers(len(one.maps)), start : start + length]
            labels[row] = one.labels[start : start + length]
            if rng.random() < 0.5:
                maps[row, :, :4] = maps[row, :, :4, ::-1]
            maps[row, :, 0] += rng.normal(0.0, 0.05)
        maps += np.float32(0.03) * rng.standard_normal(maps.shape, dtype=np.float32)
        labels[:, : self._recipe.burn_in] = IGNORED
        return maps.reshape(*maps.shape[:2], -1), labels


def _weight(one: Example, recipe: Recipe) -> float:
    if one.mined:
        return recipe.mined_weight
    return 2.0 if (one.labels > 0).any() else 1.0


def network(recipe: Recipe) -> Any:
    torch = torch_module()

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(CHANNELS * BANDS))
            self.register_buffer("scale", torch.ones(CHANNELS * BANDS))
            self.enter = torch.nn.Linear(CHANNELS * BANDS, recipe.width)
            self.memory = torch.nn.GRU(recipe.width, recipe.memory, num_layers=2, batch_first=True)
            self.answer = torch.nn.Linear(recipe.memory, len(CLASSES))

        def forward(self, maps: Any) -> Any:
            seen = torch.relu(self.enter(torch.clamp((maps - self.mean) / self.scale, -6.0, 6.0)))
            return self.answer(self.memory(seen)[0])

    return Net()


def learn(
    examples: Sequence[Example],
    recipe: Recipe,
    say: Callable[[str], None],
    start: Weights | None = None,
) -> Weights:
    """Weights after `recipe.steps`; from `start` on where given. The same examples, recipe and machine give the same bits."""
    torch = torch_module()
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = network(recipe)
    if start is None:
        mean, scale = statistics(examples)
        net.mean.copy_(torch.from_numpy(mean))
        net.scale.copy_(torch.from_numpy(scale))
    else:
        net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in start.items()})
    net.to(device)
    weight = torch.tensor([recipe.none_weight, 1.0, 1.0], device=device)
    loss_of = torch.nn.CrossEntropyLoss(weight=weight, ignore_index=IGNORED)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=recipe.rate, total_steps=recipe.steps, pct_start=0.1
    )
    said, losses = time.monotonic(), []
    for step, (maps, labels) in enumerate(_drawn_ahead(Batches(examples, recipe), recipe.steps)):
        answers = net(torch.from_numpy(maps).to(device))
        loss = loss_of(answers.reshape(-1, len(CLASSES)), torch.from_numpy(labels).reshape(-1).to(device))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        plan.step()
        losses.append(float(loss.detach()))
        if time.monotonic() - said > 15.0 or step + 1 == recipe.steps:
            said = time.monotonic()
            say(f"step {step + 1}/{recipe.steps}, loss {np.mean(losses[-100:]):.3f}")
    return {name: value.cpu().numpy() for name, value in net.state_dict().items()}


def _drawn_ahead(batches: Batches, count: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """The next `count` batches, each drawn while the one before is learnt from."""
    with ThreadPoolExecutor(1) as beside:
        following = beside.submit(batches.next)
        for _ in range(count - 1):
            batch, following = following.result(), beside.submit(batches.next)
            yield batch
        yield following.result()
