"""Questions on their way to a verifier, and when their answers count.

A verifier in this process answers at once. One behind a wire is asked by a thread of its own, and its answer counts exactly
`answer_s` and a hop of audio after the end of its clip, however early it came: so scores do not depend on how fast the wire was, as long as
the answer is there in time. A device in real time never waits for it. A simulation, which runs faster, waits at most for the
moment at which the device would have stopped waiting.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from detectors.errors import DetectorError
from detectors.sound_events.features import HOP_S
from detectors.sound_events.remote import RemoteVerifier
from detectors.sound_events.uploads import Uploads
from detectors.sound_events.verifier import Clip, OnnxVerifier, State, Verdict, Verifier, no_answer
from detectors.sound_events.wire import read_token

WAITING = 8  # questions that may wait for the thread, one of each label; more are not asked
LEFT = 0.5  # of the time for an answer; with less of it left a clip is not sent for nothing
EARLY_S = 1e-9  # hops of 100 ms do not add up exactly


@dataclass(frozen=True, eq=False)
class Answer:
    """clip: what was asked. answered_s: time in the session from which the verdict counts."""

    clip: Clip
    verdict: Verdict
    answered_s: float


class Questions(Protocol):
    """What a detector holds of its verifier during one session."""

    uploads: Uploads

    def ask(self, clip: Clip) -> None:
        """Hand over a clip that has just become complete; returns at once with a verifier behind a wire."""

    def answers(self, now_s: float) -> list[Answer]:
        """The verdicts that count from `now_s` on at the latest and were not given before, in the order of the questions."""

    def close(self) -> None:
        """The session is over; what is still on its way is forgotten."""


class DirectQuestions:
    """To a verifier in this process: each answer counts from the end of its clip on."""

    def __init__(self, verifier: Verifier) -> None:
        self.uploads = Uploads()
        self._verifier = verifier
        self._ready: list[Answer] = []

    def ask(self, clip: Clip) -> None:
        verdict = self._verifier.judge(clip)
        self.uploads.add(clip, verdict, clip.end_s)
        self._ready.append(Answer(clip, verdict, clip.end_s))

    def answers(self, now_s: float) -> list[Answer]:
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        self._ready.clear()


@dataclass(eq=False)
class _Question:
    """deadline: on the clock of `time.monotonic`."""

    clip: Clip
    due_s: float
    deadline: float
    taken: bool = False
    verdict: Verdict | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def say(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.done.set()


class RemoteQuestions:
    """To a verifier behind a wire, through one thread, which lives while there are questions, and a bounded queue."""

    def __init__(self, verifier: RemoteVerifier) -> None:
        self.uploads = Uploads()
        self._verifier = verifier
        self._answer_s = verifier.answer_s
        self._asked: deque[_Question] = deque()
        self._waiting: deque[_Question] = deque()
        self._busy = False
        self._lock = threading.Lock()  # of _waiting and _busy

    def ask(self, clip: Clip) -> None:
        # A hop more: a clip may be complete for almost one before it is asked about, and nobody waits in real time.
        due_s = clip.end_s + self._answer_s + HOP_S
        question = _Question(clip, due_s, time.monotonic() + self._answer_s)
        self._asked.append(question)
        with self._lock:
            if len(self._waiting) >= WAITING:
                question.say(no_answer(State.SLOW, f"{WAITING} questions are waiting already", sent=False))
                return
            self._waiting.append(question)
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._work, name="verifier", daemon=True).start()

    def answers(self, now_s: float) -> list[Answer]:
        due = []
        while self._asked and self._asked[0].due_s <= now_s + EARLY_S:
            question = self._asked.popleft()
            question.done.wait(max(0.0, question.deadline - time.monotonic()))
            verdict = question.verdict or no_answer(State.SLOW, "no answer in time", question.taken)
            self.uploads.add(question.clip, verdict, question.due_s)
            due.append(Answer(question.clip, verdict, question.due_s))
        return due

    def close(self) -> None:
        self._asked.clear()
        with self._lock:
            self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                question = self._waiting.popleft()
            within_s = question.deadline - time.monotonic()
            question.taken = within_s > LEFT * self._answer_s
            question.say(
                self._verifier.judge(question.clip, within_s)
                if question.taken
                else no_answer(State.SLOW, "its turn came too late", sent=False)
            )


def questions_to(verifier: str, model: Path | None, token_file: Path | str | None = None) -> Questions | None:
    """For one session. verifier: `none` (None is answered), `in_process` (needs the ONNX file `model`) or `http://host:port`
    (token from `token_file`, else from the file that EARSHOT_VERIFIER_TOKEN_FILE names). Raises DetectorError for another."""
    if verifier == "none":
        return None
    if verifier == "in_process":
        if model is None:
            raise DetectorError("verifier: in_process needs a model")
        return DirectQuestions(OnnxVerifier(model))
    if not verifier.startswith("http://"):
        raise DetectorError(f"verifier: {verifier!r}: allowed are none, in_process, http://host:port")
    return RemoteQuestions(RemoteVerifier(verifier, read_token(token_file)))
