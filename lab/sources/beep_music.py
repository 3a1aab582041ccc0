"""Music with beeps in it: a piece whose lead is an electronic tone on the beat, between 1 and 4 kHz; no event is told.

Beeps fall on every beat or half beat for 4 to 16 of them, then rest as long as they like: a rhythm nearer to alarms
than that of any other music. 68 to 148 beats a minute, that is 0.4 to 0.9 s (`musiclike`). Level: 55 to 80 dB at 1 m.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lab.acoustics.levels import pa_from_db_spl
from lab.sources.loudness import active_rms
from lab.sources.musiclike import compose, music_like
from lab.sources.placed import PlacedSpec, Sound, SoundStream, alike, starts
from lab.sources.sounder import draw_sounder, tone

LEVEL_DB = (55.0, 80.0)
PIECE_S = 30.0  # then another piece begins


class BeepMusicSpec(PlacedSpec):
    """Music with beeps on the beat, for `lasts_s`.

    beep_to_music_db: RMS of a beep to that of the music, drawn from -6 to 6. level_db_spl: RMS while active.
    """

    kind: Literal["beep_music"]
    lasts_s: float = Field(30.0, ge=1.0, le=86_400.0)
    beep_to_music_db: float | None = Field(None, ge=-30.0, le=30.0)


def open_beep_music(
    spec: BeepMusicSpec, *, seed: int, rate_hz: int, duration_s: float, split: str
) -> SoundStream:
    """Start the music for one trial. split: every split draws from the same range."""
    rng = np.random.default_rng(seed)
    level_db, loud_db = float(rng.uniform(*LEVEL_DB)), float(rng.uniform(-6.0, 6.0))
    level_db = level_db if spec.level_db_spl is None else spec.level_db_spl
    loud_db = loud_db if spec.beep_to_music_db is None else spec.beep_to_music_db
    begun = starts(spec, rng, duration_s)
    return SoundStream(
        spec.name,
        _sounds(
            spec, begun, seed, 10.0 ** (loud_db / 20.0), float(pa_from_db_spl(level_db)), rate_hz, duration_s
        ),
        rate_hz,
        duration_s,
        cluster=alike(seed, level_db, loud_db),
        measured={"level_db_spl": level_db, "beep_to_music_db": loud_db},
    )


def _sounds(
    spec: BeepMusicSpec,
    begun: list[float],
    seed: int,
    loud: float,
    gain: float,
    rate_hz: int,
    duration_s: float,
) -> Iterator[Sound]:
    reached_s, number = 0.0, 0
    for at_s in begun:
        at_s = max(at_s, reached_s)
        reached_s = min(at_s + spec.lasts_s, duration_s)
        while at_s < reached_s:
            length_s = min(PIECE_S, reached_s - at_s)
            piece_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
            yield Sound(at_s, gain * beeping_piece(piece_seed, rate_hz, length_s, loud))
            at_s += length_s
            number += 1


def beeping_piece(seed: int, rate_hz: int, seconds: float, loud: float) -> NDArray[np.float32]:
    """One piece with its beeps, float32, shape (samples,), unit RMS while active. loud: RMS of a beep over the music's."""
    music = music_like(seed, rate_hz, seconds)
    music = music / max(1e-9, active_rms(music, rate_hz))
    rng = np.random.default_rng(seed)
    beat_s = compose(
        rng
    ).beat_s  # the piece is the first thing that music_like draws, where it comes in the second
    lead_in_s = float(rng.uniform(0.0, 4.0 * beat_s))
    hz = float(rng.uniform(1000.0, 4000.0))
    sounder = draw_sounder(rng, ("piezo", "square", "sine")[rng.integers(3)], hz)
    step_s = beat_s * float(rng.choice([0.5, 1.0]))
    on = round(step_s * rng.uniform(0.25, 0.6) * rate_hz)
    beep = loud * tone(sounder, hz, hz, on, rate_hz)[0]
    step = 0
    while (at_s := step * step_s - lead_in_s) < seconds:
        run = int(rng.choice([4, 8, 16]))
        for k in range(run):
            first = round((at_s + k * step_s) * rate_hz)
            skip, heard = max(0, -first), min(len(music) - first, on)
            if skip < heard:
                music[first + skip : first + heard] += beep[skip:heard]
        step += run + int(rng.choice([0, 4, 8]))
    return (music / max(1e-9, active_rms(music, rate_hz))).astype(np.float32)
