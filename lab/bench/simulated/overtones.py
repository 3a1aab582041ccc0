"""What sources below hearing's upper end have above it: the click of things that are struck, harmonics of piezo alarms.

    struck:  E|y_m|^2 = 2 rate N(t) sum_j |h_mj|^2,   N = mean square in 12-20 kHz / 8 kHz, less FALL_DB an octave above 15.5 kHz
    alarm:   y_m(t) = sqrt(2) p a_k w(t) sum_j h_mj exp(j 2 pi (k f - f0) t),   k: the harmonics within 0.4 of the scene's rate of f0

h are the ways of an interferer (`lab.acoustics.ultrasonic.interference`), y is about the carrier f0 and in Pa, peak. The struck part follows
the source's own synthesis at 48 kHz, moment by moment; its fine structure above 20 kHz is noise, as no body here is known that high.

Assumed, not measured: FALL_DB, the fall of the force of a contact of 30-150 us (`lab.sources.modal`); TAIL_DB, the level of a piezo's
harmonics beyond the eighth below its fundamental (the sixth and seventh of a recorded smoke alarm are 48 dB below). Steps, speech, music and
recordings have nothing here, nor has what sounds through a door.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from lab.acoustics.levels import pa_from_db_spl
from lab.acoustics.ultrasonic.interference import Envelope, ways
from lab.acoustics.ultrasonic.stage import Stage
from lab.sources.alarms import AlarmSpec, alarm_pulses, draw_alarm
from lab.sources.beeping import SCATTER
from lab.sources.catalogue import SourceStream
from lab.sources.doors import DoorSpec
from lab.sources.glass import GlassSpec
from lab.sources.impacts import ImpactSpec
from lab.sources.modal import RATE_HZ
from lab.sources.sounder import GLIDE_S

STRUCK = (GlassSpec, ImpactSpec, DoorSpec)
BAND_HZ = (12_000.0, 20_000.0)
FALL_DB = 6.0
TAIL_DB = (-75.0, -50.0)
REACH = 0.4  # of the scene's rate
ALL = 99  # reflections


def sounds_above(spec: object) -> bool:
    """Whether a source has a part above hearing."""
    if getattr(spec, "through", "air") != "air" or getattr(spec, "moves", None) is not None:
        return False
    return isinstance(spec, STRUCK) or (isinstance(spec, AlarmSpec) and spec.sounder in (None, "piezo"))


class Struck:
    """The part of one struck source above hearing.

    open: starts the source at 48 kHz, `start_s` into the trial. rate_hz: of the scene, a divisor of 48 kHz.
    """

    def __init__(
        self,
        open: Callable[[], SourceStream],
        start_s: float,
        stage: Stage,
        place_m: NDArray[np.float64],
        rate_hz: int,
        rng: np.random.Generator,
    ) -> None:
        _, transfer = ways(stage, place_m, ALL)
        octaves = math.log2(stage.carrier.frequency_hz / math.sqrt(BAND_HZ[0] * BAND_HZ[1]))
        density = 10.0 ** (-FALL_DB * octaves / 10.0) / (BAND_HZ[1] - BAND_HZ[0])
        scale = math.sqrt(2.0 * rate_hz * density)
        self._direct = scale * transfer[:, :1]
        self._echoes = scale * np.sqrt(np.sum(np.abs(transfer[:, 1:]) ** 2, axis=1))[:, None]
        self._open, self._stream, self._over = open, None, False
        self._waits = round(start_s * rate_hz)
        self._ratio, self._rng = RATE_HZ // rate_hz, rng
        self._sos = scipy.signal.butter(4, BAND_HZ, "bandpass", fs=RATE_HZ, output="sos")
        self._state = np.zeros((len(self._sos), 2))

    def read(self, samples: int) -> Envelope:
        """The next samples at the microphones, (M, samples); any cuts, same bits."""
        out = np.zeros((len(self._direct), samples), np.complex128)
        silent = min(samples, self._waits)
        self._waits -= silent
        if silent == samples or self._over:
            return out
        if self._stream is None:
            self._stream = self._open()
        count = samples - silent
        high, self._state = scipy.signal.sosfilt(
            self._sos, self._stream.read(count * self._ratio).astype(np.float64), zi=self._state
        )
        strength = np.sqrt(np.mean(np.square(high).reshape(count, self._ratio), axis=1))
        # One row a moment, so that the cut into blocks draws the same numbers.
        drawn = self._rng.standard_normal((count, len(self._direct) + 1, 2)) * math.sqrt(0.5)
        noise = (drawn[..., 0] + 1j * drawn[..., 1]).T
        out[:, silent:] = strength * (self._direct * noise[0] + self._echoes * noise[1:])
        self._over = bool(getattr(self._stream, "over", False)) and strength.max(initial=0.0) < 1e-12
        return out


class PiezoHarmonics:
    """The harmonics of a piezo alarm next to the stage's carrier.

    seed: with which the alarm itself is drawn. rng: levels and phases of these harmonics, and what each pulse is off pitch.
    """

    def __init__(
        self,
        spec: AlarmSpec,
        seed: int,
        duration_s: float,
        stage: Stage,
        place_m: NDArray[np.float64],
        rate_hz: int,
        rng: np.random.Generator,
    ) -> None:
        beeper = draw_alarm(spec, np.random.default_rng(seed))
        self._sounder, self._rate_hz, self._position = beeper.sounder, rate_hz, 0
        self._carrier_hz = stage.carrier.frequency_hz
        pulses = alarm_pulses(spec, seed=seed, duration_s=duration_s)
        off = 1.0 + SCATTER * rng.standard_normal(len(pulses))
        self._pulses = [
            (one.onset_s, one.offset_s, pitch * (one.from_hz or beeper.carrier_hz))
            for one, pitch in zip(pulses, off, strict=True)
            if one.from_hz == one.to_hz  # sirens sweep through the band too fast to matter
        ]
        level = math.sqrt(2.0) * float(pa_from_db_spl(beeper.level_db_spl)) * beeper.sounder.lines[0]
        reach = REACH * rate_hz
        first, last = (math.floor((self._carrier_hz + side * reach) / beeper.carrier_hz) for side in (-1, 1))
        self._lines: list[tuple[int, Envelope]] = []
        for k in range(first + 1, last + 1):
            drawn = 10.0 ** (rng.uniform(*TAIL_DB) / 20.0) * np.exp(2j * np.pi * rng.random())
            _, transfer = ways(stage, place_m, ALL, k * beeper.carrier_hz - self._carrier_hz)
            self._lines.append((k, level * drawn * transfer.sum(axis=1)[:, None]))
        self._channels = stage.receivers.position_m.shape[0]

    def read(self, samples: int) -> Envelope:
        """The next samples at the microphones, (M, samples); any cuts, same bits."""
        time = np.arange(self._position, self._position + samples) / self._rate_hz
        self._position += samples
        out = np.zeros((self._channels, samples), np.complex128)
        if not self._lines:
            return out
        for onset_s, offset_s, hz in self._pulses:
            if onset_s > time[-1] or offset_s < time[0]:
                continue
            now = np.flatnonzero((time >= onset_s) & (time < offset_s))
            since, left = time[now] - onset_s, offset_s - time[now]
            edge = np.minimum(since / self._sounder.attack_s, left / self._sounder.release_s)
            window = 0.5 - 0.5 * np.cos(np.pi * np.clip(edge, 0.0, 1.0))
            cycles = hz * (since + self._sounder.glide * GLIDE_S * (1.0 - np.exp(-since / GLIDE_S)))
            carried = np.mod(self._carrier_hz * time[now], 1.0)
            for k, heard in self._lines:
                out[:, now] += heard * (window * np.exp(2j * np.pi * (k * cycles - carried)))
        return out
