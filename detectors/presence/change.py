"""When to calibrate again, and what a room that hisses asks for: clocks that count hop by hop.

The carrier tells of the unit: what comes straight from the loudspeaker is 20 dB above all that a room returns, so furniture that was moved
hardly changes it. What a room asks of the tone, its noise and the lines of others, is looked at anew every day.
"""

from __future__ import annotations

import math

from detectors.presence.front_end import HOP_S

CHANGED_DB, CHANGED_S = (
    6.0,
    30.0,
)  # a carrier so different for so long: the unit is another, or something stands on it
DAY_S, LATER_S = 86_400.0, 600.0  # a calibration is good for; when to ask again where somebody is there
HISS_S, HUSH_S = 60.0, 5.0  # what hisses for longer is the noise of the room; a pause that ends it


class CarrierChange:
    """How long the carrier has been another than it was."""

    def __init__(self) -> None:
        self._changed_s = 0.0
        self.forget()

    def forget(self) -> None:
        """What comes next is what to compare with."""
        self._reference: float | None = None

    def step(self, level: float, sensing: bool) -> None:
        """level: of the carrier, any scale. sensing: whether the filters are in place, so that it is one to compare with."""
        if self._reference is None:
            if sensing:
                self._reference = level
            return
        change_db = abs(20.0 * math.log10(max(level, 1e-12) / max(self._reference, 1e-12)))
        self._changed_s = self._changed_s + HOP_S if change_db > CHANGED_DB else 0.0

    @property
    def lasts(self) -> bool:
        return self._changed_s >= CHANGED_S

    @property
    def certain_hops(self) -> int:
        """Only after so many of the hops that come next can it last."""
        return max(1, int((CHANGED_S - self._changed_s) / HOP_S))


class Daily:
    """How long until a calibration is no longer trusted."""

    def __init__(self) -> None:
        self._hops = round(DAY_S / HOP_S)

    def due(self, empty: bool) -> bool:
        """empty: whether nobody is there, who would be missed meanwhile. Call once a hop."""
        self._hops -= 1
        if self._hops > 0 or empty:
            return self._hops <= 0
        self._hops = round(LATER_S / HOP_S)
        return False

    @property
    def certain_hops(self) -> int:
        """Only the last of so many hops that come next can be one at which it is due."""
        return max(1, self._hops)


class Hiss:
    """How long it has hissed, pauses of less than HUSH_S included."""

    def __init__(self) -> None:
        self._hiss_s, self._hushed_s = 0.0, math.inf

    def heeded(self, hiss: bool) -> bool:
        """hiss: whether this hop does. Returns whether it hides whoever moves; what stays is the noise of the room."""
        self._hushed_s = 0.0 if hiss else self._hushed_s + HOP_S
        self._hiss_s = self._hiss_s + HOP_S if self._hushed_s < HUSH_S else 0.0
        return hiss and self._hiss_s < HISS_S
