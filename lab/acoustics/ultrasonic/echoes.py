"""The echoes of something that moves: one renderer for each family of its shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.bodies import Array, Facets, Moving, Shape
from lab.acoustics.ultrasonic.echo import Echo
from lab.acoustics.ultrasonic.facets import FacetEcho
from lab.acoustics.ultrasonic.product import ProductEcho, control_rate_hz
from lab.acoustics.ultrasonic.resample import Upsampler
from lab.acoustics.ultrasonic.rotor import RotorEcho
from lab.acoustics.ultrasonic.stage import Stage

BLOCK = 256  # slow samples rendered at once


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
        echoes.append(_product(moving, stage, rate_hz))
    if any(isinstance(shape, Facets) for shape in shapes):
        echoes.append(FacetEcho(moving, stage, rate_hz))
    return echoes


def _product(moving: Moving, stage: Stage, rate_hz: int) -> Echo:
    """At the rate its own speed asks for: a scene's may be that of a fan."""
    own_hz = min(rate_hz, control_rate_hz(moving.top_speed_m_s, stage.carrier))
    return (
        ProductEcho(moving, stage, rate_hz) if own_hz == rate_hz else _Raised(moving, stage, own_hz, rate_hz)
    )


class _Raised:
    """A product rendered at own_hz and interpolated to rate_hz, a multiple of it; see `resample` for what that leaves."""

    def __init__(self, moving: Moving, stage: Stage, own_hz: int, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        # The interpolation first asks for a block before the beginning, from then on for one after the other.
        slow = ProductEcho(_Later(moving, -BLOCK / own_hz), stage, own_hz)
        self._stream = Upsampler(lambda _, count: slow.read(count), stage.channels, rate_hz // own_hz, BLOCK)

    def read(self, samples: int) -> NDArray[np.complex128]:
        return self._stream.read(samples)


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

    def expected_pose(self, time_s: Array) -> tuple[Shape, ...]:
        expected = getattr(self._moving, "expected_pose", self._moving.pose)
        return expected(np.asarray(time_s) + self._start_s)


@dataclass(frozen=True)
class _LaterRotor:
    _rotor: object
    _start_s: float

    def __getattr__(self, name: str) -> object:
        return getattr(self._rotor, name)

    def angles(self, time_s: Array) -> tuple[Array, Array]:
        return self._rotor.angles(np.asarray(time_s) + self._start_s)
