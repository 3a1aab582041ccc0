"""When the tone may rest: once presence is sure, for a set time, and never when a vacancy is near.

Presence is sure if a major motion has shown it, and motion was heard for `sure_s` in all since the tone came on. A rest of off_s then
costs the hold of presence nothing but the small motions within it: of n an hour heard with probability P, a vacancy is false with
exp(-n P (vacancy_s - off_s) / 1 h).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from detectors.presence.context import Context, Occupancy
from detectors.presence.settings import within


@dataclass(frozen=True)
class PowerSettings:
    """off_s: length of a rest, 0 (none) to 3600 and to vacancy_s - confirm_s. sure_s: of motion heard before one, 0.05 to 60. Raises
    DetectorError."""

    off_s: float = 300.0
    sure_s: float = 0.4

    def __post_init__(self) -> None:
        within("off_s", self.off_s, 0.0, 3600.0)
        within("sure_s", self.sure_s, 0.05, 60.0)


class Power:
    """Decides hop by hop whether the tone is on. `duty` and `occupied_duty`: shares of all time, and of the time with somebody there;
    occupied_s: that time, and that with the tone on within it."""

    def __init__(self, settings: PowerSettings, context: Context, hop_s: float) -> None:
        longest_s = context.settings.vacancy_s - context.settings.to_confirm_s
        within("off_s", settings.off_s, 0.0, longest_s, "vacancy_s - confirm_s")
        self._settings, self._context, self._hop_s = settings, context, hop_s
        self._rest_s = self._heard_s = 0.0
        self._hops = {state: [0, 0] for state in Occupancy}

    def step(self, sensing: bool) -> bool:
        """Whether the tone is on in the next hop. sensing: whether this hop was listened to, not just waited through."""
        if self._rest_s > 0.0:
            self._rest_s -= self._hop_s
            return self._count(on=self._rest_s <= 0.5 * self._hop_s)
        if sensing and self._context.moving:
            self._heard_s += self._hop_s
        if self._settings.off_s > 0.0 and self._context.sure and self._heard_s >= self._settings.sure_s:
            self._rest_s, self._heard_s = self._settings.off_s, 0.0
            return self._count(on=False)
        return self._count(on=True)

    @property
    def certain_hops(self) -> float:
        """Of the hops that come next, while no rest goes on: only after so many, at least 1, can one begin."""
        if self._settings.off_s == 0.0:
            return math.inf
        return max(1, int((self._settings.sure_s - self._heard_s) / self._hop_s))

    def _count(self, on: bool) -> bool:
        counts = self._hops[self._context.state]
        counts[0] += on
        counts[1] += 1
        if on:
            self._rest_s = 0.0
        return on

    @property
    def duty(self) -> float:
        on, all_hops = (sum(counts[i] for counts in self._hops.values()) for i in (0, 1))
        return on / all_hops if all_hops else 1.0

    @property
    def occupied_s(self) -> tuple[float, float]:
        on, all_hops = self._hops[Occupancy.OCCUPIED]
        return all_hops * self._hop_s, on * self._hop_s

    @property
    def occupied_duty(self) -> float:
        occupied_s, on_s = self.occupied_s
        return on_s / occupied_s if occupied_s else 1.0
