"""Where an echo is made: one carrier, the images of the loudspeaker, and those of every microphone.

    E_m(t) = sum over bodies of [sum_i D_i(u_i) w_i exp(-(a + jk) r_i) / r_i] [sum_j w_mj exp(-(a + jk) r_mj) / r_mj] x body

with i the images of the loudspeaker, j those of microphone m, a the absorption and D the loudspeaker's directivity. By
reciprocity the images of fixed ends serve a scatterer anywhere, so nothing is traced anew while something moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.air import absorption_db_per_m
from lab.acoustics.shoebox import Climate

Array = NDArray[np.float64]
NEPER_DB = 20.0 / math.log(10.0)


@dataclass(frozen=True)
class Carrier:
    """A tone in the air of a room. frequency_hz: 20 to 90 kHz. absorption_np_m: amplitude, Np per metre (ISO 9613-1)."""

    frequency_hz: float
    speed_m_s: float
    absorption_np_m: float

    @classmethod
    def in_air(cls, frequency_hz: float, climate: Climate) -> Carrier:
        loss = absorption_db_per_m(
            frequency_hz, climate.temperature_c, climate.humidity_percent, climate.pressure_kpa
        )
        return cls(frequency_hz, climate.speed_m_s, float(loss) / NEPER_DB)

    @property
    def wavenumber(self) -> float:
        """k in rad/m."""
        return 2.0 * math.pi * self.frequency_hz / self.speed_m_s

    @property
    def wavelength_m(self) -> float:
        return self.speed_m_s / self.frequency_hz


@dataclass(frozen=True, eq=False)
class Ends:
    """The images of one or several transducers that hang on the same lattice of walls.

    position_m: (E, N, 3), first image = the transducer itself. weight: (E, N), product of wall reflections, without
    spreading and air. order: (N,), number of reflections. mirror: (N, 3), +1 or -1, what the walls do to a direction.
    axis: (3,), unit vector of the loudspeaker, unused for microphones. pattern: (K,), amplitude over the cosine of the
    angle to the axis, equally spaced from -1 to +1, 1 on the axis of a loudspeaker; all ones for a microphone.
    """

    position_m: Array
    weight: Array
    order: NDArray[np.int64]
    mirror: Array
    axis: Array
    pattern: Array


@dataclass(frozen=True, eq=False)
class Stage:
    """One carrier between a loudspeaker (`source`, E = 1) and M microphones (`receivers`, E = M) in a room."""

    size_m: tuple[float, float, float]
    carrier: Carrier
    source: Ends
    receivers: Ends

    @property
    def channels(self) -> int:
        return len(self.receivers.position_m)
