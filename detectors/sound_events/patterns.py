"""Rhythms of alarms: groups of beeps that come again as standards and real alarms have it, as evidence for each kind of alarm.

| label | what is heard in one channel | log-odds |
|---|---|---|
| smoke_alarm | two groups of three, onsets 1.0 s apart, the second group 1.8 to 2.2 s after the last onset of the first | SURE, less when faint |
| co_alarm | three groups of four, onsets 0.2 s apart, evenly spaced by 5.1 to 6.3 s | SURE |
| co_alarm | two of these, or two 54 to 67 s apart with none between, clear and far louder than all else | above 0 |
| co_alarm | three 54 to 67 s apart, or three of the first of which a fourth is missing in between | THIRD more than two |
| legacy_smoke_alarm | two groups of three out of tolerance, or a tone that pulses without end | above 0 |

Tolerances are 10 % (ISO 8201) and MARGIN for what the measurement itself adds. Onsets alone are timed: reverberation moves the end of
a beep, not its beginning, so a smoke alarm out of tolerance in its beeps only is a smoke alarm. A pause without the
silence, four beeps for three, five for four, bursts that do not come again: nothing. What keeps the tolerance is a smoke
alarm wherever it comes from, also from a television.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.sound_events.pulsing import Pulse, pulsing
from detectors.sound_events.rhythm import Group, groups
from detectors.sound_events.tones import FRAME_S, FRAMES_PER_HOP, HOP, RATE_HZ, Tones

SMOKE, CO, LEGACY = "smoke_alarm", "co_alarm", "legacy_smoke_alarm"
LABELS = (SMOKE, CO, LEGACY)
WINDOW_S = (10.0, 30.0)
HOP_S = HOP / RATE_HZ
MARGIN = 0.015
THREE_PERIOD_S, THREE_REST_S = (0.9, 1.1), (1.8, 2.2)
ODD_PERIOD_S, ODD_REST_S = (0.75, 1.25), (1.5, 3.05)
FOUR_CYCLE_S, FOUR_LATE_S = (5.13, 6.27), (54.6, 66.8)
# Between the periods of two groups of four, of which each is measured to a quarter of a frame.
FOUR_PERIODS_S = 0.0175
EVEN_S = 0.08  # between two cycles of one alarm
ALIKE_DB = 20.0  # between two groups of one alarm
# Contrast and lead of groups that convince when there are only two: babies and music seldom lead by as much, alarms by more. What chance makes of the
# first: `python -m lab.training.sound_events.patterns --split tune --long 60 --snr 25`, of which the network says nothing.
CLEAR_DB, LEADING_DB = 10.0, 7.0
THIRD = 3.5  # log-odds that a third group adds where they are a minute apart, or one is missing
SAME_FRAMES = 10
LATE_S = 140.0  # how long a group of four is remembered
MOST_GROUPS = 256
PULSING_HOPS = 10  # between two looks at what pulses
PULSING_LOOKS = 3  # in a row that must find the same
NOTHING, SURE = -6.0, 5.0


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
        self._found: list[tuple[int, str, float]] = []  # frame, label, log-odds
        self._pulsed: dict[Pulse, int] = {}  # by what the last look found: looks in a row that found it

    def push(self, hop: NDArray[np.float32]) -> Mapping[str, float]:
        """hop: (1600,) finite samples at 16 kHz. Returns the log-odds at its end."""
        for ended in self._tones.push(hop):
            for group in groups(self._tones.levels, ended.channel, ended.frame):
                self._take(group)
        now = self._tones.frames
        if now // FRAMES_PER_HOP % PULSING_HOPS == 0:
            before, found = self._pulsed, pulsing(self._tones.levels, now - 1)
            self._pulsed = {
                one: 1 + max((looks for was, looks in before.items() if one.goes_on(was)), default=0)
                for one in found
            }
            if max(self._pulsed.values(), default=0) >= PULSING_LOOKS:
                self._found.append((now, LEGACY, SURE / 2.0))
        self._found = [one for one in self._found if now - one[0] <= self._window_frames]
        odds = dict.fromkeys(LABELS, NOTHING)
        for _, label, log_odds in self._found:
            odds[label] = max(odds[label], log_odds)
        # One alarm is not two: a smoke alarm whose groups were once measured amiss stays one.
        if odds[SMOKE] >= odds[LEGACY]:
            odds[LEGACY] = NOTHING
        return odds

    def _take(self, group: Group) -> None:
        now = self._tones.frames
        kept = {3: self._window_frames, 4: LATE_S / FRAME_S}
        self._groups = [one for one in self._groups if now - one.frame <= kept[one.beeps]][-MOST_GROUPS:]
        if any(_same(one, group) for one in self._groups):
            return
        earlier = [one for one in self._groups if _alike(one, group)]
        judge = _threes if group.beeps == 3 else _fours
        self._found += [(now, label, log_odds) for label, log_odds in judge(earlier, group)]
        self._groups.append(group)


def _same(a: Group, b: Group) -> bool:
    """Whether a group was heard twice: a room may end one beep twice."""
    return a.beeps == b.beeps and a.channel == b.channel and abs(a.frame - b.frame) < SAME_FRAMES


def _alike(a: Group, b: Group) -> bool:
    """Whether two groups may come from one alarm."""
    period_s = (a.period_s + b.period_s) / 2.0
    return (
        a.beeps == b.beeps
        and abs(a.channel - b.channel) <= 1
        and abs(a.level_db - b.level_db) <= ALIKE_DB
        and abs(a.period_s - b.period_s) <= (0.02 + 0.04 * period_s if a.beeps == 3 else FOUR_PERIODS_S)
    )


def _threes(earlier: list[Group], last: Group) -> list[tuple[str, float]]:
    found = []
    for one in earlier:
        period_s = (one.period_s + last.period_s) / 2.0
        cycle_s = (last.frame - one.frame) * FRAME_S
        faintest_db = min(one.contrast_db, last.contrast_db)
        log_odds = min(SURE, faintest_db - 5.0)
        rest_s = cycle_s - 2.0 * period_s
        if _within(period_s, THREE_PERIOD_S) and _within(rest_s, THREE_REST_S):
            found.append((SMOKE, log_odds))
        elif _within(period_s, ODD_PERIOD_S) and _within(rest_s, ODD_REST_S):
            found.append((LEGACY, min(SURE / 2.0, log_odds)))
    return found


def _fours(earlier: list[Group], last: Group) -> list[tuple[str, float]]:
    found = []
    for one in earlier:
        cycle_s = (last.frame - one.frame) * FRAME_S
        clear_db, lead_db = min(one.contrast_db, last.contrast_db), min(one.lead_db, last.lead_db)
        two = min(SURE, (clear_db - CLEAR_DB) / 4.0, (lead_db - LEADING_DB) / 2.0)
        three = min(SURE, two + THIRD)
        if _within(cycle_s, FOUR_CYCLE_S):
            found.append((CO, two))
            if _before(earlier, one, cycle_s):
                found.append((CO, SURE))
            elif _before(earlier, one, 2.0 * cycle_s):
                found.append((CO, three))
        elif _within(cycle_s / 2.0, FOUR_CYCLE_S):
            if _before(earlier, one, cycle_s / 2.0):
                found.append((CO, three))
        elif _within(cycle_s, FOUR_LATE_S) and not _between(earlier, one, last):
            found.append((CO, three if _before(earlier, one, cycle_s) else two))
    return found


def _before(earlier: list[Group], one: Group, seconds: float) -> bool:
    """Whether a group was heard so long before another."""
    return any(abs((one.frame - first.frame) * FRAME_S - seconds) <= EVEN_S for first in earlier)


def _between(earlier: list[Group], first: Group, last: Group) -> bool:
    """Whether a group was heard between two others, an echo of either aside."""
    return any(first.frame + 50 < one.frame < last.frame - 50 for one in earlier)


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] * (1.0 - MARGIN) <= value <= limits[1] * (1.0 + MARGIN)
