"""What the device emits: levels and tones wanted by a stack, as smooth pressure.

    S_c(t) = sqrt(2) sum over changes i of (p_i - p_(i-1)) h((t - t_i) / T),   h(x) = (1 - cos pi x) / 2 on 0..1

with p the RMS pressure asked for at 1 m (Pa) and T the ramp. Changes add up, so one that comes before the last has ended
makes no kink. |S| is the peak: Re{S exp(j 2 pi c t)} is the sound pressure on the loudspeaker's axis at 1 m.

Levels: 20 log10(1 / 0.3) = 10.5 dB more at 0.3 m, where 100 dB SPL is the lab's limit. The public limit of IRPA (1984)
is 100 dB from 25 kHz up, the ceiling of Howard, Hansen and Zander (2004) 110 dB; the evidence is thin (Leighton 2016).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.levels import pa_from_db_spl
from lab.errors import BadInput

LIMIT_DB_SPL = 100.0  # at CLOSE_M, all tones together
CLOSE_M = 0.3
LOWEST_HZ = 20_000.0
RAMP_S = 0.03
SHORTEST_RAMP_S = 0.02


def level_db_spl_at(distance_m: float, level_db_spl: float) -> float:
    """Level at a distance on the axis in free field, from that at 1 m; air absorption within 1 m is left out."""
    return level_db_spl - 20.0 * math.log10(distance_m)


@dataclass(frozen=True, eq=False)
class EmittedTone:
    """A block of one tone. pressure_pa: (n,), complex envelope, peak, at 1 m. steady: it is the same all along."""

    carrier_hz: float
    pressure_pa: NDArray[np.complex128]
    steady: bool


@dataclass
class _Tone:
    """Pressure before and after its changes; a change is (sample, step in Pa)."""

    settled_pa: float = 0.0
    wanted_pa: float = 0.0
    changes: list[tuple[int, float]] = field(default_factory=list)


class Emitter:
    """Follows the emission commands of a stack; a command holds from the next sample that is read.

    rate_hz: of the envelopes, any. nyquist_hz: half the rate of the device's ultrasonic converter: carriers lie from
    20 kHz to below it. ramp_s: of every start, stop and change, at least 0.02. override: a person has lifted the limit.
    Raises BadInput for a shorter ramp. `read` may be cut anywhere without changing a sample.
    """

    def __init__(
        self, rate_hz: float, nyquist_hz: float, *, ramp_s: float = RAMP_S, override: bool = False
    ) -> None:
        if not ramp_s >= SHORTEST_RAMP_S:
            raise BadInput(
                f"emission.ramp_s = {ramp_s:g}: at least {SHORTEST_RAMP_S:g}, a shorter one clicks"
            )
        self.rate_hz = rate_hz
        self.nyquist_hz = nyquist_hz
        self._ramp = ramp_s * rate_hz
        self._override = override
        self._tones: dict[float, _Tone] = {}
        self._position = 0
        self._command: tuple[tuple[float, ...], float] = ((), 0.0)
        self._emitted: dict[float, int] = {}

    def command(self, carriers_hz: Sequence[float], level_db_spl: float) -> None:
        """Emit these tones, each with this RMS level at 1 m; no tones for silence. The same command again does nothing.

        Raises BadInput for a carrier out of band or twice, and for a level beyond the limit.
        """
        carriers = tuple(sorted(float(carrier) for carrier in carriers_hz))
        if (carriers, level_db_spl) == self._command:
            return
        self._check(carriers, level_db_spl)
        self._command = (carriers, level_db_spl)
        for carrier in carriers:
            self._tones.setdefault(carrier, _Tone())
        pressure = math.sqrt(2.0) * float(pa_from_db_spl(level_db_spl))
        for carrier, tone in self._tones.items():
            wanted = pressure if carrier in carriers else 0.0
            if wanted != tone.wanted_pa:
                tone.changes.append((self._position, wanted - tone.wanted_pa))
                tone.wanted_pa = wanted

    def read(self, samples: int) -> tuple[EmittedTone, ...]:
        """The next samples of every tone that was ever asked for: silent ones still ring in the room for a while."""
        carriers, level = self._command
        if carriers:
            self._emitted[level] = self._emitted.get(level, 0) + samples
        tones = tuple(self._tone(carrier, tone, samples) for carrier, tone in self._tones.items())
        self._position += samples
        return tones

    @property
    def emitted_s(self) -> Mapping[float, float]:
        """Seconds on the air per level asked for (dB SPL at 1 m), ramps counted with what they lead to."""
        return {level: samples / self.rate_hz for level, samples in sorted(self._emitted.items())}

    def facts(self) -> dict[str, float]:
        """Figures of a trial: share of the time on the air, highest level at 1 m and at 0.3 m (absent if silent)."""
        on = sum(self._emitted.values())
        facts = {"emission_duty": on / self._position if self._position else 0.0}
        if self._emitted:
            highest = max(self._emitted)
            facts["emission_db_spl_at_1_m"] = highest
            facts["emission_db_spl_at_0_3_m"] = level_db_spl_at(CLOSE_M, highest)
        return facts

    def _tone(self, carrier_hz: float, tone: _Tone, samples: int) -> EmittedTone:
        while tone.changes and self._position >= tone.changes[0][0] + self._ramp:
            tone.settled_pa += tone.changes.pop(0)[1]
        if not tone.changes:
            # Steps add up to rounding errors; a settled tone has exactly the pressure asked for.
            tone.settled_pa = tone.wanted_pa
            return EmittedTone(carrier_hz, np.full(samples, tone.settled_pa, np.complex128), True)
        pressure = np.full(samples, tone.settled_pa)
        time = np.arange(self._position, self._position + samples)
        for start, step in tone.changes:
            passed = np.clip((time - start) / self._ramp, 0.0, 1.0)
            pressure += step * 0.5 * (1.0 - np.cos(np.pi * passed))
        last = tone.changes[-1][0] + self._ramp
        pressure[time >= last] = tone.wanted_pa
        return EmittedTone(carrier_hz, pressure.astype(np.complex128), False)

    def _check(self, carriers_hz: tuple[float, ...], level_db_spl: float) -> None:
        for carrier in carriers_hz:
            if not LOWEST_HZ <= carrier < self.nyquist_hz:
                raise BadInput(
                    f"emission.carriers_hz = {carrier:g}: from {LOWEST_HZ:g} to below {self.nyquist_hz:g}, half the "
                    "rate of the device's ultrasonic converter"
                )
        if len(set(carriers_hz)) < len(carriers_hz):
            raise BadInput(f"emission.carriers_hz = {list(carriers_hz)}: every tone once")
        if not math.isfinite(level_db_spl):
            raise BadInput(f"emission.level_db_spl = {level_db_spl}: a finite level in dB SPL at 1 m")
        if not carriers_hz or self._override:
            return
        highest = LIMIT_DB_SPL - level_db_spl_at(CLOSE_M, 0.0) - 10.0 * math.log10(len(carriers_hz))
        if level_db_spl > highest:
            raise BadInput(
                f"emission.level_db_spl = {level_db_spl:g}: {len(carriers_hz)} tone(s) at most {highest:.1f} dB SPL at "
                f"1 m, which is {LIMIT_DB_SPL:g} dB SPL at {CLOSE_M:g} m, unless a person lifts the limit"
            )
