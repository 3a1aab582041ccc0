"""What hisses hides whoever moves, until it has lasted so long that it is the room's own noise."""

from __future__ import annotations

import math

from detectors.presence.front_end import HOP_S

HISS_S, HUSH_S = 60.0, 5.0  # what hisses for longer is the noise of the room; a pause that ends it


class Hiss:
    """How long it has hissed, pauses of less than HUSH_S included."""

    def __init__(self) -> None:
        self._hiss_s, self._hushed_s = 0.0, math.inf

    def heeded(self, hiss: bool) -> bool:
        """hiss: whether this hop does. Returns whether it hides whoever moves; what stays is the noise of the room."""
        self._hushed_s = 0.0 if hiss else self._hushed_s + HOP_S
        self._hiss_s = self._hiss_s + HOP_S if self._hushed_s < HUSH_S else 0.0
        return hiss and self._hiss_s < HISS_S
