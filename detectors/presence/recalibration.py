"""When a calibration is to be repeated: clocks that count hop by hop since it began.

The carrier tells of the unit: what comes straight from the loudspeaker is 20 dB above all that a room returns, so furniture that was moved
hardly changes it. What a room asks of the tone, its noise and the lines of others, is looked at anew every day.
"""

from __future__ import annotations

import math

from detectors.presence.front_end import HOP_S

CHANGED_DB = 6.0  # a carrier so different
CHANGED_S = 30.0  # for so long: the unit is another, or something stands on it
DEAF_S = 10.0  # without a hop that could be used
AGAIN_S = 120.0  # at least between two, for these reasons
DAY_S, LATER_S = 86_400.0, 600.0  # a calibration is good for; when to ask again where somebody is there


class Recalibration:
    """One for each calibration. Call `wait` or `due` once a hop."""

    def __init__(self) -> None:
        self._since_s = self._deaf_s = self._changed_s = 0.0
        self._good_hops = round(DAY_S / HOP_S)
        self.forget()

    def forget(self) -> None:
        """The carrier that comes next is what to compare with."""
        self._reference: float | None = None

    def carrier(self, level: float, sensing: bool) -> None:
        """level: of the carrier, any scale. sensing: whether the filters are in place, so that it is one to compare with."""
        if self._reference is None:
            if sensing:
                self._reference = level
            return
        change_db = abs(20.0 * math.log10(max(level, 1e-12) / max(self._reference, 1e-12)))
        self._changed_s = self._changed_s + HOP_S if change_db > CHANGED_DB else 0.0

    def deaf(self) -> None:
        """A hop in which samples came, and none of them could be used."""
        self._deaf_s += HOP_S

    def heard(self) -> None:
        """Hops that could be used."""
        self._deaf_s = 0.0

    def wait(self) -> None:
        """A hop of the calibration itself, or of a rest."""
        self._since_s += HOP_S

    def due(self, empty: bool) -> bool:
        """Whether it is to be repeated after this hop. empty: whether nobody is there, who would be missed meanwhile."""
        self._since_s += HOP_S
        self._good_hops -= 1
        stale = self._good_hops <= 0 and empty
        if self._good_hops <= 0 and not empty:
            self._good_hops = round(LATER_S / HOP_S)
        wrong = self._changed_s >= CHANGED_S or self._deaf_s >= DEAF_S
        return stale or (wrong and self._since_s >= AGAIN_S)

    @property
    def certain_hops(self) -> int:
        """Of the hops that come next, if all can be used: only the last of so many can be one at which it is due."""
        return max(1, min(int((CHANGED_S - self._changed_s) / HOP_S), self._good_hops))
