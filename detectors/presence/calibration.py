"""Which tone, how loud: one unit in one room is measured before it listens for people.

Silence first: lines and noise of others. Then every candidate carrier for DWELL hops at a low level, of which the last LISTEN
count. For a carrier f, with b_m the envelope at microphone m in full scales and N its noise beside the carrier per Hz,

    G(f)      = mean over living m of 20 lg|b_m| + FS - (probe level + direct_db)       this unit against one as designed
    SNR(f, L) = L + G + TS - 40 lg R - 2 alpha(f) R - (10 lg N + FS + 10 lg B)          echo of a person at R m, sonar equation
    L(f)      = snr_db - SNR(f, 0 dB)

The carrier that needs the lowest level wins, and gets that level within level_range_db_spl. alpha follows ISO 9613-1 at 20 C and 50 %.
Hops that cannot be used are waited through, and where none could be used for any carrier, all starts over. A microphone is dead if it
stays at its noise where others hear the carrier; the loudspeaker is blocked if all of them hear it BLOCKED_DB below what a unit as designed
gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from detectors.interface import SILENT, Emission, StreamFormat
from detectors.presence.front_end import RATE_HZ, Mixer
from detectors.presence.settings import (
    CARRIER_HZ,
    LEVEL_DB_SPL,
    carrier_in,
    carrier_of,
    pair_within,
    within,
)

QUIET, RINGING = 20, 4  # hops of silence, and those of them in which the room may still ring
DWELL, LISTEN = 6, 3
GUARD_HZ = 1_200.0  # people's Doppler: no line of others may lie there
LINE_DB = 12.0
BESIDE_HZ = (200.0, 1_400.0)
BIN_HZ = 10.0
HEARD_DB = 15.0  # a carrier is heard this far above its noise
CLEARLY_DB = 25.0
BLOCKED_DB = 15.0
PATIENCE = 40  # hops that cannot be used before a step gives up; where there is one carrier alone it waits on


@dataclass(frozen=True)
class CalibrationSettings:
    """carrier_band_hz: where candidates lie, every step_hz (100 to 5000). probe_db_spl: of the sweep, at 1 m, 40 to 90.
    range_m: wanted for a walking person, 1 to 12. snr_db: asked for there in 10 Hz, -20 to 40. target_db: strength of a person's
    echo, -60 to 0. level_range_db_spl: of the tone, at 1 m. full_scale_db_spl: of the microphones, 80 to 160. direct_db: level at the
    microphones of a unit as designed above that at 1 m, -20 to 60. carrier_hz, level_db_spl: given ones are kept, the rest is found.
    Raises DetectorError naming the key."""

    carrier_band_hz: tuple[float, float] = (32_000.0, 40_000.0)
    step_hz: float = 500.0
    probe_db_spl: float = 65.0
    range_m: float = 7.0
    snr_db: float = 11.0
    target_db: float = -18.0
    level_range_db_spl: tuple[float, float] = (70.0, 89.0)
    full_scale_db_spl: float = 130.0
    direct_db: float = 22.0
    carrier_hz: float | None = None
    level_db_spl: float | None = None

    def __post_init__(self) -> None:
        within("step_hz", self.step_hz, 100.0, 5_000.0)
        within("probe_db_spl", self.probe_db_spl, 40.0, 90.0)
        within("range_m", self.range_m, 1.0, 12.0)
        within("snr_db", self.snr_db, -20.0, 40.0)
        within("target_db", self.target_db, -60.0, 0.0)
        within("full_scale_db_spl", self.full_scale_db_spl, 80.0, 160.0)
        within("direct_db", self.direct_db, -20.0, 60.0)
        pair_within("carrier_band_hz", self.carrier_band_hz, *CARRIER_HZ)
        pair_within("level_range_db_spl", self.level_range_db_spl, *LEVEL_DB_SPL)
        if self.carrier_hz is not None:
            within("carrier_hz", self.carrier_hz, *CARRIER_HZ)
        if self.level_db_spl is not None:
            within("level_db_spl", self.level_db_spl, *LEVEL_DB_SPL)

    def of_baseband(self, form: StreamFormat) -> CalibrationSettings:
        """These for the only carrier there is. Raises DetectorError if another is asked for."""
        return replace(self, carrier_hz=carrier_of(form, self.carrier_hz))

    def of_samples(self, form: StreamFormat) -> CalibrationSettings:
        """These. Raises DetectorError for a carrier that the stream does not hold."""
        key = "carrier_band_hz" if self.carrier_hz is None else "carrier_hz"
        carrier_in(form, self.candidates_hz[-1], key)
        return self

    @cached_property
    def candidates_hz(self) -> tuple[float, ...]:
        if self.carrier_hz is not None:
            return (float(self.carrier_hz),)
        low, high = self.carrier_band_hz
        return tuple(low + self.step_hz * k for k in range(int((high - low) / self.step_hz + 1e-9) + 1))


@dataclass(frozen=True, eq=False)
class Calibrated:
    """emission: what to sense with. alive: (M,). response_db: (K, M), level heard at each candidate less that emitted, noise_db: (K, M),
    both with full scale as dB SPL, the second per Hz. interfered: (K,), a line of others is near. took_s: all in all."""

    emission: Emission
    alive: NDArray[np.bool_]
    blocked: bool
    candidates_hz: tuple[float, ...]
    response_db: NDArray[np.float64]
    noise_db: NDArray[np.float64]
    interfered: NDArray[np.bool_]
    needed_db_spl: NDArray[np.float64]
    took_s: float

    @property
    def carrier_hz(self) -> float:
        return self.emission.carriers_hz[0]


class Calibration:
    """One calibration. input_hz: rate of the stream, RATE_HZ for a baseband about the only candidate. channels: M.

    Push hop after hop until `result` is there; `emission` is what is wanted from the next hop on.
    """

    def __init__(self, settings: CalibrationSettings, input_hz: int, channels: int, hop_s: float) -> None:
        self.settings, self._input_hz, self._channels, self._hop_s = settings, input_hz, channels, hop_s
        self.candidates_hz = settings.candidates_hz
        self.emission: Emission
        self.result: Calibrated | None = None
        self._hops = 0
        self._mixer: Mixer | None = None
        self._window: NDArray[np.float64] | None = None
        self._start()

    def _start(self) -> None:
        """From silence on."""
        self.emission = SILENT
        self._index = -1  # of the candidate that is on, -1 in silence
        self._hop = self._waited = 0
        self._held: list[NDArray[np.complex64]] = []
        self._silence: NDArray[np.float64] | float = 0.0
        shape = (len(self.candidates_hz), self._channels)
        self._level, self._noise = np.zeros(shape), np.full(shape, 1e-30)
        self._heard = np.zeros(len(self.candidates_hz), bool)

    def push(self, hop: NDArray, usable: NDArray[np.bool_]) -> None:
        """hop: (M, n) of the stream, cleaned; usable: (M,)."""
        self._hops += 1
        if not usable.any() and self._index >= 0:
            # The tone cannot be heard in a gap; what was heard of this candidate starts over.
            self._waited += 1
            self._hop, self._held = 0, []
            if self._mixer is not None:
                self._mixer.mix(hop)
            if self._waited > PATIENCE and len(self.candidates_hz) > 1:
                self._next()
            return
        if self._index < 0:
            if usable.any():
                self._listen(hop)
            last = QUIET
        else:
            envelope = hop if self._mixer is None else self._mixer.mix(hop)
            if self._hop >= DWELL - LISTEN:
                self._held.append(envelope)
            last = DWELL
        self._hop += 1
        if self._hop < last:
            return
        if self._index >= 0:
            self._measure(np.concatenate(self._held, axis=1))
        self._next()

    def _next(self) -> None:
        self._index += 1
        self._hop, self._waited, self._held = 0, 0, []
        if self._index == len(self.candidates_hz):
            if self._heard.any():
                self._conclude()
            else:
                self._start()
            return
        carrier = self.candidates_hz[self._index]
        self.emission = Emission((carrier,), self.settings.probe_db_spl)
        if self._input_hz != RATE_HZ:
            self._mixer = Mixer(self._input_hz, RATE_HZ, carrier, self._channels)

    def _listen(self, hop: NDArray) -> None:
        if self._hop < RINGING:
            return
        if self._window is None:
            self._window = scipy.signal.windows.blackmanharris(hop.shape[1], sym=False)
        transform = np.fft.fft if np.iscomplexobj(hop) else np.fft.rfft
        self._silence = self._silence + np.mean(np.abs(transform(hop * self._window, axis=1)) ** 2, axis=0)

    def _measure(self, envelope: NDArray[np.complex64]) -> None:
        """Carrier and the noise beside it, by microphone. A Blackman-Harris window keeps the one out of the other."""
        count = envelope.shape[1]
        window = scipy.signal.windows.blackmanharris(count, sym=False)
        self._heard[self._index] = True
        self._level[self._index] = np.abs(envelope.mean(axis=1, dtype=np.complex128))
        power = np.abs(np.fft.fft(envelope * window, axis=1)) ** 2 / (RATE_HZ * np.sum(window**2))
        offset = np.abs(np.fft.fftfreq(count, 1.0 / RATE_HZ))
        beside = (offset >= BESIDE_HZ[0]) & (offset <= BESIDE_HZ[1])
        # The median of an exponential variate is ln 2 of its mean; somebody who moves meanwhile hardly shifts it.
        self._noise[self._index] = np.maximum(np.median(power[:, beside], axis=1) / math.log(2.0), 1e-30)

    def _interfered(self, carrier_hz: float) -> bool:
        power = np.atleast_1d(self._silence)
        if len(power) < 2:
            return False
        if self._input_hz == RATE_HZ:
            offset = np.fft.fftfreq(len(power), 1.0 / RATE_HZ)
        else:
            offset = np.linspace(0.0, self._input_hz / 2.0, len(power)) - carrier_hz
        near = power[np.abs(offset) <= GUARD_HZ]
        return bool(near.max() > np.median(near) * 10.0 ** (LINE_DB / 10.0))

    def _conclude(self) -> None:
        s = self.settings
        heard_db = 10.0 * np.log10(np.maximum(self._level**2, 1e-30))
        noise_db = 10.0 * np.log10(self._noise)
        above_db = heard_db - noise_db - 10.0 * math.log10(1.0 / (LISTEN * self._hop_s))
        alive = self._alive(above_db[self._heard])
        response_db = heard_db + s.full_scale_db_spl - s.probe_db_spl
        unit_db = response_db[:, alive].mean(axis=1) - s.direct_db
        floor_db = noise_db[:, alive].mean(axis=1) + s.full_scale_db_spl + 10.0 * math.log10(BIN_HZ)
        carriers = np.array(self.candidates_hz)
        loss_db = 40.0 * math.log10(s.range_m) + 2.0 * absorption_db_m(carriers) * s.range_m
        needed_db = s.snr_db - (unit_db + s.target_db - loss_db - floor_db)
        interfered = np.array([self._interfered(carrier) for carrier in carriers])
        mute = np.max(above_db[:, alive], axis=1) < HEARD_DB
        usable = ~interfered & ~mute if np.any(~interfered & ~mute) else np.ones(len(carriers), bool)
        best = int(np.argmin(np.where(usable, needed_db, np.inf)))
        level = s.level_db_spl
        if level is None:
            level = float(np.clip(needed_db[best], *s.level_range_db_spl))
        self.emission = Emission((float(carriers[best]),), float(level))
        self.result = Calibrated(
            emission=self.emission,
            alive=alive,
            blocked=bool(np.median(unit_db[self._heard]) < -BLOCKED_DB),
            candidates_hz=self.candidates_hz,
            response_db=response_db,
            noise_db=noise_db + s.full_scale_db_spl,
            interfered=interfered,
            needed_db_spl=needed_db,
            took_s=self._hops * self._hop_s,
        )

    def _alive(self, above_db: NDArray[np.float64]) -> NDArray[np.bool_]:
        """All of them where none hears the carrier: then the loudspeaker is to blame."""
        typical = np.median(above_db, axis=0)
        dead = (typical < HEARD_DB) & (typical.max() > CLEARLY_DB)
        return ~dead


def absorption_db_m(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Air at 20 C, 50 %: ISO 9613-1 within 0.02 dB/m from 30 to 45 kHz."""
    return 1.016 + 0.0378e-3 * (np.asarray(frequency_hz) - 32_000.0)
