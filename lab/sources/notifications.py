"""What telephones, computers and doorbells play: short figures of struck or plain notes, rings and warbles (`appliance_beep`).

A figure takes 1 to 8 notes of a pentatonic or whole-tone scale between 400 and 3500 Hz, each a tone that may ring out. A ring
repeats its figure, or the warble of two pitches 16 to 25 times a second, 2 s in every 6 s (United States) or twice 0.4 s
in every 3 s (United Kingdom), cadences of ITU-T E.180, supplement 2. A doorbell falls by a major third or plays up to eight
notes. Recordings of the corpus: 36 notifications last 0.15 to 11 s, the middle half 0.5 to 2.4 s, the median 1.3 s. Levels at 1 m while a note is
loudest: 50 to 75 dB, a doorbell 65 to 85 dB (engineering choices; a pocket loudspeaker reaches little below 400 Hz).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from lab.sources.alarm_pattern import BEEP, Beep, Pulse, pulses
from lab.sources.beeping import Beeper, open_beeper, pulses_of
from lab.sources.placed import PlacedSpec, SoundStream
from lab.sources.sounder import draw_sounder

SCALES = ((0, 2, 4, 7, 9), (0, 3, 5, 7, 10), (0, 2, 4, 6, 8, 10))
LOWEST_HZ, HIGHEST_HZ = 400.0, 3500.0
CADENCES = (((2.0,), 4.0), ((0.4, 0.4), 2.0))  # rings, then silence; two rings are 0.2 s apart
LEVEL_DB, DOORBELL_DB = (50.0, 75.0), (65.0, 85.0)


class NotificationSpec(PlacedSpec):
    """A telephone, a computer or a doorbell.

    tone: `notification` (a figure, once), `ringtone` (a figure again and again), `phone_bell` (a warble in a
    country's cadence), `doorbell`. lasts_s: of a ring, drawn from 6 to 30 s. level_db_spl: RMS where a note is loudest.
    """

    kind: Literal["notification"]
    tone: Literal["notification", "ringtone", "phone_bell", "doorbell"] = "notification"
    lasts_s: float | None = Field(None, ge=1.0, le=120.0)


def draw_notification(spec: NotificationSpec, rng: np.random.Generator) -> Beeper:
    """Everything that chance decides."""
    lasts_s = float(rng.uniform(6.0, 30.0)) if spec.lasts_s is None else spec.lasts_s
    level_db = float(rng.uniform(*(DOORBELL_DB if spec.tone == "doorbell" else LEVEL_DB)))
    struck_s = float(np.exp(rng.uniform(np.log(0.05), np.log(0.8)))) if rng.random() < 0.6 else np.inf
    sounder = draw_sounder(rng, "square" if rng.random() < 0.3 else "piezo", LOWEST_HZ)
    if spec.tone == "phone_bell":
        beeps = _warble(rng)
        struck_s = np.inf
    elif spec.tone == "doorbell":
        beeps = _doorbell(rng)
        struck_s = float(rng.uniform(0.2, 0.8))
    else:
        beeps = _figure(rng)
    if spec.tone in ("notification", "doorbell"):
        lasts_s = sum(beep.on_s + beep.off_s for beep in beeps) - beeps[-1].off_s / 2.0

    def rhythm(left_s: float) -> Iterator[Pulse]:
        return pulses(beeps, min(lasts_s, left_s))

    return Beeper(
        BEEP,
        True,
        rhythm,
        lasts_s,
        replace(sounder, decay_s=struck_s),
        LOWEST_HZ,
        0.0,
        level_db if spec.level_db_spl is None else spec.level_db_spl,
    )


def open_notification(
    spec: NotificationSpec, *, seed: int, rate_hz: int, duration_s: float, split: str
) -> SoundStream:
    """Start a source for one trial. split: every split hears the same range."""
    rng = np.random.default_rng(seed)
    return open_beeper(spec, draw_notification(spec, rng), rng, rate_hz, duration_s)


def notification_pulses(spec: NotificationSpec, *, seed: int, duration_s: float) -> tuple[Pulse, ...]:
    """The exact notes that `open_notification` plays with the same arguments, in trial time."""
    rng = np.random.default_rng(seed)
    return pulses_of(spec, draw_notification(spec, rng), rng, duration_s)


def _figure(rng: np.random.Generator) -> tuple[Beep, ...]:
    count = int(rng.integers(1, 9))
    scale = SCALES[rng.integers(len(SCALES))]
    root_hz = float(np.exp(rng.uniform(np.log(LOWEST_HZ), np.log(1200.0))))
    step_s = float(np.exp(rng.uniform(np.log(0.06), np.log(0.55))))
    share = float(rng.uniform(0.5, 0.95))  # of a step that sounds
    notes, degree = [], int(rng.integers(0, 6))
    for i in range(count):
        octave, place = divmod(degree, len(scale))
        hz = min(HIGHEST_HZ, root_hz * 2.0 ** (octave + scale[place] / 12.0))
        length_s = step_s * float(rng.choice([1.0, 1.0, 2.0]))
        on_s = share * length_s if i < count - 1 else length_s + float(rng.uniform(0.05, 0.8))
        notes.append(Beep(on_s, length_s - share * length_s if i < count - 1 else 0.0, hz, hz))
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, 9))
    return (*notes[:-1], replace(notes[-1], off_s=float(rng.uniform(0.2, 2.0))))


def _warble(rng: np.random.Generator) -> tuple[Beep, ...]:
    """Two pitches in turn within every ring; each ring holds whole turns."""
    low_hz = float(rng.uniform(600.0, 1800.0))
    high_hz = low_hz * float(rng.uniform(1.15, 1.35))
    turn_s = 1.0 / float(rng.uniform(16.0, 25.0))
    rings, silence_s = CADENCES[rng.integers(len(CADENCES))]
    beeps: list[Beep] = []
    for length_s in rings:
        half_s = turn_s / 2.0
        beeps += [
            Beep(half_s, 0.0, hz, hz) for _ in range(round(length_s / turn_s)) for hz in (high_hz, low_hz)
        ]
        beeps[-1] = replace(beeps[-1], off_s=0.2)
    return (*beeps[:-1], replace(beeps[-1], off_s=silence_s))


def _doorbell(rng: np.random.Generator) -> tuple[Beep, ...]:
    hz = float(rng.uniform(500.0, 900.0))
    if rng.random() < 0.5:
        ding_s = float(rng.uniform(0.5, 1.0))
        low_hz = hz / 2.0 ** (4.0 / 12.0)
        return (Beep(ding_s, 0.01, hz, hz), Beep(float(rng.uniform(0.8, 1.5)), 1.0, low_hz, low_hz))
    notes = [hz * 2.0 ** (step / 12.0) for step in rng.choice(SCALES[0], int(rng.integers(3, 9)))]
    step_s = float(rng.uniform(0.2, 0.45))
    beeps = [Beep(0.9 * step_s, 0.1 * step_s, note, note) for note in notes]
    return (*beeps[:-1], replace(beeps[-1], on_s=3.0 * step_s, off_s=1.0))
