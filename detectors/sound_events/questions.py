"""Questions on their way to a verifier, and when their answers count.

A verifier in this process answers at once. One behind a wire is asked by a thread of its own, and its answer counts exactly
`answer_s` of audio after the question, however early it came: so scores do not depend on how fast the wire was, as long as
the answer is there in time. A device in real time never waits for it. A simulation, which runs faster, waits at most for the
moment at which the device would have stopped waiting.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from detectors.errors import DetectorError
from detectors.sound_events.remote import RemoteVerifier
from detectors.sound_events.uploads import Uploads
from detectors.sound_events.verifier import Clip, OnnxVerifier, State, Verdict, Verifier, no_answer
from detectors.sound_events.wire import read_token

WAITING = 8  # questions that may wait for the thread, one of each label; more are not asked
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
        self.uploads.add(clip, verdict)
        self._ready.append(Answer(clip, verdict, clip.end_s))

    def answers(self, now_s: float) -> list[Answer]:
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        self._ready.clear()


@dataclass(eq=False)
class _Question:
    """deadline: on the clock of `time.monotonic`. verdict: set by the thread before `done`."""

    clip: Clip
    due_s: float
    deadline: float
    taken: bool = False
    verdict: Verdict | None = None
    done: threading.Event = field(default_factory=threading.Event)


class RemoteQuestions:
    """To a verifier behind a wire, through one thread and a bounded queue."""

    def __init__(self, verifier: RemoteVerifier) -> None:
        self.uploads = Uploads()
        self._verifier = verifier
        self._answer_s = verifier.answer_s
        self._asked: deque[_Question] = deque()
        self._queue: queue.Queue[_Question | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None

    def ask(self, clip: Clip) -> None:
        question = _Question(clip, clip.end_s + self._answer_s, time.monotonic() + self._answer_s)
        self._asked.append(question)
        try:
            self._queue.put_nowait(question)
        except queue.Full:
            question.verdict = no_answer(State.SLOW, f"{WAITING} questions are waiting already", sent=False)
            question.done.set()
            return
        if self._thread is None:  # not before there is something to ask: a thread does not survive a fork
            self._thread = threading.Thread(target=self._work, name="verifier", daemon=True)
            self._thread.start()

    def answers(self, now_s: float) -> list[Answer]:
        due = []
        while self._asked and self._asked[0].due_s <= now_s + EARLY_S:
            question = self._asked.popleft()
            question.done.wait(max(0.0, question.deadline - time.monotonic()))
            verdict = question.verdict or no_answer(State.SLOW, "no answer in time", question.taken)
            self.uploads.add(question.clip, verdict)
            due.append(Answer(question.clip, verdict, question.due_s))
        return due

    def close(self) -> None:
        """The thread ends after the question it is busy with; nobody waits for it."""
        self._asked.clear()
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        if self._thread is not None:
            self._queue.put_nowait(None)
            self._thread = None

    def _work(self) -> None:
        while (question := self._queue.get()) is not None:
            within_s = question.deadline - time.monotonic()
            question.taken = within_s > 0.0  # a clip that nobody waits for does not leave the device
            question.verdict = (
                self._verifier.judge(question.clip, within_s)
                if question.taken
                else no_answer(State.SLOW, "its turn came too late", sent=False)
            )
            question.done.set()


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
