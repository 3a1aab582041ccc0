"""A smoke alarm in what a television shows (`tv_smoke_alarm`): the true pattern, but in a programme and through its loudspeaker.

The alarm rings in a room of the film, speech or music lies over it, and a small loudspeaker and the codec cut the band on
both sides. It lasts seconds, not minutes. Levels: programmes are watched at 55 to 75 dB at 1 m; the alarm in them lies within
10 dB of speech or music (engineering choices: mixes are made for intelligibility).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.signal import butter, sosfilt

from lab.acoustics.levels import pa_from_db_spl
from lab.acoustics.placement import Height
from lab.sources.alarms import AlarmSpec, open_alarm
from lab.sources.instruments import add_room
from lab.sources.loudness import active_rms
from lab.sources.musiclike import music_like
from lab.sources.placed import PlacedSpec, Sound, SoundStream, alike, starts
from lab.sources.sounder import SounderKind
from lab.sources.speechlike import speech_like

LABEL = "tv_smoke_alarm"
LEVEL_DB = (55.0, 75.0)
TAIL_S = 3.0  # of the programme after the alarm


class TvAlarmSpec(PlacedSpec):
    """A programme with a temporal-three smoke alarm in it; it begins at `start_s`, the alarm `lead_s` later.

    alarm_s: 2 to 60. programme: what lies over the alarm. alarm_to_programme_db: RMS of a pulse to RMS of the programme,
    drawn from -10 to 10. low_hz, high_hz: band of the loudspeaker (12 and 24 dB an octave beyond it), drawn from 100
    to 300 and 5000 to 14000. room_share: reverberation in the film, drawn from 0.05 to 0.4. level_db_spl: RMS of the
    programme while active, drawn from 55 to 75.
    """

    kind: Literal["tv_alarm"]
    height: Height = "tv"
    lead_s: float = Field(3.0, ge=0.0, le=60.0)
    alarm_s: float = Field(12.0, ge=2.0, le=60.0)
    programme: Literal["speech", "music", "both"] = "speech"
    alarm_to_programme_db: float | None = Field(None, ge=-30.0, le=30.0)
    low_hz: float | None = Field(None, ge=40.0, le=500.0)
    high_hz: float | None = Field(None, ge=4000.0, le=20_000.0)
    room_share: float | None = Field(None, ge=0.0, le=0.8)
    sounder: SounderKind = "piezo"
    carrier_hz: float | None = Field(None, ge=400.0, le=4500.0)


@dataclass(frozen=True)
class Showing:
    """A scene with all its values drawn."""

    level_db_spl: float
    alarm_to_programme_db: float
    low_hz: float
    high_hz: float
    room_share: float
    seed: int


def open_tv_alarm(
    spec: TvAlarmSpec, *, seed: int, rate_hz: int, duration_s: float, split: str
) -> SoundStream:
    """Start a television for one trial. split: every split draws from the same range."""
    rng = np.random.default_rng(seed)
    showing = Showing(
        _given(spec.level_db_spl, rng.uniform(*LEVEL_DB)),
        _given(spec.alarm_to_programme_db, rng.uniform(-10.0, 10.0)),
        _given(spec.low_hz, rng.uniform(100.0, 300.0)),
        _given(spec.high_hz, np.exp(rng.uniform(np.log(5000.0), np.log(14_000.0)))),
        _given(spec.room_share, rng.uniform(0.05, 0.4)),
        int(rng.integers(2**32)),
    )
    return SoundStream(
        spec.name,
        _sounds(spec, showing, starts(spec, rng, duration_s), rate_hz),
        rate_hz,
        duration_s,
        cluster=alike(showing, spec.lead_s, spec.alarm_s, spec.programme, spec.sounder, spec.carrier_hz),
        measured={
            "level_db_spl": showing.level_db_spl,
            "alarm_to_programme_db": showing.alarm_to_programme_db,
            "low_hz": showing.low_hz,
            "high_hz": showing.high_hz,
        },
    )


def _sounds(spec: TvAlarmSpec, showing: Showing, begun: list[float], rate_hz: int) -> Iterator[Sound]:
    free_s = 0.0
    for number, at_s in enumerate(begun):
        onset_s = max(at_s, free_s)
        yield _scene(spec, showing, showing.seed + number, onset_s, rate_hz)
        free_s = onset_s + spec.lead_s + spec.alarm_s + TAIL_S


def _scene(spec: TvAlarmSpec, showing: Showing, seed: int, onset_s: float, rate_hz: int) -> Sound:
    length_s = spec.lead_s + spec.alarm_s + TAIL_S
    alarm = open_alarm(
        AlarmSpec(
            kind="alarm",
            name=spec.name,
            rule="table",  # of no matter: it is heard from the television
            start_s=spec.lead_s,
            lasts_s=spec.alarm_s,
            sounder=spec.sounder,
            carrier_hz=spec.carrier_hz,
            level_db_spl=94.0,
        ),
        seed=seed,
        rate_hz=rate_hz,
        duration_s=spec.lead_s + spec.alarm_s,
        split="train",
    )
    rung = np.concatenate([alarm.read(alarm.samples), np.zeros(round(TAIL_S * rate_hz), np.float32)])
    programme = _programme(spec.programme, seed, rate_hz, length_s)[: len(rung)]
    rung = rung[: len(programme)]
    rung *= np.float32(10.0 ** (showing.alarm_to_programme_db / 20.0) / float(pa_from_db_spl(94.0)))
    if showing.room_share > 0.0:
        add_room(rung, showing.room_share, rate_hz)
    heard = _loudspeaker(programme + rung, showing, rate_hz) * float(pa_from_db_spl(showing.level_db_spl))
    (event,) = alarm.truth
    told = replace(event, onset_s=event.onset_s + onset_s, offset_s=event.offset_s + onset_s, label=LABEL)
    return Sound(onset_s, heard.astype(np.float32), (told,))


def _programme(kind: str, seed: int, rate_hz: int, seconds: float) -> NDArray[np.float32]:
    """Speech, music or both at equal level, of unit RMS while active."""
    makers = {"speech": (speech_like,), "music": (music_like,), "both": (speech_like, music_like)}[kind]
    parts = [make(seed, rate_hz, seconds) for make in makers]
    total = sum(part / max(1e-9, active_rms(part, rate_hz)) for part in parts)
    return (total / max(1e-9, active_rms(total, rate_hz))).astype(np.float32)


def _loudspeaker(audio: NDArray, showing: Showing, rate_hz: int) -> NDArray[np.float64]:
    sections = butter(2, showing.low_hz, "highpass", fs=rate_hz, output="sos")
    if showing.high_hz < 0.45 * rate_hz:
        low_pass = butter(4, showing.high_hz, fs=rate_hz, output="sos")
        sections = np.concatenate([sections, low_pass])
    return sosfilt(sections, audio)


def _given(given: float | None, drawn: float) -> float:
    return float(drawn if given is None else given)
