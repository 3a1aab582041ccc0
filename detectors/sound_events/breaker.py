"""A circuit breaker: a service that failed several times in a row is left alone for a while, then tried once.

    closed --failures in a row--> open --wait_s later--> half-open --answer--> closed
                                    ^------- failure --------'

Its clock is the audio's, so that what it does depends on what was heard and answered alone (Nygard, Release It!, 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass
class CircuitBreaker:
    """failures: in a row, from 1, that open it. wait_s: of audio, >= 0, for which it then stays open."""

    failures: int = 3
    wait_s: float = 30.0
    phase: Phase = Phase.CLOSED
    _in_a_row: int = 0
    _opened_s: float = -math.inf

    def allows(self, now_s: float) -> bool:
        """Whether the service may be asked at this time; after the wait the one who asks is the trial."""
        if self.phase is Phase.OPEN and now_s >= self._opened_s + self.wait_s:
            self.phase = Phase.HALF_OPEN
        return self.phase is not Phase.OPEN

    def answered(self) -> None:
        self.phase, self._in_a_row = Phase.CLOSED, 0

    def failed(self, now_s: float) -> None:
        self._in_a_row += 1
        if self.phase is Phase.HALF_OPEN or self._in_a_row >= self.failures:
            self.phase, self._opened_s = Phase.OPEN, now_s
