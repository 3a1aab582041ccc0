"""The lab's heartbeat to the guardian, as long as the lab gets on with its work.

A thread beats, but only up to a deadline that whoever works at the bench keeps moving: a process that is stopped or killed
falls silent at once, one that hangs in a call falls silent when that call should long have ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from rigs.errors import Unsafe
from rigs.guardian import Guardian, GuardianState

BEAT_S = 0.1
GRACE_S = 300.0  # between two things done at the bench: scoring, storing, drawing the next trial


class Heart:
    """Beats while used as a context manager."""

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self._until = time.monotonic() + GRACE_S
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @contextmanager
    def allow(self, within_s: float) -> Iterator[None]:
        """Something blocks for at most so long. Raises Unsafe, also afterwards, when the rig has been made safe."""
        self.check()
        before, self._until = self._until, max(self._until, time.monotonic() + within_s)
        try:
            yield
        finally:
            self._until = max(before, time.monotonic() + GRACE_S)
        self.check()

    def check(self) -> None:
        guardian = self._guardian
        if guardian.state is not GuardianState.WATCHING or guardian.reason:
            raise Unsafe(f"the rig is in its safe state: {guardian.reason}")

    def _beat(self) -> None:
        with suppress(Unsafe):
            while not self._ended.wait(BEAT_S):
                if time.monotonic() < self._until:
                    self._guardian.beat()
