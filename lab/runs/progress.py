"""How far a run is, for whoever watches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """trials, total_trials: done and planned, resumed ones included. left_s: None until there is a pace."""

    trials: int
    total_trials: int
    audio_s: float
    total_audio_s: float
    elapsed_s: float
    left_s: float | None


@dataclass
class Pace:
    """Counts what is done and tells `watch`; time left follows from audio per second in this process."""

    total_trials: int
    total_audio_s: float
    watch: Callable[[Progress], None] | None = None
    trials: int = 0
    audio_s: float = 0.0
    _audio_before_s: float = 0.0
    _started: float = field(default_factory=time.monotonic)

    def resumed(self, trials: int, audio_s: float) -> None:
        """Count what an earlier call had done; it says nothing about the pace of this one."""
        self.trials += trials
        self.audio_s += audio_s
        self._audio_before_s += audio_s
        self._tell()

    def advance(self, trials: int, audio_s: float) -> None:
        self.trials += trials
        self.audio_s += audio_s
        self._tell()

    def _tell(self) -> None:
        if self.watch is None:
            return
        elapsed = time.monotonic() - self._started
        fresh = self.audio_s - self._audio_before_s
        left = elapsed * (self.total_audio_s - self.audio_s) / fresh if fresh > 0 else None
        self.watch(Progress(self.trials, self.total_trials, self.audio_s, self.total_audio_s, elapsed, left))
