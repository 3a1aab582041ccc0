"""What scatters: shapes with a pose at every moment, known to every renderer and to nothing that moves.

A `Moving` is a pure function of time: any renderer may ask for any moment, in any order, any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """Point scatterers: the echo of one is amplitude / (r_in r_out) of the incident pressure at 1 m.

    position_m: (P, T, 3). amplitude_m: (P,) or (P, T), the square root of the backscattering cross-section in m
    (target strength 20 log10 of it), 0 where there is nothing.
    """

    position_m: Array
    amplitude_m: Array


@dataclass(frozen=True, eq=False)
class Spheroids:
    """Smooth convex bodies of revolution, large against the wavelength.

    centre_m: (S, T, 3). axis: (S, T, 3), unit vectors along the axis of revolution. radius_m: (S,), across it.
    half_length_m: (S,), along it. reflection: (S,) or (S, T), pressure reflection with clothing, 0 to 1, 0 where there
    is nothing.
    """

    centre_m: Array
    axis: Array
    radius_m: Array
    half_length_m: Array
    reflection: Array


@dataclass(frozen=True, eq=False)
class Facets:
    """Flat parallelograms that reflect on both sides.

    centre_m: (F, T, 3). edge_u_m, edge_v_m: (F, T, 3), the two whole edges. reflection: (F,) or (F, T), 0 to 1.
    """

    centre_m: Array
    edge_u_m: Array
    edge_v_m: Array
    reflection: Array


Shape = Points | Spheroids | Facets


class Moving(Protocol):
    """Something that moves in a room.

    top_speed_m_s: of its fastest part over the whole trial; decides the control rate. pose_rate_hz: poses sampled at this
    rate may be interpolated with cubics in between.
    """

    name: str
    top_speed_m_s: float
    pose_rate_hz: float

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        """Shapes at these moments of the trial, time_s (T,) in s, also slightly before 0; same shapes, sizes each call."""
