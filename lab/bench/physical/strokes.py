"""The stage's strokes while a trial runs, each started at its moment, and when they were made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from lab.bench.physical.plan import Stroke
from rigs.errors import RigError
from rigs.grbl import Stage


class Strokes:
    """Starts strokes in a thread of their own: sound must not wait for a stage.

    made: (begin, end) of each on `time.monotonic_ns`, from the order being taken to the stage standing there. faults: in words.
    """

    def __init__(
        self, stage: Stage | None, axis: str, strokes: Sequence[Stroke], say: Callable[[str], None]
    ) -> None:
        self._stage, self._axis, self._say = stage, axis, say
        self._waiting = list(strokes)
        self.made: list[tuple[int, int]] = []
        self.faults: list[str] = []
        self._threads: list[threading.Thread] = []
        self._one = threading.Lock()

    def due(self, at_s: float) -> None:
        """Start what is due at this moment of the trial."""
        while self._waiting and self._waiting[0].at_s <= at_s:
            thread = threading.Thread(
                target=self._make, args=(self._waiting.pop(0),), name="stroke", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Wait until the last one has ended; what was never due is left."""
        for thread in self._threads:
            thread.join()

    def _make(self, stroke: Stroke) -> None:
        with self._one:
            self._say(f"the stage starts for {stroke.position_mm:.0f} mm ({stroke.distance_m:.2f} m)")
            try:
                self._stage.move_to({self._axis: stroke.position_mm}, stroke.feed_mm_min, wait=False)
                begun = time.monotonic_ns()
                self._stage.wait_until_there()
                self.made.append((begun, time.monotonic_ns()))
            except RigError as error:
                self.faults.append(str(error))
