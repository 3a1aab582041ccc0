"""The second stage in torch: a convolutional network on the log-mel of a whole clip, and the clips that it learns from.

    (2, F, 64) -> 5 blocks of convolution, normalisation, relu, pooling -> mean and maximum over time -> dense -> log odds of 9 labels

It hears the clips that a device would send: those at which a head is sure enough, right or wrong, cut as the device cuts them
(`detectors.sound_events.clips`), and clips at events that no head noticed. Labels are those of all that sounds in the clip; `other` is
the answer to none. A clip begins with new features: nothing of what came before it is known.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events import features
from detectors.sound_events.clips import excerpt
from detectors.sound_events.network import Network
from lab.training.extra import torch_module
from lab.training.sound_events import stopped
from lab.training.sound_events.evaluate import average_precision, log_odds
from lab.training.sound_events.examples import WIDTH, Example
from lab.training.sound_events.export import Graph, parameters
from lab.training.sound_events.learn import Recipe, Say, Weights, prepare, take, weights_of
from lab.training.sound_events.scenes import TARGETS, UNSURE

VERDICTS = (
    "smoke_alarm", "co_alarm", "legacy_smoke_alarm", "appliance_beep", "glass_break", "footsteps", "door_close", "door_knock", "other",
)  # fmt: skip
CHANNELS = (24, 48, 96, 144, 192)
HIDDEN = 96
FLAGGED = -1.5  # log odds from which a device might send a clip
APART = 150  # frames between two clips of a label
LEAST = 40  # frames of a clip
CONFIRMED = 0.95  # of true clips that nothing was learnt from
LEAST_TRUE = 10  # true clips at least, else a label stays as it was learnt
_LENGTHS = (150, 300, 600, 1000)  # clips of a step are alike in length


@dataclass(frozen=True, eq=False)
class Flagged:
    """A clip. features: float16 (frames, WIDTH). target: int8 (len(VERDICTS),), 1, 0 or UNSURE. asked: label it was flagged for."""

    features: NDArray[np.float16]
    target: NDArray[np.int8]
    asked: str


@dataclass(frozen=True)
class VerifierRecipe:
    """steps: of the optimiser; a step takes `frames` frames altogether, in clips of about one length."""

    steps: int = 8000
    frames: int = 4800
    learning: Recipe = field(default_factory=lambda: Recipe(rate=2e-3))


def clips(network: Network, examples: Sequence[Example], seed: int) -> list[Flagged]:
    """What a device with this network would send of scenes, what it might, and what it overhears."""
    rng = np.random.default_rng([seed, 9])
    return [clip for one in examples for clip in _clips_of(network, one, rng)]


def _clips_of(network: Network, one: Example, rng: np.random.Generator) -> list[Flagged]:
    scores = log_odds(network, one)
    wanted: list[tuple[str, int]] = []
    for label in TARGETS:
        if label in scores:
            wanted += [(label, frame) for frame in _peaks(scores[label], FLAGGED)]
        marks = one.labels[:, TARGETS.index(label)] == 1
        onsets = np.flatnonzero(marks & ~np.concatenate([[False], marks[:-1]]))
        if len(onsets):
            wanted.append((label, int(onsets[rng.integers(len(onsets))]) + int(rng.integers(5, 25))))
    if not wanted or rng.random() < 0.2:
        wanted.append(
            (str(rng.choice(TARGETS)), int(rng.integers(min(150, len(one.labels) - 1), len(one.labels))))
        )
    return [clip for label, frame in wanted if (clip := _cut(one, label, frame)) is not None]


def _peaks(values: NDArray[np.float32], least: float) -> list[int]:
    """Highest points at least APART apart, the earliest of an alarm's many first; three at most."""
    found: list[int] = []
    left = values.copy()
    while len(found) < 3 and left.max() > least:
        at = int(np.argmax(left))
        found.append(at)
        left[max(0, at - APART) : at + APART] = -np.inf
    return found


def _cut(one: Example, label: str, frame: int) -> Flagged | None:
    """The device's excerpt about a frame of a scene."""
    span = excerpt(label)
    first = max(0, frame - round(span.before_s / features.FRAME_S))
    last = min(len(one.labels), frame + max(1, round(span.after_s / features.FRAME_S)))
    if last - first < LEAST:
        return None
    audio = one.scene.float_audio[first * features.STEP : last * features.STEP]
    seen = features.of(audio).reshape(-1, WIDTH).astype(np.float16)
    return Flagged(seen, target_of(one.labels[first:last]), label)


def target_of(labels: NDArray[np.int8]) -> NDArray[np.int8]:
    """labels: (frames, len(TARGETS)) of a clip."""
    there, unsure = (labels == 1).any(axis=0), (labels == UNSURE).any(axis=0)
    found = np.where(there, 1, np.where(unsure, UNSURE, 0)).astype(np.int8)
    other = 0 if there.any() else UNSURE if unsure.any() else 1
    return np.append(found, np.int8(other))


def network() -> Any:
    torch = torch_module()
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            wide = (features.CHANNELS, *CHANNELS)
            self.convolve = nn.ModuleList(
                nn.Conv2d(a, b, 2 * pad + 1, stride, pad)
                for (a, b), (pad, stride) in zip(itertools.pairwise(wide), _STEPS, strict=True)
            )
            self.normalise = nn.ModuleList(nn.BatchNorm2d(b) for b in CHANNELS)
            self.hidden = nn.Linear(2 * CHANNELS[-1] * _BANDS_LEFT, HIDDEN)
            self.answer = nn.Linear(HIDDEN, len(VERDICTS))
            self.drop = nn.Dropout(0.2)

        def forward(self, seen: Any) -> Any:
            x = seen.reshape(len(seen), -1, features.CHANNELS, features.MELS).transpose(1, 2)
            for block, (convolve, normalise) in enumerate(zip(self.convolve, self.normalise, strict=True)):
                x = torch.relu(normalise(convolve(x)))
                x = nn.functional.max_pool2d(x, _POOLS[block])
            x = x.transpose(2, 3).reshape(len(seen), CHANNELS[-1] * _BANDS_LEFT, -1)
            both = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
            return self.answer(self.drop(torch.relu(self.hidden(both))))

    return Net()


_STEPS = ((2, 2), (1, 1), (1, 1), (1, 1), (1, 1))  # padding and stride of each convolution
_POOLS = ((2, 2), (2, 2), (1, 2), (1, 2), (1, 2))  # time, mel
_BANDS_LEFT = features.MELS // 2 ** (1 + len(_POOLS))


class Clips:
    """Batches of clips of about one length, each cut or padded in time to the step's; classes evened out by the label asked."""

    def __init__(self, flagged: Sequence[Flagged], recipe: VerifierRecipe) -> None:
        self._flagged, self._recipe = flagged, recipe
        length = np.array([len(one.features) for one in flagged])
        group = np.minimum(np.searchsorted(_LENGTHS, length), len(_LENGTHS) - 1)
        kind = np.array([VERDICTS.index(one.asked) * 2 + int(_true(one)) for one in flagged])
        count = np.bincount(kind)[kind]
        self._weight = 1.0 / np.sqrt(count)
        self._groups = [np.flatnonzero(group == g) for g in range(len(_LENGTHS)) if (group == g).sum() >= 8]
        shares = np.array([self._weight[members].sum() for members in self._groups])
        self._shares = shares / shares.sum()

    def at(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """features (B, F, WIDTH), targets (B, len(VERDICTS))."""
        rng = np.random.default_rng([self._recipe.learning.seed, 7, step])
        members = self._groups[int(rng.choice(len(self._groups), p=self._shares))]
        longest = int(np.median([len(self._flagged[i].features) for i in rng.choice(members, 9)]))
        size = max(4, self._recipe.frames // longest)
        chance = self._weight[members] / self._weight[members].sum()
        chosen = [self._flagged[i] for i in rng.choice(members, size, p=chance)]
        seen = np.zeros((size, longest, features.CHANNELS, features.MELS), np.float32)
        seen[:, :, 1] = features.LIMITS[1][0]
        for row, one in enumerate(chosen):
            frames = one.features[:longest].astype(np.float32)
            seen[row, : len(frames)] = frames.reshape(-1, features.CHANNELS, features.MELS)
            _disguise(seen[row], rng)
        return seen.reshape(size, longest, WIDTH), np.stack([one.target for one in chosen])


def _true(one: Flagged) -> bool:
    return one.target[VERDICTS.index(one.asked)] == 1


def _disguise(seen: NDArray[np.float32], rng: np.random.Generator) -> None:
    anchors = np.linspace(0, features.MELS - 1, 7)
    seen[:, 1] += np.interp(np.arange(features.MELS), anchors, 0.25 * rng.standard_normal(7)).astype(
        np.float32
    )
    if rng.random() < 0.2:
        above = int(rng.integers(36, features.MELS))
        seen[:, 0, above:], seen[:, 1, above:] = 0.0, features.LIMITS[1][0]
    seen += rng.normal(0.0, 0.05, seen.shape).astype(np.float32)


def learn(flagged: Sequence[Flagged], recipe: VerifierRecipe, say: Say, kept: Path | None = None) -> Weights:
    """Weights, with the normalisation folded into the convolutions.

    kept: file of the run so far, from which it goes on if recipe and clips are the same; removed at the end.
    """
    torch = torch_module()
    prepare(recipe.learning)
    net = network()
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning.rate, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=recipe.learning.rate, total_steps=recipe.steps, pct_start=0.15
    )
    parts = {"net": net, "optimiser": optimiser, "plan": plan}
    of = "" if kept is None else stopped.identity(recipe, _learnt_from(flagged))
    begin = 0 if kept is None else stopped.resumed(kept, of, parts, say)
    batches, said, saved, losses = Clips(flagged, recipe), time.monotonic(), time.monotonic(), []
    for step in range(begin, recipe.steps):
        seen, target = (torch.from_numpy(one) for one in batches.at(step))
        answers = net(seen)
        sign = torch.where(target == 1, -1.0, 1.0)
        known = target != UNSURE
        loss = (torch.nn.functional.softplus(sign * answers) * known).sum() / known.sum()
        take(loss, net, optimiser)
        plan.step()
        losses.append(float(loss.detach()))
        now = time.monotonic()
        if now - said > 15.0 or step + 1 == recipe.steps:
            said = now
            say(f"verifier step {step + 1}/{recipe.steps}, loss {np.mean(losses[-100:]):.3f}")
        if kept is not None and now - saved > stopped.EVERY_S:
            saved = now
            stopped.keep(kept, of, parts, step + 1)
    if kept is not None:
        kept.unlink(missing_ok=True)
    return _folded(net)


def _learnt_from(flagged: Sequence[Flagged]) -> Iterator[NDArray | str]:
    for one in flagged:
        yield from (one.features, one.target, one.asked)


def calibrated(weights: Weights, path: Path, held: Sequence[Flagged]) -> tuple[Weights, dict[str, float]]:
    """Weights whose answers are raised until CONFIRMED of the true clips of each label come above 0, and by how much each was.

    path: of these weights as a file. held: clips of scenes that nothing was learnt from. A device has asked already, and what it
    hears is doubtful or it would not ask: an answer is worth having if it keeps what is true and takes away what it can. None is lowered.
    """
    raised, made = {}, dict(weights)
    bias = np.array(weights["answer.bias"])
    for label, (true, _) in _answers(path, held).items():
        if len(true) >= LEAST_TRUE:
            raised[label] = max(0.0, -float(np.quantile(true, 1.0 - CONFIRMED)))
            bias[VERDICTS.index(label)] += np.float32(raised[label])
    return made | {"answer.bias": bias}, raised


def _folded(net: Any) -> Weights:
    """Each normalisation is a gain and an offset of its convolution once it no longer learns."""
    weights = {name: value for name, value in weights_of(net).items() if not name.startswith("normalise")}
    for block, one in enumerate(net.normalise):
        gain = (one.weight / (one.running_var + one.eps).sqrt()).detach().numpy()
        offset = one.bias.detach().numpy() - gain * one.running_mean.numpy()
        weights[f"convolve.{block}.bias"] = weights[f"convolve.{block}.bias"] * gain + offset
        weights[f"convolve.{block}.weight"] = weights[f"convolve.{block}.weight"] * gain[:, None, None, None]
    return weights


def write(weights: Weights, path: Path) -> Path:
    """verifier.onnx."""
    graph = Graph("sound_events_verifier")
    shape = graph.constant("shape", np.array([1, -1, features.CHANNELS, features.MELS], np.int64))
    x = graph.node(
        "Transpose", [graph.node("Reshape", ["features", shape], "frames")], "picture", perm=(0, 2, 1, 3)
    )
    for block in range(len(CHANNELS)):
        names = [
            graph.constant(f"{kind}{block}", weights[f"convolve.{block}.{kind}"])
            for kind in ("weight", "bias")
        ]
        pad, stride = _STEPS[block]
        x = graph.node("Conv", [x, *names], f"convolved{block}", pads=(pad,) * 4, strides=(stride,) * 2)
        x = graph.node("Relu", [x], f"relu{block}")
        x = graph.node("MaxPool", [x], f"pooled{block}", kernel_shape=_POOLS[block], strides=_POOLS[block])
    x = graph.node("Transpose", [x], "by_band", perm=(0, 1, 3, 2))
    wide = graph.constant("wide", np.array([1, CHANNELS[-1] * _BANDS_LEFT, -1], np.int64))
    x = graph.node("Reshape", [x, wide], "in_time")
    mean = graph.node("ReduceMean", [x], "mean", axes=[2], keepdims=0)
    most = graph.node("ReduceMax", [x], "most", axes=[2], keepdims=0)
    both = graph.node("Concat", [mean, most], "both", axis=1)
    hidden = graph.node("Relu", [graph.dense("hidden", both, weights, "hidden")], "seen")
    answer = graph.dense("answer", hidden, weights, "answer")
    graph.node("Identity", [answer], "logits")
    facts = {
        "features": features.VERSION,
        "labels": " ".join(VERDICTS),
        "parameters": str(parameters(weights)),
    }
    return graph.write(path, {"features": (1, "F", WIDTH)}, {"logits": (1, len(VERDICTS))}, facts)


@dataclass(frozen=True)
class Judged:
    """Clips flagged for one label: true and false ones, share of each confirmed (log odds above 0), average precision."""

    label: str
    true: int
    false: int
    confirmed: float
    passed: float
    precision: float


def judge(path: Path, flagged: Sequence[Flagged]) -> list[Judged]:
    """How the verifier tells true from false among clips asked about each label."""
    return [
        Judged(
            label,
            len(true),
            len(false),
            float(np.mean(np.array(true) > 0.0)) if true else float("nan"),
            float(np.mean(np.array(false) > 0.0)) if false else float("nan"),
            average_precision(np.array(true), np.array(false)),
        )
        for label, (true, false) in _answers(path, flagged).items()
    ]


def _answers(path: Path, flagged: Sequence[Flagged]) -> dict[str, tuple[list[float], list[float]]]:
    """label -> log odds of the clips asked about it that are true, and of those that are not."""
    from detectors.sound_events.network import session

    run, _ = session(path)
    answers: dict[str, tuple[list[float], list[float]]] = {label: ([], []) for label in TARGETS}
    for one in flagged:
        column = VERDICTS.index(one.asked)
        if one.target[column] != UNSURE:
            (logits,) = run.run(("logits",), {"features": one.features.astype(np.float32)[None]})
            answers[one.asked][0 if one.target[column] == 1 else 1].append(float(logits[0, column]))
    return answers
