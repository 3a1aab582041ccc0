"""The second stage: a larger network that hears only the flagged clip and confirms or rejects what the device believes.

Whoever judges, in this process or behind a wire, is a `Verifier`. When it cannot answer it says so in its verdict and never
raises: the device then decides by itself, and its event carries the state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.interface import LABELS
from detectors.runtime import session
from detectors.sound_events import features

SHIPPED = Path(__file__).parents[1] / "models" / "sound_events" / "verifier.onnx"
RATE_HZ = 16_000
SHORTEST_S, LONGEST_S = 0.1, 30.0
THRESHOLD = 0.5


class State(StrEnum):
    """How the verifier is, seen from the device."""

    OK = "ok"
    SLOW = "slow"  # no answer in time, or too much to do
    DOWN = "down"  # nobody there, or gone in the middle of an answer
    RUBBISH = "rubbish"  # an answer that cannot be believed


@dataclass(frozen=True, eq=False)
class Clip:
    """What the second stage may hear of a home.

    audio: float32, shape (samples,), 16 kHz, full scale +/-1, 0.1 to 30 s, finite. label: what the device believes to hear.
    start_s: time of the first sample in the session. Raises DetectorError for anything else.
    """

    audio: NDArray[np.float32]
    label: str
    start_s: float

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise DetectorError(f"clip: label: {self.label!r} is none of {', '.join(LABELS)}")
        if self.audio.ndim != 1 or self.audio.dtype != np.float32:
            raise DetectorError(
                f"clip: audio: float32 (samples,) is needed, got {self.audio.dtype} {self.audio.shape}"
            )
        if not SHORTEST_S <= self.duration_s <= LONGEST_S:
            raise DetectorError(
                f"clip: audio: {SHORTEST_S:g} to {LONGEST_S:g} s are allowed, got {self.duration_s:.3g} s"
            )
        if not np.isfinite(self.audio).all():
            raise DetectorError("clip: audio: holds samples that are no finite numbers")

    @property
    def duration_s(self) -> float:
        return len(self.audio) / RATE_HZ

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True)
class Verdict:
    """confirmed: None when there is no answer. score: 0..1 of the clip's label, NaN without an answer. state: how the verifier
    was. sent: whether the clip was handed over, and so counts as audio that left. detail: what went wrong, for a log."""

    confirmed: bool | None
    score: float
    state: State = State.OK
    sent: bool = True
    detail: str = ""

    @property
    def answered(self) -> bool:
        return self.confirmed is not None

    def or_device(self, device_score: float) -> float:
        """The score of the cascade: the verifier's, or the device's own where there is no answer."""
        return self.score if self.answered else device_score


def no_answer(state: State, detail: str, sent: bool) -> Verdict:
    return Verdict(None, math.nan, state, sent, detail)


class Verifier(Protocol):
    def judge(self, clip: Clip) -> Verdict:
        """Confirm or reject; says why in the verdict when it cannot, and does not raise."""


class OnnxVerifier:
    """The network in this process.

    path: an ONNX file with input `features` (1, F, CHANNELS * MELS) for any F, output `logits` (1, L), and metadata `features`
    (the version they are made by) and `labels` (L names, space-separated). Runs on one thread; `judge` may be called from
    several. Raises DetectorError for a file that is none, or is made for other features.
    """

    def __init__(self, path: Path | str) -> None:
        self._session, meta = session(path)
        self.labels = tuple(meta.get("labels", "").split())
        if meta.get("features") != features.VERSION or not self.labels:
            raise DetectorError(
                f"{path}: made for features {meta.get('features')!r}, labels {' '.join(self.labels)!r}; "
                f"a verifier for features {features.VERSION!r} with its labels named is needed"
            )

    def scores(self, clip: Clip) -> dict[str, float]:
        """Probability of every label the network knows, by p = 1 / (1 + exp(-logit))."""
        heard = features.of(clip.audio).reshape(1, -1, features.CHANNELS * features.MELS)
        (logits,) = self._session.run(("logits",), {"features": heard})
        return {
            label: float(1.0 / (1.0 + np.exp(-np.float64(logit))))
            for label, logit in zip(self.labels, logits[0], strict=True)
        }

    def judge(self, clip: Clip) -> Verdict:
        """Raises DetectorError where the network does not know the clip's label: a build that asks so is wrong."""
        if clip.label not in self.labels:
            raise DetectorError(
                f"verifier: label: {clip.label!r} is unknown to it; it knows {', '.join(self.labels)}"
            )
        score = self.scores(clip)[clip.label]
        if not math.isfinite(score):
            return no_answer(State.RUBBISH, "the network answers no number", sent=True)
        return Verdict(score >= THRESHOLD, score)
