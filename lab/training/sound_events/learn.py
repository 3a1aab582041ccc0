"""Base and heads in torch, and how they learn: crops of scenes, balanced over classes, one seed; goes on where it was stopped.

    loss = mean over heads of [ frames: 0.3 mean of positives + 0.7 mean of negatives
                               + events: the same of the largest log odds of an event, and of what is none ]

each term softplus(-z) for positives and softplus(z) for negatives. Max pooling of predictions over an event is what Kao and others found best
for LSTMs (arXiv 2002.06279): an event need be told once, wherever it lies. Frames labelled UNSURE count nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events import features
from detectors.sound_events.network import EMBEDDING, INPUTS
from lab.errors import BadInput
from lab.training.extra import torch_module
from lab.training.sound_events import stopped
from lab.training.sound_events.examples import Example
from lab.training.sound_events.scenes import TARGETS, UNSURE

Weights = Mapping[str, NDArray[np.float32]]
Say = Callable[[str], None]
FEW_SHOT = ("door_knock",)  # learnt apart, from few examples, on the finished base
LABELS = tuple(label for label in TARGETS if label not in FEW_SHOT)
WIDTH, HIDDEN = 64, 32
DROPOUT = 0.15  # between the layers of memory, while it learns
PARTS = 2  # of a step, learnt from at the same time: an LSTM keeps no more than one core busy
FRAME_SHARE = (0.3, 0.7)  # positives, negatives
TRIES, ANYWHERE = 3, 0.3  # crops looked at, share of those that are taken as they come


@dataclass(frozen=True)
class Recipe:
    """steps: of the optimiser. crop: frames, batch: crops a step. short: frames of the crops of the first `short_share` of the steps,
    as many more of them: most events are over in less than a second and are learnt much sooner from short crops; what lasts is learnt
    after. burn_in: frames without loss, while memory and background settle. mined_weight: of mined scenes. threads: of torch, for heads
    and the verifier.
    """

    steps: int = 10_000
    batch: int = 16
    crop: int = 600
    short: int = 200
    short_share: float = 0.7
    burn_in: int = 10
    rate: float = 6e-3
    mined_weight: float = 2.0
    seed: int = 6
    threads: int = 2


def network(labels: Sequence[str] = LABELS) -> Any:
    """Base and heads: features (B, F, INPUTS) to log odds (B, F, len(labels)). kept: what is left of the first layer's answers,
    (B, F, EMBEDDING), while it learns."""
    torch = torch_module()

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(INPUTS))
            self.register_buffer("scale", torch.ones(INPUTS))
            self.enter = torch.nn.Linear(INPUTS, WIDTH)
            self.memory = torch.nn.ModuleList(
                torch.nn.LSTM(wide, EMBEDDING, batch_first=True) for wide in (WIDTH, EMBEDDING)
            )
            self.heads = torch.nn.ModuleDict({label: head() for label in labels})

        def embedding(self, seen: Any, kept: Any = None) -> Any:
            entered = torch.relu(self.enter((seen - self.mean) / self.scale))
            middle = self.memory[0](entered)[0]
            return self.memory[1](middle if kept is None else middle * kept)[0]

        def forward(self, seen: Any, kept: Any = None) -> Any:
            embedding = self.embedding(seen, kept)
            return torch.cat([self.heads[label](embedding) for label in labels], dim=-1)

    return Net()


def settle(net: Any, examples: Sequence[Example]) -> None:
    """Gives a new base the mean and standard deviation of each value it will see."""
    torch = torch_module()
    some = np.concatenate([one.features[::10].astype(np.float32) for one in examples])
    net.mean.copy_(torch.from_numpy(some.mean(axis=0)))
    net.scale.copy_(torch.from_numpy(np.maximum(some.std(axis=0), 0.1)))


def head() -> Any:
    """embedding (B, F, EMBEDDING) to log odds (B, F, 1)."""
    torch = torch_module()
    return torch.nn.Sequential(
        torch.nn.Linear(EMBEDDING, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 1)
    )


@dataclass(frozen=True, eq=False)
class Batch:
    """features: (B, F, INPUTS). labels: (B, F, len(columns)). kept: (B, F, EMBEDDING), 0 or what makes up for it."""

    features: NDArray[np.float32]
    labels: NDArray[np.int8]
    kept: NDArray[np.float32]


class Batches:
    """Random crops of random scenes, each step's own generator: a run that goes on draws what it would have drawn.

    A scene is as likely as it is long, mined ones `mined_weight` times that. Of TRIES crops of a scene the one in which most is new is taken
    as a rule: a second of sound in twelve is else hardly ever heard. Crops are made to sound as other microphones would: another
    smooth response, nothing above some frequency, a few bands gone.
    """

    def __init__(self, examples: Sequence[Example], recipe: Recipe, columns: Sequence[int]) -> None:
        self._examples = [one for one in examples if len(one.labels) >= recipe.crop]
        if not self._examples:
            raise BadInput(f"training data: no scene is as long as {recipe.crop} frames")
        weight = np.array(
            [len(one.labels) * (recipe.mined_weight if one.mined else 1.0) for one in self._examples]
        )
        self._chance, self._recipe, self._columns = weight / weight.sum(), recipe, list(columns)
        self._new = [
            np.cumsum(one.features[:, : features.MELS].mean(axis=1, dtype=np.float32))
            for one in self._examples
        ]

    def at(self, step: int, part: int) -> Batch:
        """One of the PARTS of a step."""
        rng, recipe = np.random.default_rng([self._recipe.seed, step, part]), self._recipe
        early = step < recipe.short_share * recipe.steps
        length = min(recipe.short, recipe.crop) if early else recipe.crop
        size = max(1, recipe.batch * recipe.crop // length // PARTS)
        seen = np.empty((size, length, INPUTS), np.float32)
        labels = np.empty((size, length, len(self._columns)), np.int8)
        for row, index in enumerate(rng.choice(len(self._examples), size, p=self._chance)):
            one = self._examples[index]
            start = self._start(index, length, rng)
            seen[row] = one.features[start : start + length]
            labels[row] = one.labels[start : start + length, self._columns]
            _disguise(seen[row].reshape(length, features.CHANNELS, features.MELS), rng)
        labels[:, : recipe.burn_in] = UNSURE
        kept = rng.random((size, length, EMBEDDING), np.float32) >= DROPOUT
        return Batch(seen, labels, kept.astype(np.float32) / np.float32(1.0 - DROPOUT))

    def _start(self, index: int, length: int, rng: np.random.Generator) -> int:
        starts = rng.integers(len(self._new[index]) - length + 1, size=TRIES)
        if rng.random() < ANYWHERE:
            return int(starts[0])
        new = self._new[index]
        return int(starts[np.argmax(new[starts + length - 1] - new[starts])])


def _disguise(seen: NDArray[np.float32], rng: np.random.Generator) -> None:
    """In place, (frames, CHANNELS, MELS). A microphone's response moves the spectrum and leaves the novelty as it is."""
    (low, high) = features.LIMITS[1]
    anchors = np.linspace(0, features.MELS - 1, 7)
    seen[:, 1] += np.interp(np.arange(features.MELS), anchors, 0.25 * rng.standard_normal(7)).astype(
        np.float32
    )
    if rng.random() < 0.2:
        above = int(rng.integers(36, features.MELS))
        seen[:, 0, above:], seen[:, 1, above:] = 0.0, low
    for _ in range(int(rng.integers(0, 3))):
        first, width = int(rng.integers(features.MELS)), int(rng.integers(1, 7))
        seen[:, 0, first : first + width], seen[:, 1, first : first + width] = 0.0, -3.0
    seen += np.float32(0.05) * rng.standard_normal(seen.shape, np.float32)
    np.clip(seen[:, 1], low, high, out=seen[:, 1])


def loss_of(logits: Any, labels: Any) -> Any:
    """logits: (B, F, heads). labels: alike, 1, 0 or UNSURE. As the module says."""
    torch = torch_module()
    softplus = torch.nn.functional.softplus
    positive, negative = labels == 1, labels == 0
    terms = []
    for marked, sign, share in ((positive, -1.0, FRAME_SHARE[0]), (negative, 1.0, FRAME_SHARE[1])):
        cost = softplus(sign * logits)
        count = marked.sum(dim=(0, 1)).clamp(min=1)
        frames = (cost * marked).sum(dim=(0, 1)) / count
        largest = logits.masked_fill(~marked, -1e4).amax(dim=1)
        there = marked.any(dim=1)
        events = (softplus(sign * largest) * there).sum(dim=0) / there.sum(dim=0).clamp(min=1)
        terms.append(share * (frames + events))
    return torch.stack(terms).sum(dim=0).mean()


def learn(
    examples: Sequence[Example],
    recipe: Recipe,
    say: Say,
    start: Weights | None = None,
    kept: Path | None = None,
) -> Weights:
    """Weights after `recipe.steps`, from `start` on where given (of the base alone, or of all).

    kept: file of the run so far, from which it goes on if recipe, examples and `start` are the same; removed at the end. The same examples,
    recipe and machine give the same bits.
    """
    torch = torch_module()
    prepare(recipe, parts=True)
    net = network()
    if start is None:
        settle(net, examples)
    else:
        given = {name: torch.from_numpy(np.array(value)) for name, value in start.items()}
        net.load_state_dict(given, strict=False)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=recipe.rate, total_steps=recipe.steps, pct_start=0.15
    )
    parts = {"net": net, "optimiser": optimiser, "plan": plan}
    of = "" if kept is None else stopped.identity(recipe, _learnt_from(examples, start))
    begin = 0 if kept is None else stopped.resumed(kept, of, parts, say)
    batches = Batches(examples, recipe, [TARGETS.index(label) for label in LABELS])
    said, saved, losses = time.monotonic(), time.monotonic(), []

    def loss(step: int, part: int) -> Any:
        one = batches.at(step, part)
        answers = net(torch.from_numpy(one.features), torch.from_numpy(one.kept))
        return loss_of(answers, torch.from_numpy(one.labels))

    down = Parts(net, optimiser, loss)
    for step in range(begin, recipe.steps):
        losses.append(down.take(step))
        plan.step()
        now = time.monotonic()
        if now - said > 15.0 or step + 1 == recipe.steps:
            said = now
            say(f"step {step + 1}/{recipe.steps}, loss {np.mean(losses[-100:]):.3f}")
        if kept is not None and now - saved > stopped.EVERY_S:
            saved = now
            stopped.keep(kept, of, parts, step + 1)
    if kept is not None:
        kept.unlink(missing_ok=True)
    return weights_of(net)


def _learnt_from(examples: Sequence[Example], start: Weights | None) -> Iterator[NDArray | str]:
    for one in examples:
        yield from (one.features, one.labels, str(one.mined))
    for name, value in (start or {}).items():
        yield from (name, value)


def prepare(recipe: Recipe, parts: bool = False) -> None:
    """Seed and threads of torch. parts: each of the PARTS has a thread of its own, and more would only wait for each other."""
    torch = torch_module()
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1 if parts else recipe.threads)
    torch.use_deterministic_algorithms(True)


def take(loss: Any, net: Any, optimiser: Any) -> None:
    """One step down."""
    optimiser.zero_grad()
    loss.backward()
    _down(net, optimiser)


class Parts:
    """Steps whose PARTS are computed by a thread each; their gradients are averaged, so the bits do not depend on who was first."""

    def __init__(self, net: Any, optimiser: Any, loss: Callable[[int, int], Any]) -> None:
        """loss: of a step and a part."""
        self._net, self._optimiser, self._loss = net, optimiser, loss
        self._parameters = list(net.parameters())
        one_thread = torch_module().set_num_threads
        self._pool = ThreadPoolExecutor(PARTS, "learning", one_thread, (1,))

    def take(self, step: int) -> float:
        """One step down; returns its loss."""
        made = list(self._pool.map(lambda part: self._of(step, part), range(PARTS)))
        for parameter, *gradients in zip(self._parameters, *(one[1] for one in made), strict=True):
            parameter.grad = sum(gradients) / PARTS
        _down(self._net, self._optimiser)
        return float(np.mean([one[0] for one in made]))

    def _of(self, step: int, part: int) -> tuple[float, Sequence[Any]]:
        loss = self._loss(step, part)
        return float(loss.detach()), torch_module().autograd.grad(loss, self._parameters)


def _down(net: Any, optimiser: Any) -> None:
    torch_module().nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()


def weights_of(net: Any) -> Weights:
    return {name: value.detach().cpu().numpy().copy() for name, value in net.state_dict().items()}
