"""The learned part of the device stage: one recurrent base for all events and a small head for each, every one an ONNX file.

    z = relu(W x + b),   LSTM twice (Hochreiter & Schmidhuber 1997),   head: v . relu(U h + c) + d = log odds of its event now

Heads read the base's embedding and nothing else, so one can be added or replaced and no other file changes. The memory of the base is
in the caller's hands. A head names the base that it was trained on and is refused by any other.

    base.onnx          features (1, F, 128), state (1, S)  ->  embedding (1, F, 96), next_state (1, S)      for any F
                       metadata: features (their version), id (of these weights), parameters
    head_<label>.onnx  embedding (1, F, 96)  ->  logit (1, F)
                       metadata: base (the id of its base), label, parameters
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.interface import LABELS
from detectors.runtime import session
from detectors.sound_events import features

EMBEDDING = 96
INPUTS = features.CHANNELS * features.MELS
State = NDArray[np.float32]


class Base:
    """path: of `base.onnx`. Raises DetectorError for a file that is none, or is made for other features."""

    def __init__(self, path: Path | str) -> None:
        self._session, meta = session(path)
        if meta.get("features") != features.VERSION or not meta.get("id"):
            raise DetectorError(
                f"{path}: made for features {meta.get('features')!r}, id {meta.get('id')!r}; "
                f"a base for features {features.VERSION!r} that names its id is needed"
            )
        _refuse(path, self._session.get_inputs(), {"features": INPUTS, "state": None})
        _refuse(path, self._session.get_outputs(), {"embedding": EMBEDDING, "next_state": None})
        self.id = meta["id"]
        self.parameters = int(meta.get("parameters", "0"))
        self._width = next(one.shape[-1] for one in self._session.get_inputs() if one.name == "state")

    def start(self) -> State:
        """The memory of a base that has heard nothing."""
        return np.zeros((1, self._width), np.float32)

    def step(self, frames: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """frames: (F, CHANNELS, MELS). Returns the embedding (1, F, EMBEDDING), and the memory for the next frames."""
        return self._session.run(
            ("embedding", "next_state"), {"features": frames.reshape(1, -1, INPUTS), "state": state}
        )


class Head:
    """path: of `head_<label>.onnx`. base: the one that it reads. Raises DetectorError for a file that is none, or for another base."""

    def __init__(self, path: Path | str, base: Base) -> None:
        self._session, meta = session(path)
        self.label = meta.get("label", "")
        if self.label not in LABELS:
            raise DetectorError(f"{path}: label {self.label!r}; allowed: {', '.join(LABELS)}")
        if meta.get("base") != base.id:
            raise DetectorError(
                f"{path}: trained on base {meta.get('base')!r}, the base at hand is {base.id!r}"
            )
        _refuse(path, self._session.get_inputs(), {"embedding": EMBEDDING})
        _refuse(path, self._session.get_outputs(), {"logit": None})
        self.parameters = int(meta.get("parameters", "0"))

    def logits(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """embedding: (1, F, EMBEDDING) as the base gave it. Returns the log odds of each frame, (F,)."""
        return self._session.run(("logit",), {"embedding": embedding})[0][0]


class Network:
    """A base and heads. base, heads: paths of their files. labels: of these only, None for all. Raises DetectorError naming the file
    that does not fit."""

    def __init__(
        self, base: Path | str, heads: Sequence[Path | str], labels: Sequence[str] | None = None
    ) -> None:
        self.base = Base(base)
        self.heads: dict[str, Head] = {}
        for path in heads:
            head = Head(path, self.base)
            if head.label in self.heads:
                raise DetectorError(f"{path}: a second head for {head.label}")
            self.heads[head.label] = head
        if labels is not None:
            self.heads = {label: head for label, head in self.heads.items() if label in labels}

    @property
    def parameters(self) -> int:
        return self.base.parameters + sum(head.parameters for head in self.heads.values())

    def start(self) -> State:
        """The memory of a network that has heard nothing."""
        return self.base.start()

    def step(self, frames: NDArray[np.float32], state: State) -> tuple[dict[str, float], State]:
        """frames: (F, CHANNELS, MELS). Returns label -> mean log odds over the frames, and the memory for the next ones."""
        embedding, following = self.base.step(frames, state)
        if not self.heads:
            return {}, following
        means = np.stack([head.logits(embedding) for head in self.heads.values()]).mean(axis=1)
        return dict(zip(self.heads, means.tolist(), strict=True)), following


def _refuse(path: Path | str, have: Sequence[onnxruntime.NodeArg], wanted: dict[str, int | None]) -> None:
    """Names and last dimensions must be as wanted; None: any."""
    shapes = {one.name: one.shape for one in have}
    for name, width in wanted.items():
        if set(shapes) != set(wanted) or (width is not None and shapes[name][-1] != width):
            asked = ", ".join(f"{n} (..., {w or 'any'})" for n, w in wanted.items())
            got = ", ".join(f"{n} {tuple(s)}" for n, s in shapes.items())
            raise DetectorError(f"{path}: wants {asked}; the file has {got}")
