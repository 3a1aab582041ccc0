"""Rhythms of alarms: groups of beeps that come again as standards and real alarms have it, as evidence for each kind of alarm.

| label | groups | beeps | groups come again after | so often |
|---|---|---|---|---|
| smoke_alarm | three | onsets 1.0 s apart | 3.6 to 4.4 s, beginning 1.8 to 2.2 s after the last onset | 2 |
| co_alarm | four | onsets 0.2 s apart | 5.1 to 6.3 s, or 54 to 67 s | 2 |
| legacy_smoke_alarm | three | out of this tolerance | the same time again, 3 to 5.6 s | 2 |

Tolerances are 10 % (ISO 8201) and MARGIN for what the measurement itself adds. Onsets alone are timed: reverberation moves the end of
a beep, not its beginning. A missed group between two others does no harm, since twice the cycle counts as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.sound_events.rhythm import Group, groups
from detectors.sound_events.tones import FRAME_S, HOP, RATE_HZ, Tones

SMOKE, CO, LEGACY = "smoke_alarm", "co_alarm", "legacy_smoke_alarm"
LABELS = (SMOKE, CO, LEGACY)
WINDOW_S = (10.0, 30.0)
MARGIN = 0.015
LATE_S = 140.0  # how long a group of four is remembered
MOST_GROUPS = 64
NOTHING = -6.0
HOP_S = HOP / RATE_HZ


@dataclass(frozen=True)
class Match:
    """label: what two groups of one channel are together. log_odds: of that."""

    label: str
    log_odds: float


class PatternEvidence:
    """Log-odds of each alarm of LABELS, hop by hop, from the sound alone. window_s: how long evidence is kept, 10 to 30 s."""

    def __init__(self, window_s: float = 20.0) -> None:
        if not WINDOW_S[0] <= window_s <= WINDOW_S[1]:
            raise DetectorError(f"sound events: window_s: {WINDOW_S[0]:g} to {WINDOW_S[1]:g}, got {window_s}")
        self._window_frames = window_s / FRAME_S
        self._tones = Tones()
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._tones.reset()
        self._groups: list[Group] = []
        self._matches: list[tuple[float, Match]] = []

    def push(self, hop: NDArray[np.float32]) -> Mapping[str, float]:
        """hop: (1600,) finite samples at 16 kHz. Returns the log-odds at its end."""
        for ended in self._tones.push(hop):
            for group in groups(self._tones.levels, ended.channel, ended.frame):
                self._take(group)
        now = self._tones.frames
        self._matches = [(at, one) for at, one in self._matches if now - at <= self._window_frames]
        odds = dict.fromkeys(LABELS, NOTHING)
        for _, one in self._matches:
            odds[one.label] = max(odds[one.label], one.log_odds)
        return odds

    def _take(self, group: Group) -> None:
        now = self._tones.frames
        kept = {3: self._window_frames, 4: LATE_S / FRAME_S}
        self._groups = [one for one in self._groups if now - one.frame <= kept[one.beeps]][-MOST_GROUPS:]
        for earlier in self._groups:
            match = _match(earlier, group)
            if match is not None:
                self._matches.append((now, match))
        self._groups.append(group)


def _match(a: Group, b: Group) -> Match | None:
    """What a group and a later one are together, None: nothing."""
    if a.beeps != b.beeps or abs(a.channel - b.channel) > 2 or abs(a.level_db - b.level_db) > 10.0:
        return None
    quality = min(a.contrast_db, b.contrast_db)
    apart_s = (b.frame - a.frame) * FRAME_S
    period_s = (a.period_s + b.period_s) / 2.0
    if abs(a.period_s - b.period_s) > 0.04 * period_s + 0.02:
        return None
    if a.beeps == 4:
        if _within(apart_s, 5.13, 6.27) or _within(apart_s, 54.6, 66.8):
            return Match(CO, min(quality - 6.0, 6.0))
        return None
    for cycles in (1, 2):
        rest_s = apart_s / cycles - 2.0 * period_s
        if _within(period_s, 0.9, 1.1) and _within(rest_s, 1.8, 2.2):
            return Match(SMOKE, min(quality - 6.0, 6.0))
    rest_s = apart_s - 2.0 * period_s
    if _within(period_s, 0.75, 1.25) and _within(rest_s, 1.5, 3.05):
        return Match(LEGACY, min(quality - 6.0, 6.0))
    return None


def _within(value: float, low: float, high: float) -> bool:
    return low * (1.0 - MARGIN) <= value <= high * (1.0 + MARGIN)
