"""Appliances that beep, and what else in and around a home beeps in rhythms near those of alarms (`appliance_beep`).

| appliance | carrier | rhythm | source |
|---|---|---|---|
| microwave, oven, dishwasher | piezo, 2-4 kHz | 3-5 beeps of 0.2-1 s; some come again, a microwave each minute | common knowledge, no public measurement |
| coffee_maker | about 2.5 kHz | 4 beeps of 0.35 s, 0.23 s apart | a public detector's report |
| washer | 0.8-1.4 kHz | three rising notes, up to three times | a public detector's profile |
| timer | about 2.1 or 4.1 kHz | bursts of 3 or 4 beeps of 0.05-0.1 s, or endless 0.07 / 0.17 s at 2089 Hz | measured, one recording of it |
| reversing_beeper | 0.7-2.8 kHz | 1-2 pulses a second, on as long as off | SAE J994 |
| icu_monitor | 0.7-3.6 kHz | heart beats (measured: 3016 Hz, 0.27 / 0.80 s), or three pulses every 2.5-30 s | IEC 60601-1-8, medium priority |
| endless_beeper | 520 Hz square or 2-3.7 kHz piezo | 0.5 s on, 0.5 s off, 10 %, without end: T3 without its pause | the strongest confounder |

Levels at 1 m while a beep lasts: 50 to 75 dB(A) in the kitchen, 45 to 70 for a monitor (engineering choices); a reversing beeper
77, 87, 97, 107 or 112 dB(A) at 1.22 m (SAE J994 types E to A); an endless beeper 65 to 95 dB(A).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log10
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field

from lab.sources.alarm_pattern import BEEP, Beep, Pulse, Range, cycle, pulses
from lab.sources.beeping import Beeper, open_beeper, pulses_of
from lab.sources.placed import PlacedSpec, SoundStream
from lab.sources.sounder import SounderKind, draw_sounder, weighting_db

Appliance = Literal[
    "microwave", "oven", "dishwasher", "coffee_maker", "washer", "timer", "reversing_beeper", "icu_monitor",
    "endless_beeper",
]  # fmt: skip

J994_DBA_AT_4FT = (77.0, 87.0, 97.0, 107.0, 112.0)
FOUR_FEET_DB = 20.0 * log10(1.2192)
ENDLESS = (0, 0)
Value = TypeVar("Value", int, float)


@dataclass(frozen=True)
class Model:
    """Ranges of one way in which an appliance beeps: `groups` times `count` beeps (ENDLESS: as long as it lasts).

    lasts_s: of what is endless. equal: silences between beeps and groups are as long as the beeps. notes: ratios of pitch of
    the beeps of a group, () for one pitch.
    """

    carrier_hz: Range
    count: tuple[int, int]
    on_s: Range
    off_s: Range
    pause_s: Range
    groups: tuple[int, int] = (1, 1)
    lasts_s: Range = (10.0, 60.0)
    level_dba: Range = (50.0, 75.0)
    sounder: SounderKind = "piezo"
    equal: bool = False
    notes: tuple[Range, ...] = ()


MODELS: dict[str, tuple[Model, ...]] = {
    "microwave": (
        Model((2000.0, 4000.0), (3, 5), (0.2, 1.0), (0.2, 1.0), (58.0, 62.0), (1, 4)),
        Model((1900.0, 2300.0), (3, 3), (0.9, 1.1), (0.4, 1.0), (58.0, 62.0), (1, 4)),
    ),
    "oven": (Model((2000.0, 4000.0), (1, 5), (0.2, 1.0), (0.2, 0.6), (5.0, 30.0), (1, 8)),),
    "dishwasher": (Model((2000.0, 4000.0), (3, 5), (0.2, 1.0), (0.2, 1.0), (5.0, 60.0), (1, 4)),),
    "coffee_maker": (Model((2400.0, 2600.0), (3, 5), (0.32, 0.38), (0.2, 0.26), (5.0, 10.0)),),
    "washer": (
        Model(
            (800.0, 930.0), (3, 3), (0.15, 0.5), (0.02, 0.15), (0.3, 3.0), (1, 3), sounder="square",
            notes=((1.0, 1.0), (1.12, 1.26), (1.33, 1.5)),
        ),
    ),
    "timer": (
        Model((1950.0, 2250.0), (3, 4), (0.05, 0.1), (0.05, 0.1), (0.3, 0.7), ENDLESS),
        Model((3900.0, 4200.0), (3, 4), (0.05, 0.1), (0.05, 0.1), (0.3, 0.7), ENDLESS),
        Model((1950.0, 2250.0), (1, 1), (0.06, 0.08), (0.1, 0.1), (0.15, 0.19), ENDLESS),
    ),
    "reversing_beeper": (Model((700.0, 2800.0), (1, 1), (0.25, 0.5), (0.1, 0.1), (0.1, 0.1), ENDLESS, equal=True),),
    "icu_monitor": (
        Model(
            (700.0, 3600.0), (1, 1), (0.05, 0.3), (0.1, 0.1), (0.4, 0.9), ENDLESS, level_dba=(45.0, 70.0)
        ),
        Model(
            (700.0, 1000.0), (3, 3), (0.125, 0.25), (0.125, 0.25), (2.5, 30.0), ENDLESS,
            level_dba=(45.0, 70.0), sounder="square",
        ),
    ),
    "endless_beeper": (
        Model(
            (2000.0, 3700.0), (1, 1), (0.45, 0.55), (0.1, 0.1), (0.45, 0.55), ENDLESS,
            level_dba=(65.0, 95.0),
        ),
        Model(
            (468.0, 572.0), (1, 1), (0.45, 0.55), (0.1, 0.1), (0.45, 0.55), ENDLESS,
            level_dba=(65.0, 95.0), sounder="square",
        ),
    ),
}  # fmt: skip


class ApplianceSpec(PlacedSpec):
    """Something that beeps and is no alarm. What is not given is drawn from `MODELS`.

    on_s, off_s, pause_s: of a beep, between the beeps of a group, after a group; of beeps without groups, `pause_s` is the
    silence. count: beeps a group. lasts_s: of what beeps without end, drawn from 10 to 60 s. level_db_spl: RMS of a beep.
    """

    kind: Literal["appliance"]
    appliance: Appliance
    carrier_hz: float | None = Field(None, ge=200.0, le=6000.0)
    on_s: float | None = Field(None, ge=0.02, le=5.0)
    off_s: float | None = Field(None, ge=0.02, le=5.0)
    pause_s: float | None = Field(None, ge=0.02, le=120.0)
    count: int | None = Field(None, ge=1, le=12)
    lasts_s: float | None = Field(None, ge=1.0, le=86_400.0)


def draw_appliance(spec: ApplianceSpec, rng: np.random.Generator) -> Beeper:
    """Everything that chance decides; given keys change no other draw."""
    models = MODELS[spec.appliance]
    model = models[rng.integers(len(models))]
    carrier_hz = _given(spec.carrier_hz, float(rng.uniform(*model.carrier_hz)))
    on_s = _given(spec.on_s, float(rng.uniform(*model.on_s)))
    off_s = _given(spec.off_s, float(rng.uniform(*model.off_s)))
    pause_s = _given(spec.pause_s, on_s if model.equal else float(rng.uniform(*model.pause_s)))
    count = _given(spec.count, int(rng.integers(model.count[0], model.count[1] + 1)))
    groups = int(rng.integers(model.groups[0], model.groups[1] + 1))
    lasts_s = _given(spec.lasts_s, float(rng.uniform(*model.lasts_s)))
    if groups and spec.lasts_s is None:
        lasts_s = groups * (count * on_s + (count - 1) * off_s + pause_s) - pause_s / 2.0
    beeps = cycle(count, on_s, off_s, pause_s)
    if model.notes:
        ratios = [float(rng.uniform(*note)) for note in model.notes]
        pitches = [carrier_hz * ratios[i % len(ratios)] for i in range(count)]
        beeps = tuple(Beep(beep.on_s, beep.off_s, hz, hz) for beep, hz in zip(beeps, pitches, strict=True))
    sounder = draw_sounder(rng, model.sounder, carrier_hz)
    level_dba = float(rng.uniform(*model.level_dba))
    if spec.appliance == "reversing_beeper":
        level_dba = float(rng.choice(J994_DBA_AT_4FT)) + FOUR_FEET_DB
    level_db = _given(spec.level_db_spl, level_dba - weighting_db(sounder, carrier_hz))

    def rhythm(left_s: float) -> Iterator[Pulse]:
        return pulses(beeps, min(lasts_s, left_s))

    return Beeper(BEEP, True, rhythm, lasts_s, sounder, carrier_hz, 0.0, level_db)


def open_appliance(
    spec: ApplianceSpec, *, seed: int, rate_hz: int, duration_s: float, split: str
) -> SoundStream:
    """Start an appliance for one trial. split: every split hears the same range of appliances."""
    rng = np.random.default_rng(seed)
    return open_beeper(spec, draw_appliance(spec, rng), rng, rate_hz, duration_s)


def appliance_pulses(spec: ApplianceSpec, *, seed: int, duration_s: float) -> tuple[Pulse, ...]:
    """The exact pulses that `open_appliance` plays with the same arguments, in trial time."""
    rng = np.random.default_rng(seed)
    return pulses_of(spec, draw_appliance(spec, rng), rng, duration_s)


def _given(given: Value | None, drawn: Value) -> Value:
    return drawn if given is None else given
