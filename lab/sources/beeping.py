"""From pulses to sound and truth: whatever beeps, from an alarm to a telephone, is a sounder with a rhythm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import pi, sin

import numpy as np
import scipy.signal

from detectors.interface import Event
from lab.acoustics.levels import pa_from_db_spl
from lab.sources.alarm_pattern import Pulse
from lab.sources.placed import PlacedSpec, Sound, SoundStream, alike, starts
from lab.sources.sounder import Sounder, tone
from lab.sources.transmission import Through, transmission_filter

REST_S = 5.0  # between two runs of one source, at least
DRIFT_PERIOD_S = 600.0  # of the slow swing of a carrier
SCATTER = 0.0006  # of the carrier from pulse to pulse, one standard deviation; measured, see `sounder`
ALIKE_PULSES = 16


@dataclass(frozen=True, eq=False)
class Beeper:
    """One thing that beeps, all its values drawn.

    rhythm: its pulses for the so many seconds that are left of the trial, from the start of a run, the same each time it
    is asked. lasts_s: longest run. label: of its events, None: none are told. whole: one event from the first pulse to
    the last of a run, else one for each group of pulses. carrier_hz: of pulses without a pitch of their own. drift:
    largest slow change of every pitch, relative. level_db_spl: RMS of a steady pulse at 1 m, harmonics up to 24 kHz.
    through: a door on the way.
    """

    label: str | None
    whole: bool
    rhythm: Callable[[float], Iterator[Pulse]]
    lasts_s: float
    sounder: Sounder
    carrier_hz: float
    drift: float
    level_db_spl: float
    through: Through = "air"


def open_beeper(
    spec: PlacedSpec, beeper: Beeper, rng: np.random.Generator, rate_hz: int, duration_s: float
) -> SoundStream:
    """Play a beeper for one trial, at the times that the spec says."""
    begun = _runs(spec, beeper, rng, duration_s)
    # Joined in a long pause and left before its end, it is never heard.
    some = tuple(islice(beeper.rhythm(beeper.lasts_s), ALIKE_PULSES))
    carrier_hz = (some[0].from_hz if some else None) or beeper.carrier_hz
    return SoundStream(
        spec.name,
        _sounds(beeper, begun, rate_hz, duration_s, int(rng.integers(2**32))),
        rate_hz,
        duration_s,
        cluster=alike(some, beeper.sounder, beeper.carrier_hz, beeper.level_db_spl),
        measured={"level_db_spl": beeper.level_db_spl, "carrier_hz": carrier_hz},
    )


def pulses_of(
    spec: PlacedSpec, beeper: Beeper, rng: np.random.Generator, duration_s: float
) -> tuple[Pulse, ...]:
    """The exact pulses that `open_beeper` plays with the same arguments, in trial time, run after run."""
    return tuple(
        _moved(pulse, start_s)
        for start_s in _runs(spec, beeper, rng, duration_s)
        for pulse in beeper.rhythm(duration_s - start_s)
    )


def _runs(spec: PlacedSpec, beeper: Beeper, rng: np.random.Generator, duration_s: float) -> list[float]:
    begun: list[float] = []
    for at_s in starts(spec, rng, duration_s):
        free_s = begun[-1] + beeper.lasts_s + REST_S if begun else 0.0
        if max(at_s, free_s) < duration_s:
            begun.append(max(at_s, free_s))
    return begun


def _sounds(
    beeper: Beeper, begun: Sequence[float], rate_hz: int, duration_s: float, seed: int
) -> Iterator[Sound]:
    rng = np.random.default_rng(seed)
    gain = float(pa_from_db_spl(beeper.level_db_spl))
    door = None if beeper.through == "air" else transmission_filter(beeper.through, rate_hz)
    for start_s in begun:
        swing = float(rng.uniform(0.0, 2.0 * pi))
        phase, scatter, reached = 0.0, 0.0, -1
        events = _events(beeper, start_s, duration_s)
        for pulse, following in _with_next(beeper.rhythm(duration_s - start_s)):
            first, end = (round((start_s + at) * rate_hz) for at in (pulse.onset_s, pulse.offset_s))
            joined = first == reached
            goes_on = following is not None and round((start_s + following.onset_s) * rate_hz) == end
            off = beeper.drift * sin(swing + 2.0 * pi * pulse.onset_s / DRIFT_PERIOD_S)
            if not joined:
                phase, scatter = 0.0, SCATTER * float(rng.standard_normal())
            pitch = 1.0 + off + scatter
            audio, phase = tone(
                replace(beeper.sounder, glide=0.0) if joined else beeper.sounder,
                pitch * (pulse.from_hz or beeper.carrier_hz),
                pitch * (pulse.to_hz or beeper.carrier_hz),
                end - first,
                rate_hz,
                phase=phase,
                edges=(not joined, not goes_on),
            )
            if door is not None:
                audio = scipy.signal.oaconvolve(audio, door)
            reached = end
            event = events.pop(pulse.group, None) if events else None
            yield Sound(
                start_s + pulse.onset_s,
                (gain * audio).astype(np.float32),
                () if event is None else (event,),
            )


def _events(beeper: Beeper, start_s: float, duration_s: float) -> dict[int, Event]:
    """What a run tells, by the group of the pulse with which it begins."""
    spans: dict[int, tuple[float, float]] = {}
    if beeper.label is None:
        return {}
    for pulse in beeper.rhythm(duration_s - start_s):
        group = min(spans, default=pulse.group) if beeper.whole else pulse.group
        onset_s = spans[group][0] if group in spans else pulse.onset_s
        spans[group] = (onset_s, pulse.offset_s)
    return {g: Event(start_s + on, start_s + off, beeper.label) for g, (on, off) in spans.items()}


def _with_next(pulses: Iterator[Pulse]) -> Iterator[tuple[Pulse, Pulse | None]]:
    now = next(pulses, None)
    while now is not None:
        following = next(pulses, None)
        yield now, following
        now = following


def _moved(pulse: Pulse, by_s: float) -> Pulse:
    return Pulse(by_s + pulse.onset_s, pulse.duration_s, pulse.from_hz, pulse.to_hz, pulse.group)
