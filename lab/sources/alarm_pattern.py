"""The rhythm of alarms and beepers: exact lists of pulses, for what plays them and for what is checked against them.

| rhythm | pulses | tolerance | source |
|---|---|---|---|
| temporal-three, smoke | 3 of 0.5 s, 0.5 s apart, then 1.5 s; cycle 4 s | 10 % | ISO 8201, NFPA 72, UL 217 |
| temporal-four, CO | 4 of 0.1 s, 0.1 s apart, then 5 s; after 4 min the pause may grow to 60 s | 10 % | NFPA 72, UL 2034 |

Smoke alarms that keep neither are a class of their own. Measured on recordings (on / off / pause in s): 0.43 / 0.38 / 1.22
and 0.55 / 0.42 / 2.17 in threes; 0.26 / 0.075, 0.24 / 0.07, 0.53 / 0.20 and 0.18 / 0.17 without end. Tones of European
sounders: manufacturers' tables for BS 5839-1, DIN 33404-3, NEN 2575, NF S 32-001, SS 03 17 11, AS 2220.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SMOKE, CO, LEGACY, BEEP = "smoke_alarm", "co_alarm", "legacy_smoke_alarm", "appliance_beep"
TOLERANCE = 0.1  # of every interval of T3 and T4
Range = tuple[float, float]


@dataclass(frozen=True)
class Beep:
    """on_s of sound, then off_s of silence (0: the next goes on without a gap). Pitch glides from `from_hz` to `to_hz`,
    None: the carrier of whatever beeps."""

    on_s: float
    off_s: float
    from_hz: float | None = None
    to_hz: float | None = None


@dataclass(frozen=True)
class Pulse:
    """One beep where it falls. group: number of its cycle, from 0."""

    onset_s: float
    duration_s: float
    from_hz: float | None = None
    to_hz: float | None = None
    group: int = 0

    @property
    def offset_s(self) -> float:
        return self.onset_s + self.duration_s


@dataclass(frozen=True)
class Rhythm:
    """Ranges of a rhythm of equal pulses, in s: `count` pulses of `on_s`, `off_s` apart, then `pause_s`."""

    label: str
    count: int
    on_s: Range
    off_s: Range
    pause_s: Range


def _within(value: float) -> Range:
    return (value * (1.0 - TOLERANCE), value * (1.0 + TOLERANCE))


T3 = Rhythm(SMOKE, 3, _within(0.5), _within(0.5), _within(1.5))
T4 = Rhythm(CO, 4, _within(0.1), _within(0.1), _within(5.0))
RHYTHMS = {
    "t3": T3,
    "t4": T4,
    "irregular": Rhythm(LEGACY, 3, (0.40, 0.65), (0.35, 0.60), (1.1, 2.4)),
    "endless": Rhythm(LEGACY, 1, (0.15, 0.55), (0.06, 0.25), (0.06, 0.25)),
    "low_battery": Rhythm(BEEP, 1, (0.02, 0.5), (0.0, 0.0), (30.0, 60.0)),
    "end_of_life": Rhythm(BEEP, 3, (0.02, 0.2), (0.1, 0.4), (18.0, 19.5)),
}
EUROPEAN: dict[str, tuple[Beep, ...]] = {
    "bs5839_evacuate": (Beep(1.0, 0.0, 970.0, 970.0),),
    "bs5839_alert": (Beep(1.0, 1.0, 950.0, 950.0),),
    "din33404": (Beep(1.0, 0.0, 1200.0, 500.0),),
    "nen2575": (Beep(3.5, 0.5, 500.0, 1200.0),),
    "nfs32001": (Beep(0.1, 0.0, 560.0, 560.0), Beep(0.4, 0.0, 440.0, 440.0)),
    "ss031711": (Beep(0.15, 0.1, 500.0, 500.0),),
    "as2220": (Beep(3.75, 0.25, 500.0, 1200.0),),
}


def cycle(count: int, on_s: float, off_s: float, pause_s: float) -> tuple[Beep, ...]:
    """Equal pulses with a pause after the last one."""
    return (*(Beep(on_s, off_s) for _ in range(count - 1)), Beep(on_s, pause_s))


def in_tolerance(rhythm: Rhythm, on_s: float, off_s: float, pause_s: float) -> bool:
    """Whether every interval lies in the rhythm's range, ends included."""
    pairs = ((on_s, rhythm.on_s), (off_s, rhythm.off_s), (pause_s, rhythm.pause_s))
    return all(low - 1e-9 <= value <= high + 1e-9 for value, (low, high) in pairs)


def pulses(
    beeps: Sequence[Beep],
    length_s: float,
    *,
    late_pause_s: float | None = None,
    late_after_s: float = 240.0,
    joined_s: float = 0.0,
    jitter_s: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Iterator[Pulse]:
    """The pulses of a cycle that repeats for `length_s`, counted from the moment of joining.

    late_pause_s: the pause of cycles that begin their pause `late_after_s` after the first pulse or later, None: no change.
    joined_s: how long it has been sounding when time 0 comes; a pulse that is under way then is cut. What would begin
    at `length_s` or later is not there; the last pulse may outlast it. jitter_s: standard deviation of every onset, cut at
    three of them, drawn from `rng`.
    """
    at, group = 0.0, 0
    end_s = joined_s + length_s
    while at < end_s:
        for i, beep in enumerate(beeps):
            late = rng.standard_normal() * jitter_s if rng is not None and jitter_s else 0.0
            onset = max(0.0, at + float(np.clip(late, -3.0 * jitter_s, 3.0 * jitter_s)))
            first, last = max(onset, joined_s), onset + beep.on_s
            if first >= end_s:
                return
            if last > first:
                from_hz = beep.from_hz
                if from_hz is not None and first > onset:
                    from_hz *= (beep.to_hz / from_hz) ** ((first - onset) / beep.on_s)
                yield Pulse(first - joined_s, last - first, from_hz, beep.to_hz, group)
            at += beep.on_s
            pausing = i == len(beeps) - 1
            grown = pausing and late_pause_s is not None and at >= late_after_s
            at += late_pause_s if grown else beep.off_s
        group += 1
