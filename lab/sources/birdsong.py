"""A bird that sings outside: whistled syllables between 2 and 7 kHz, near the carriers of alarms; no event is told.

Phrases of 2 to 8 syllables, each a tone of 0.03 to 0.4 s that glides by up to half an octave; some are trills of one syllable.
A song is 3 to 8 phrases, 1 to 6 s apart, again and again. Songbirds reach 80 to 95 dB at 1 m (Brumm 2004, nightingales);
what comes through an open window counts here as 45 to 70 dB at 1 m of the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from lab.sources.alarm_pattern import Beep, Pulse, pulses
from lab.sources.beeping import Beeper, open_beeper
from lab.sources.placed import PlacedSpec, SoundStream
from lab.sources.sounder import of_levels

PITCH_HZ = (2000.0, 7000.0)
LEVEL_DB = (45.0, 70.0)


class BirdsongSpec(PlacedSpec):
    """A bird at a window. lasts_s: how long it sings. level_db_spl: RMS of a syllable, drawn from 45 to 70."""

    kind: Literal["birdsong"]
    lasts_s: float = Field(60.0, ge=1.0, le=86_400.0)


def open_birdsong(
    spec: BirdsongSpec, *, seed: int, rate_hz: int, duration_s: float, split: str
) -> SoundStream:
    """Start a bird for one trial. split: every split hears the same range of birds."""
    rng = np.random.default_rng(seed)
    beeps = tuple(syllable for _ in range(rng.integers(3, 9)) for syllable in _phrase(rng))
    sounder = of_levels(
        np.array([0.0, rng.uniform(-45.0, -25.0)]),
        attack_s=float(rng.uniform(0.004, 0.015)),
        release_s=float(rng.uniform(0.005, 0.03)),
    )
    level_db = float(rng.uniform(*LEVEL_DB))

    def rhythm(left_s: float) -> Iterator[Pulse]:
        return pulses(beeps, min(spec.lasts_s, left_s))

    bird = Beeper(
        None,
        True,
        rhythm,
        spec.lasts_s,
        sounder,
        PITCH_HZ[0],
        0.0,
        level_db if spec.level_db_spl is None else spec.level_db_spl,
    )
    return open_beeper(spec, bird, rng, rate_hz, duration_s)


def _phrase(rng: np.random.Generator) -> list[Beep]:
    count, trill = int(rng.integers(2, 9)), bool(rng.random() < 0.3)
    syllables = [_syllable(rng) for _ in range(1 if trill else count)] * (count if trill else 1)
    return [*syllables[:-1], replace(syllables[-1], off_s=float(rng.uniform(1.0, 6.0)))]


def _syllable(rng: np.random.Generator) -> Beep:
    hz = float(np.exp(rng.uniform(*np.log(PITCH_HZ))))
    end_hz = float(np.clip(hz * 2.0 ** rng.uniform(-0.5, 0.5), *PITCH_HZ))
    on_s = float(np.exp(rng.uniform(np.log(0.03), np.log(0.4))))
    return Beep(on_s, float(rng.uniform(0.02, 0.25)), hz, end_hz)
