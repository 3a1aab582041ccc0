"""The tone that a build commands, as samples for the device's loudspeaker.

Every start, stop and change of level is a raised cosine of 30 ms (`lab.acoustics.ultrasonic.emission`). Another carrier begins when the last
one has died away: two tones at once would beat in the loudspeaker at a difference that people hear.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from detectors.interface import SILENT, Emission
from lab.acoustics.ultrasonic.emission import RAMP_S, Emitter
from lab.acoustics.ultrasonic.filters import Oscillator

FADE_S = 2.0 * RAMP_S  # from the worst command to silence


class TonePlayer:
    """Samples of full scale +-1 at rate_hz. full_scale_pa: pressure at 1 m of a sample of 1.0.

    A command holds from the next sample that is read. Levels are for the caller to check. `read` may be cut anywhere.
    """

    def __init__(self, rate_hz: int, full_scale_pa: float) -> None:
        self._rate_hz, self._gain = rate_hz, 1.0 / full_scale_pa
        self._emitter = Emitter(rate_hz, rate_hz / 2.0)
        self._ramp = math.ceil(RAMP_S * rate_hz)
        self._oscillators: dict[float, Oscillator] = {}
        self._sounding: Emission = SILENT
        self._next: Emission | None = None
        self._quiet_at = 0  # when what was told to stop has
        self._at = 0

    def command(self, emission: Emission) -> None:
        """Raises BadInput as `Emitter.command`."""
        if emission == (self._sounding if self._next is None else self._next):
            return
        self._next = None
        if self._sounding.carriers_hz not in ((), emission.carriers_hz):
            self._emitter.command((), 0.0)
            self._sounding, self._quiet_at = SILENT, self._at + self._ramp
        if not emission.carriers_hz:
            return
        if self._sounding.carriers_hz or self._at >= self._quiet_at:
            self._start(emission)
        else:
            self._next = emission

    def read(self, samples: int) -> NDArray[np.float32]:
        """The next samples, (n,)."""
        parts = []
        left = samples
        while left:
            count = left
            if self._next is not None:
                if self._at >= self._quiet_at:
                    self._start(self._next)
                else:
                    count = min(left, self._quiet_at - self._at)
            parts.append(self._read(count))
            left -= count
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    @property
    def facts(self) -> dict[str, float]:
        """Share of the time on the air, and the highest levels that were commanded; see `Emitter.facts`."""
        return self._emitter.facts()

    def _start(self, emission: Emission) -> None:
        self._emitter.command(emission.carriers_hz, emission.level_db_spl)
        self._sounding, self._next = emission, None

    def _read(self, samples: int) -> NDArray[np.float32]:
        total = np.zeros(samples)
        for tone in self._emitter.read(samples):
            if not tone.pressure_pa.any():
                continue
            oscillator = self._oscillators.setdefault(
                tone.carrier_hz, Oscillator(tone.carrier_hz, self._rate_hz)
            )
            total += (tone.pressure_pa * oscillator.read(self._at, samples)).real
        self._at += samples
        return (self._gain * total).astype(np.float32)
