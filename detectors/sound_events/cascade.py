"""Device and verifier together: what the device flags is a question, and only what is confirmed is an alarm.

    score of the cascade = 0                         before an answer
                         = the verifier's            from its answer on, for as long as the device goes on hearing it
                         = the device's own          where there is no answer, and of what is not verified

What is over at once (glass, doors, knocks) is a question each time the device's score rises over ALARM. What lasts is asked about once; a
confirmed alarm stays confirmed until it has been quiet for FORGET_S, a rejected one is asked about again after RETRY_S, then after
twice as long, up to RETRY_MOST_S: more of an alarm may have been heard by then, and an endless beep must not be an endless upload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events.clips import SUDDEN, RecentAudio, excerpt
from detectors.sound_events.questions import Answer, Questions
from detectors.sound_events.verifier import THRESHOLD

ALARM = 0.5
RISE_S = 0.3  # the device's score follows an onset by so much
HOLD_S = 0.5  # a score is shown at least so long
RETRY_S, RETRY_MOST_S = 10.0, 160.0
FORGET_S = 60.0


@dataclass
class _Label:
    """moment_s, flagged: of a question whose clip is not complete yet, and the device's score. asked, device_score: a question is on
    its way. told: the answer's score."""

    name: str
    sudden: bool
    high: bool = False
    moment_s: float | None = None
    flagged: float = 0.0
    asked: bool = False
    device_score: float = 0.0
    told: float | None = None
    shown_until_s: float = 0.0
    last_high_s: float = 0.0
    ask_again_s: float = 0.0
    wait_s: float = RETRY_S


class Cascade:
    """labels: of the device's scores. questions: of one session. verified: the labels that are asked about, each known to `clips.excerpt`;
    of the others nothing leaves the device."""

    def __init__(self, labels: Sequence[str], questions: Questions, verified: Sequence[str]) -> None:
        self.questions = questions
        self._labels = [
            _Label(label, excerpt(label) == SUDDEN) if label in verified else None for label in labels
        ]
        self._by_name = {label.name: label for label in self._labels if label}
        self._recent = RecentAudio()

    def step(self, now_s: float, hop: NDArray[np.float32], scores: Sequence[float]) -> list[float]:
        """hop: samples up to `now_s`. scores: the device's, NaN where it was not sensing. Returns the cascade's, NaN at the same
        places."""
        self._recent.push(hop)
        for label, score in zip(self._labels, scores, strict=True):
            if label is None:
                continue
            self._flag(label, score, now_s)
            if (
                label.moment_s is not None
                and not label.asked
                and self._recent.ready(label.name, label.moment_s)
            ):
                self.questions.ask(self._recent.cut(label.name, label.moment_s))
                label.moment_s, label.asked, label.device_score = None, True, label.flagged
        for answer in self.questions.answers(now_s):
            self._take(answer, now_s)
        return [
            score if label is None else self._score(label, score, now_s)
            for label, score in zip(self._labels, scores, strict=True)
        ]

    def _flag(self, label: _Label, score: float, now_s: float) -> None:
        was_high, label.high = label.high, score >= ALARM
        if not label.high:
            return
        if now_s - label.last_high_s > FORGET_S:
            label.told, label.wait_s, label.ask_again_s = None, RETRY_S, 0.0
        label.last_high_s = now_s
        if label.moment_s is not None:
            label.flagged = max(label.flagged, score)
            return
        confirmed = label.told is not None and label.told >= THRESHOLD
        # What is over at once may come again while an answer is on its way: it is another question, and waits.
        due = not was_high if label.sudden else not (confirmed or label.asked) and now_s >= label.ask_again_s
        if due:
            label.moment_s = max(0.0, now_s - RISE_S) if label.sudden else now_s
            label.flagged = score
        elif label.asked:
            label.device_score = max(label.device_score, score)

    def _take(self, answer: Answer, now_s: float) -> None:
        label = self._by_name[answer.clip.label]
        label.asked = False
        label.told = answer.verdict.or_device(label.device_score)
        label.shown_until_s = now_s + HOLD_S
        if label.told >= THRESHOLD:
            label.wait_s = RETRY_S
        else:
            label.ask_again_s = now_s + label.wait_s
            label.wait_s = min(2.0 * label.wait_s, RETRY_MOST_S)

    def _score(self, label: _Label, score: float, now_s: float) -> float:
        if np.isnan(score):
            return np.nan
        goes_on = label.high and not label.sudden and not label.asked
        shown = label.told is not None and (goes_on or now_s < label.shown_until_s)
        return label.told if shown else 0.0
