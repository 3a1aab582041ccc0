"""The echoes of something that moves: one renderer for each family of its shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array, Facets, Moving, Shape
from lab.acoustics.ultrasonic.echo import Echo
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.product import ProductEcho
from lab.acoustics.ultrasonic.rotor import RotorEcho
from lab.acoustics.ultrasonic.stage import Stage


def open_echoes(moving: Moving, stage: Stage, rate_hz: int, start_s: float = 0.0) -> list[Echo]:
    """Streams of everything that moves of `moving`, from start_s of its time on; their sum is its echo.

    A rotor is read from its table, other flat surfaces are integrated, points and spheroids are multiplied. A thing without
    shapes has no echo. Raises BadInput when rate_hz does not carry its speed.
    """
    if start_s:
        moving = _Later(moving, start_s)
    if getattr(moving, "rotor", None) is not None:
        return [RotorEcho(moving, stage, rate_hz)]
    shapes = moving.pose(np.zeros(1))
    echoes: list[Echo] = []
    if any(not isinstance(shape, Facets) for shape in shapes):
        echoes.append(ProductEcho(moving, stage, rate_hz))
    if any(isinstance(shape, Facets) for shape in shapes):
        echoes.append(FacetEcho(moving, stage, rate_hz))
    return echoes


class _Later:
    """The same thing, its clock put forward."""

    def __init__(self, moving: Moving, start_s: float) -> None:
        self._moving, self._start_s = moving, start_s
        self.name, self.top_speed_m_s = moving.name, moving.top_speed_m_s
        self.pose_rate_hz = moving.pose_rate_hz
        self.front = getattr(moving, "front", None)
        rotor = getattr(moving, "rotor", None)
        self.rotor = None if rotor is None else _LaterRotor(rotor, start_s)

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        return self._moving.pose(np.asarray(time_s) + self._start_s)


@dataclass(frozen=True)
class _LaterRotor:
    _rotor: object
    _start_s: float

    def __getattr__(self, name: str) -> object:
        return getattr(self._rotor, name)

    def angles(self, time_s: Array) -> tuple[Array, Array]:
        return self._rotor.angles(np.asarray(time_s) + self._start_s)
