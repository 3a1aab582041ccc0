"""One device out of many: how its microphones and loudspeaker differ above hearing, and what is wrong with it.

A microphone's membrane resonates at 20 to 40 kHz, so two of one type differ by decibels and tens of degrees there, other
at each carrier: gain and phase are smooth random curves over frequency, uniform within the spread at every 4 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from lab.acoustics.device import UltrasonicSpec
from lab.errors import BadInput
from lab.spec import Spec

Array = NDArray[np.float64]
FIRST_HZ, STEP_HZ, NODES = 16_000.0, 4_000.0, 21  # to 96 kHz


class UnitSpec(Spec):
    """What may differ in one unit of a device.

    spread_db, spread_deg: largest deviation of gain and phase of each microphone and of the loudspeaker, at the carrier.
    dead_microphones: channels that hear nothing. blocked_db: loss in front of the loudspeaker. clock_ppm: error of the
    unit's clock. Its own tone is made and sampled by one clock, so this moves only what others emit: see `Unit.heard_hz`.
    number: one certain unit, the same in every trial, 0 the one as designed; None: another unit in each. decimation_db: how far down
    decimation to the audible rate keeps what lies above hearing, which it folds to where people hear; 60 to 100 is usual.
    """

    number: int | None = Field(None, ge=0, le=100_000)

    spread_db: float = Field(6.0, ge=0.0, le=12.0)
    spread_deg: float = Field(30.0, ge=0.0, le=180.0)
    dead_microphones: Annotated[tuple[Annotated[int, Field(ge=0, le=63)], ...], Field(strict=False)] = ()
    blocked_db: float = Field(0.0, ge=0.0, le=60.0)
    clock_ppm: float = Field(0.0, ge=-500.0, le=500.0)
    decimation_db: float = Field(80.0, ge=0.0, le=160.0)


@dataclass(frozen=True, eq=False)
class Unit:
    """A drawn unit with M microphones.

    gain_db, phase_rad: (M + 1, NODES), at FIRST_HZ + n STEP_HZ, the last row the loudspeaker's. sensitivity: (M,), 0 for a
    dead microphone. coupling: (M,), kappa of the direct path to each microphone; echo_coupling: of every other path.
    """

    gain_db: Array
    phase_rad: Array
    sensitivity: Array
    coupling: Array
    echo_coupling: float
    blocked_db: float = 0.0
    clock_ppm: float = 0.0

    @property
    def channels(self) -> int:
        return len(self.sensitivity)

    def first(self, channels: int) -> Unit:
        """The same unit with only its first microphones."""
        rows = [*range(channels), len(self.gain_db) - 1]
        return replace(
            self,
            gain_db=self.gain_db[rows],
            phase_rad=self.phase_rad[rows],
            sensitivity=self.sensitivity[:channels],
            coupling=self.coupling[:channels],
        )

    def microphones(self, frequency_hz: ArrayLike) -> NDArray[np.complex128]:
        """Complex response at frequencies (F,), relative to a microphone as designed. Returns (M, F)."""
        return self._response(frequency_hz)[:-1] * self.sensitivity[:, None]

    def loudspeaker(self, frequency_hz: float) -> complex:
        """What the emission is multiplied by: spread of the loudspeaker at this carrier, and what blocks it."""
        return complex(self._response(frequency_hz)[-1, 0]) * 10.0 ** (-self.blocked_db / 20.0)

    def heard_hz(self, frequency_hz: float, other_ppm: float = 0.0) -> float:
        """Where this unit finds a tone that another clock, other_ppm fast, makes at a nominal frequency."""
        return frequency_hz * (1.0 + other_ppm * 1e-6) / (1.0 + self.clock_ppm * 1e-6)

    def _response(self, frequency_hz: ArrayLike) -> NDArray[np.complex128]:
        place = (np.atleast_1d(np.asarray(frequency_hz, dtype=np.float64)) - FIRST_HZ) / STEP_HZ
        place = np.clip(place, 0.0, NODES - 1.0)
        left = np.minimum(place.astype(np.int64), NODES - 2)
        # A raised cosine between nodes keeps within them and leaves no corner.
        share = 0.5 * (1.0 - np.cos(np.pi * (place - left)))
        decibel, phase = (
            table[:, left] * (1.0 - share) + table[:, left + 1] * share
            for table in (self.gain_db, self.phase_rad)
        )
        return 10.0 ** (decibel / 20.0) * np.exp(1j * phase)


def draw_unit(spec: UnitSpec, ultrasonic: UltrasonicSpec, channels: int, rng: np.random.Generator) -> Unit:
    """A unit of a device with this many microphones. Raises BadInput for a dead microphone that the device has not."""
    for index in spec.dead_microphones:
        if index >= channels:
            raise BadInput(
                f"dead_microphones: {index} is not a microphone; the device has 0 to {channels - 1}"
            )
    if spec.number is not None:
        rng = np.random.default_rng(spec.number)
    spread = 0.0 if spec.number == 0 else 1.0
    table = spread * rng.uniform(-1.0, 1.0, (2, channels + 1, NODES))
    sensitivity = 10.0 ** (spread * ultrasonic.gain_spread_db * rng.standard_normal(channels) / 20.0)
    sensitivity[list(spec.dead_microphones)] = 0.0
    crosstalk = 10.0 ** (ultrasonic.driver.crosstalk_db / 20.0)
    coupling = crosstalk * rng.uniform(*ultrasonic.driver.coupling, channels + 1)
    return Unit(
        gain_db=spec.spread_db * table[0],
        phase_rad=np.radians(spec.spread_deg) * table[1],
        sensitivity=sensitivity,
        coupling=coupling[:-1],
        echo_coupling=float(coupling[-1]),
        blocked_db=spec.blocked_db,
        clock_ppm=spec.clock_ppm,
    )


def ideal_unit(channels: int) -> Unit:
    """A unit as designed: no spread, and a tone that follows the cone entirely."""
    return Unit(
        gain_db=np.zeros((channels + 1, NODES)),
        phase_rad=np.zeros((channels + 1, NODES)),
        sensitivity=np.ones(channels),
        coupling=np.ones(channels),
        echo_coupling=1.0,
    )
