"""A point that moves by a formula: for oracles, and for tests that need one echo and no more.

The echo of a point is 10^(TS / 20) / (r_in r_out) of the incident pressure at 1 m, in every direction.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from detectors.interface import Event
from lab.acoustics.placement import Point
from lab.acoustics.ultrasonic.bodies import Array, Points
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.spec import Spec

DEVICE_CLEAR_M = 0.05
POSES_PER_TURN = 100.0  # cubics through a harmonic motion are then wrong by 4e-7 of its amplitude
POSES_PER_M = 100.0

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Component = Annotated[float, Field(ge=-50.0, le=50.0)]
Vector = Annotated[tuple[Component, Component, Component], Field(strict=False)]


class LinePath(Spec):
    """Constant velocity: start_m at the beginning of the trial, velocity_m_s each component -50 to 50 m/s."""

    shape: Literal["line"]
    start_m: Point
    velocity_m_s: Vector


class CirclePath(Spec):
    """Constant turning: radius_m 1 mm to 5 m, rate_hz -200 to 200 turns a second, about `normal` (any length but 0).

    phase_deg: where on the circle the trial begins.
    """

    shape: Literal["circle"]
    centre_m: Point
    radius_m: float = Field(ge=0.001, le=5.0)
    rate_hz: float = Field(ge=-200.0, le=200.0)
    normal: Vector = (0.0, 0.0, 1.0)
    phase_deg: float = Field(0.0, ge=-360.0, le=360.0)


class HarmonicPath(Spec):
    """centre_m + amplitude_m sin(2 pi frequency_hz t + phase_deg) along `direction` (any length but 0).

    amplitude_m: 10 um to 5 m. frequency_hz: 0.01 to 1000 Hz.
    """

    shape: Literal["harmonic"]
    centre_m: Point
    amplitude_m: float = Field(ge=1e-5, le=5.0)
    frequency_hz: float = Field(ge=0.01, le=1000.0)
    direction: Vector
    phase_deg: float = Field(0.0, ge=-360.0, le=360.0)


class PointSpec(Spec):
    """A moving point. target_strength_db: 20 log10 of its echo re 1 m, -80 to 10 dB (a torso: about -18 dB)."""

    kind: Literal["point"]
    name: Name
    path: Annotated[LinePath | CirclePath | HarmonicPath, Field(discriminator="shape")]
    target_strength_db: float = Field(-18.0, ge=-80.0, le=10.0)


class PointMover:
    """A point on a line, a circle or a harmonic path.

    pose: one `Points` of one point. truth: none, a point is nobody.
    """

    def __init__(self, spec: PointSpec) -> None:
        path = spec.path
        self.name = spec.name
        self._path = path
        self._amplitude_m = np.array([10.0 ** (spec.target_strength_db / 20.0)])
        if isinstance(path, LinePath):
            self.top_speed_m_s = math.hypot(*path.velocity_m_s)
            self.pose_rate_hz = max(1.0, POSES_PER_M * self.top_speed_m_s)
        else:
            circle = isinstance(path, CirclePath)
            rate_hz = abs(path.rate_hz if circle else path.frequency_hz)
            self.top_speed_m_s = 2.0 * math.pi * rate_hz * (path.radius_m if circle else path.amplitude_m)
            self.pose_rate_hz = max(1.0, POSES_PER_TURN * rate_hz)

    def position_m(self, time_s: Array) -> Array:
        """Where it is, (T, 3)."""
        time_s = np.asarray(time_s, dtype=np.float64)[:, None]
        path = self._path
        if isinstance(path, LinePath):
            return np.asarray(path.start_m) + time_s * np.asarray(path.velocity_m_s)
        phase = math.radians(path.phase_deg)
        if isinstance(path, HarmonicPath):
            swing = np.sin(2.0 * math.pi * path.frequency_hz * time_s + phase)
            return path.centre_m + path.amplitude_m * swing * _unit(path.direction)
        first, second = _plane(_unit(path.normal))
        angle = 2.0 * math.pi * path.rate_hz * time_s + phase
        return path.centre_m + path.radius_m * (np.cos(angle) * first + np.sin(angle) * second)

    def pose(self, time_s: Array) -> tuple[Points]:
        return (Points(self.position_m(time_s)[None], self._amplitude_m),)

    def truth(self) -> tuple[Event, ...]:
        return ()

    def blockers(self, time_s: Array) -> None:
        return None


def make(spec: PointSpec, surroundings: Surroundings, rng: np.random.Generator) -> PointMover:
    """The point of a spec; nothing of it is drawn.

    Raises BadInput when the path leaves the room during the trial or comes within 5 cm of the device's centre.
    """
    path = spec.path
    key = f"movers.{spec.name}.path"
    for name in ("normal", "direction"):
        if not any(getattr(path, name, (1.0,))):
            raise BadInput(f"{key}.{name} = [0, 0, 0]: a direction needs a length other than 0")
    low, high, nearest_m = _extent(path, surroundings)
    size = np.asarray(surroundings.size_m)
    if np.any(low < 0.0) or np.any(high > size):
        edges = " x ".join(f"{edge:g}" for edge in size)
        raise BadInput(
            f"{key}: goes from {_written(low)} to {_written(high)} m during the trial of "
            f"{surroundings.duration_s:g} s; all of it must be inside the room of {edges} m"
        )
    if nearest_m < DEVICE_CLEAR_M:
        raise BadInput(
            f"{key}: comes {nearest_m:.3f} m near the device's centre at {_written(surroundings.device_m)} m; "
            f"the nearest allowed is {DEVICE_CLEAR_M:g} m"
        )
    return PointMover(spec)


def _extent(path: LinePath | CirclePath | HarmonicPath, place: Surroundings) -> tuple[Array, Array, float]:
    """Smallest and largest coordinates (3,) on the path, and its nearest distance to the device."""
    device = np.asarray(place.device_m, dtype=np.float64)
    if isinstance(path, CirclePath):
        normal = _unit(path.normal)
        reach = path.radius_m * np.sqrt(np.maximum(1.0 - normal**2, 0.0))
        offset = device - path.centre_m
        height = float(offset @ normal)
        across = float(np.linalg.norm(offset - height * normal))
        return path.centre_m - reach, path.centre_m + reach, math.hypot(across - path.radius_m, height)
    if isinstance(path, LinePath):
        start = np.asarray(path.start_m)
        end = start + place.duration_s * np.asarray(path.velocity_m_s)
    else:
        swing = path.amplitude_m * _unit(path.direction)
        start, end = path.centre_m - swing, path.centre_m + swing
    leg = end - start
    share = np.clip(np.dot(device - start, leg) / max(float(leg @ leg), 1e-30), 0.0, 1.0)
    nearest_m = float(np.linalg.norm(start + share * leg - device))
    return np.minimum(start, end), np.maximum(start, end), nearest_m


def _unit(vector: Vector) -> NDArray[np.float64]:
    return np.asarray(vector) / math.hypot(*vector)


def _plane(normal: Array) -> tuple[Array, Array]:
    """Two unit vectors across `normal`; with it they are right-handed, and the first is x where normal is z."""
    least = np.eye(3)[int(np.argmin(np.abs(normal)))]
    first = least - (least @ normal) * normal
    first /= np.linalg.norm(first)
    return first, np.cross(normal, first)


def _written(point: Array) -> str:
    return "[" + ", ".join(f"{axis:.2f}" for axis in np.asarray(point)) + "]"
