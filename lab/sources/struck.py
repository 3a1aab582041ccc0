"""From a sound as it is made to a source in a trial: through a door, at its rate, at its level, at its time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy.signal
import soxr
from numpy.typing import NDArray

from detectors.interface import Event
from lab.acoustics.levels import pa_from_db_spl
from lab.sources.loudness import active_rms
from lab.sources.modal import RATE_HZ
from lab.sources.placed import PlacedSpec, Sound, SoundStream, starts
from lab.sources.transmission import Through, transmission_filter

FRAME_S = 0.01
DECAYED_DB = -30.0


@dataclass(frozen=True, eq=False)
class Struck:
    """A sound drawn, not yet computed.

    render: its audio at 48 kHz in any unit, float64, shape (samples,), from its first sample on. level_db_spl: RMS at 1 m while
    active, 50 Hz-7 kHz (`lab.sources.loudness.active_rms`), before any door. label: of its event, None for none.
    figures: what was drawn, for the record.
    """

    render: Callable[[], NDArray[np.float64]]
    level_db_spl: float
    label: str | None = None
    through: Through = "air"
    figures: Mapping[str, float] = field(default_factory=dict)


def pressure(struck: Struck, rate_hz: int) -> NDArray[np.float32]:
    """Its audio in Pa at 1 m, float32, shape (samples,); silence where nothing lies within 50 Hz-7 kHz."""
    audio = struck.render()
    loud = active_rms(audio, RATE_HZ)
    if loud <= 0.0:
        return np.zeros(round(len(audio) * rate_hz / RATE_HZ), np.float32)
    audio = audio * (float(pa_from_db_spl(struck.level_db_spl)) / loud)
    if struck.through != "air":
        audio = scipy.signal.fftconvolve(audio, transmission_filter(struck.through, RATE_HZ))
    if rate_hz != RATE_HZ:
        audio = soxr.resample(audio, RATE_HZ, rate_hz, quality="HQ")
    return audio.astype(np.float32)


def lasting_s(audio: NDArray, rate_hz: int) -> float:
    """From the first sample to the end of the last 10 ms that are within 30 dB of the loudest 10 ms, in s."""
    frame = max(1, round(FRAME_S * rate_hz))
    power = (
        np.square(np.pad(audio, (0, -len(audio) % frame)), dtype=np.float64).reshape(-1, frame).mean(axis=1)
    )
    if power.max() <= 0.0:
        return 0.0
    last = int(np.flatnonzero(power >= power.max() * 10.0 ** (DECAYED_DB / 10.0))[-1])
    return min(len(audio), (last + 1) * frame) / rate_hz


def alike(spec: PlacedSpec, seed: int, split: str) -> str:
    """Equal for trials that sound alike at the source: wherever it stands there."""
    elsewhere = {"distance_m", "position_m", "rule", "height", "name", "start_s", "of"}
    told = f"{spec.model_dump_json(exclude=elsewhere)} {seed} {split}"
    return f"{spec.kind} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def open_struck(
    spec: PlacedSpec,
    draw: Callable[[np.random.Generator], Struck],
    *,
    seed: int,
    rate_hz: int,
    duration_s: float,
    split: str,
) -> SoundStream:
    """A source that sounds as `draw` says, anew at each of its starts; truth lasts until it is 30 dB down."""

    def sounds() -> Iterator[Sound]:
        for index, at_s in enumerate(starts(spec, np.random.default_rng([seed, 0]), duration_s)):
            struck = draw(np.random.default_rng([seed, 1, index]))
            audio = pressure(struck, rate_hz)
            onset_s = round(at_s * rate_hz) / rate_hz
            truth = ()
            if struck.label is not None:
                truth = (Event(onset_s, onset_s + lasting_s(audio, rate_hz), struck.label),)
            yield Sound(onset_s, audio, truth)

    first = draw(np.random.default_rng([seed, 1, 0]))
    return SoundStream(
        spec.name,
        sounds(),
        rate_hz,
        duration_s,
        cluster=alike(spec, seed, split),
        measured={"level_db_spl": first.level_db_spl, **first.figures},
    )
