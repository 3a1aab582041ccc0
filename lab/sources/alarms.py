"""Alarms: temporal-three smoke, temporal-four CO, smoke alarms that keep neither, European tones, and their chirps.

Level: UL 217, UL 2034 and EN 14604 ask for at least 85 dB(A) at 3 m (10 ft); 85 to 90 dB(A) is drawn, as RMS while a pulse
lasts, and brought to 1 m (+9.7 dB) and from dB(A) to dB by the sounder's own spectrum. European sounders: 85 to
102 dB(A) at 1 m (EN 54-3 data sheets). Chirps sound as loud as the alarm. Carriers: residential piezos were measured from
2492 to 3707 Hz; sleeping-area sounders have a square wave of 520 Hz within 10 % (NFPA 72). Rhythms: `alarm_pattern`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log10
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lab.acoustics.placement import Height
from lab.sources.alarm_pattern import (
    BEEP,
    EUROPEAN,
    LEGACY,
    RHYTHMS,
    T3,
    Beep,
    Pulse,
    cycle,
    in_tolerance,
    pulses,
)
from lab.sources.beeping import Beeper, open_beeper, pulses_of
from lab.sources.placed import PlacedSpec, SoundStream
from lab.sources.sounder import SounderKind, draw_sounder, weighting_db
from lab.sources.transmission import Through

Pattern = Literal[
    "t3", "t4", "irregular", "endless", "low_battery", "end_of_life",
    "bs5839_evacuate", "bs5839_alert", "din33404", "nen2575", "nfs32001", "ss031711", "as2220",
]  # fmt: skip

PIEZO_HZ, SQUARE_HZ = (2500.0, 3700.0), (468.0, 572.0)
LEVEL_DBA_3M, LEVEL_DBA_1M = (85.0, 90.0), (85.0, 102.0)
TO_1M_DB = 20.0 * log10(3.048)
DRIFT, GLIDE = (0.0, 0.003), (-0.003, 0.003)
FIVE_CHIRPS, FIVE_CHIRPS_PAUSE_S = 5, (57.0, 59.0)  # the other way of saying end of life


class AlarmSpec(PlacedSpec):
    """A smoke or CO alarm.

    pattern: `t3` (label smoke_alarm) and `t4` (co_alarm) with every interval within 10 %; `irregular` (threes out of
    tolerance), `endless` and the European tones (legacy_smoke_alarm); `low_battery`, `end_of_life` (appliance_beep).
    on_s, off_s, pause_s: of `alarm_pattern.RHYTHMS`; what is not given is drawn in the range. late_pause_s: pause
    of `t4` once it has sounded for late_after_s, None: the pause stays. sounding_for_s: how long it has sounded
    when it is heard first, at `start_s`. lasts_s: how long it is heard. sounder: without it a piezo, a square wave
    for European tones. carrier_hz: drawn as the module says.
    drift: largest slow change of the carrier, relative, drawn from 0 to 0.003. jitter_s: standard deviation of every onset.
    level_db_spl: RMS of a steady pulse. through: a door on the way.
    """

    kind: Literal["alarm"]
    height: Height = "ceiling"
    pattern: Pattern = "t3"
    on_s: float | None = Field(None, ge=0.02, le=1.0)
    off_s: float | None = Field(None, ge=0.02, le=1.0)
    pause_s: float | None = Field(None, ge=0.02, le=66.0)
    late_pause_s: float | None = Field(60.0, ge=4.5, le=66.0)
    late_after_s: float = Field(240.0, ge=60.0, le=600.0)
    sounding_for_s: float = Field(0.0, ge=0.0, le=86_400.0)
    lasts_s: float = Field(180.0, ge=1.0, le=86_400.0)
    sounder: SounderKind | None = None
    carrier_hz: float | None = Field(None, ge=400.0, le=4500.0)
    drift: float | None = Field(None, ge=0.0, le=0.02)
    jitter_s: float = Field(0.0, ge=0.0, le=0.005)
    through: Through = "air"

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        rhythm = RHYTHMS.get(self.pattern)
        for key in ("on_s", "off_s", "pause_s"):
            value = getattr(self, key)
            if value is None:
                continue
            if rhythm is None or (key == "off_s" and rhythm.count == 1):
                raise ValueError(f"{key}: pattern {self.pattern} has none to set")
            low, high = getattr(rhythm, key)
            if not low - 1e-9 <= value <= high + 1e-9:
                raise ValueError(
                    f"{key} = {value:g}: pattern {self.pattern} takes {low:g} to {high:g} s"
                    + ("; out of tolerance is pattern irregular" if self.pattern == "t3" else "")
                )
        given = (self.on_s, self.off_s, self.pause_s)
        if self.pattern == "irregular" and None not in given and in_tolerance(RHYTHMS["t3"], *given):
            raise ValueError(
                "pattern irregular: on_s, off_s, pause_s are all in tolerance, which is pattern t3"
            )
        if self.pattern in EUROPEAN and self.carrier_hz is not None:
            raise ValueError(f"carrier_hz: pattern {self.pattern} has its own")
        return self


def draw_alarm(spec: AlarmSpec, rng: np.random.Generator) -> Beeper:
    """Everything about an alarm that chance decides; given keys change no other draw."""
    share = rng.uniform(0.0, 1.0, 4)
    label, beeps = _rhythm(spec, rng.uniform(0.0, 1.0, (64, 4)))
    european = spec.pattern in EUROPEAN
    kind = spec.sounder or ("square" if european else "piezo")
    own_hz = [hz for beep in beeps for hz in (beep.from_hz, beep.to_hz) if hz is not None]
    carrier_hz = spec.carrier_hz or _part(SQUARE_HZ if kind == "square" else PIEZO_HZ, share[0])
    if own_hz:
        carrier_hz = float(np.exp(np.mean(np.log(own_hz))))
    sounder = draw_sounder(rng, kind, min(own_hz, default=carrier_hz), _part(GLIDE, share[1]))
    drift = _part(DRIFT, share[2]) if spec.drift is None else spec.drift
    level_db = spec.level_db_spl
    if level_db is None:
        level_db = _part(LEVEL_DBA_1M, share[3]) if european else _part(LEVEL_DBA_3M, share[3]) + TO_1M_DB
        level_db -= weighting_db(sounder, carrier_hz)
    seed = int(rng.integers(2**32))

    def rhythm(left_s: float) -> Iterator[Pulse]:
        return pulses(
            beeps,
            min(spec.lasts_s, left_s),
            late_pause_s=spec.late_pause_s if spec.pattern == "t4" else None,
            late_after_s=spec.late_after_s,
            joined_s=spec.sounding_for_s,
            jitter_s=spec.jitter_s,
            rng=np.random.default_rng(seed),
        )

    return Beeper(
        label, label != BEEP, rhythm, spec.lasts_s, sounder, carrier_hz, drift, level_db, spec.through
    )


def open_alarm(spec: AlarmSpec, *, seed: int, rate_hz: int, duration_s: float, split: str) -> SoundStream:
    """Start an alarm for one trial. split: every split hears the same range of alarms."""
    rng = np.random.default_rng(seed)
    return open_beeper(spec, draw_alarm(spec, rng), rng, rate_hz, duration_s)


def alarm_pulses(spec: AlarmSpec, *, seed: int, duration_s: float) -> tuple[Pulse, ...]:
    """The exact pulses that `open_alarm` plays with the same arguments, in trial time."""
    rng = np.random.default_rng(seed)
    return pulses_of(spec, draw_alarm(spec, rng), rng, duration_s)


def _rhythm(spec: AlarmSpec, shares: NDArray[np.float64]) -> tuple[str, tuple[Beep, ...]]:
    """Label and cycle; shares: (tries, 4), of which irregular alarms take the first that is out of tolerance."""
    if spec.pattern in EUROPEAN:
        return LEGACY, EUROPEAN[spec.pattern]
    rhythm = RHYTHMS[spec.pattern]
    for share in shares:
        on_s = spec.on_s or _part(rhythm.on_s, share[0])
        off_s = spec.off_s or _part(rhythm.off_s, share[1])
        pause_s = spec.pause_s or _part(rhythm.pause_s, share[2])
        if spec.pattern != "irregular" or not in_tolerance(T3, on_s, off_s, pause_s):
            break
    count = rhythm.count
    if spec.pattern == "end_of_life" and share[3] < 0.5 and spec.pause_s is None:
        count, pause_s = FIVE_CHIRPS, _part(FIVE_CHIRPS_PAUSE_S, share[2])
    return rhythm.label, cycle(count, on_s, off_s, pause_s)


def _part(span: tuple[float, float], share: float) -> float:
    return float(span[0] + (span[1] - span[0]) * share)
