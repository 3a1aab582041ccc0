"""Something on a motorised linear stage that runs towards the device and back: motion of which the truth is known to the millimetre.

Speed is a trapezoid, as the controllers of such stages make it: v = a t up to the speed asked for, the same way down; on a way
shorter than v^2 / a the peak is sqrt(a way). 0.4 m/s is 79 Hz at 34 kHz. On a bench the same thing goes where the real stage goes,
see `LinearStage.follow`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
from pydantic import Field

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Facets, Shape, Spheroids
from lab.errors import BadInput
from lab.movers.mover import MAJOR, PRESENCE, Surroundings
from lab.movers.spot import Name, SpotSpec, find_spot
from lab.spec import Spec

# The fewer poses renderers want and the slower a thing may be, the further ahead they ask; a real stage tells only what was. With
# these it is 0.4 s at most.
POSES_HZ, BOUND_M_S = 1000.0, 1.9
CLEAR_M = 0.15  # from the device's centre to the nearest part of what is carried


class LinearStageSpec(Spec):
    """A plate or a ball that a horizontal stage at the device's height carries straight towards the device, or away.

    distance_m: of its middle from the device's centre before the first stroke; end_m: after it; every other stroke goes
    back. speed_m_s: 0.02 to 1. acceleration_m_s2: 0.1 to 10. start_s: of the first stroke. strokes: how many. pause_s: between
    two. carries: `plate`, a stiff square that faces the device, or `ball`. size_m: edge or diameter, 0.05 to 1. motion: what it
    counts as. Somebody counts as present from the first stroke on.
    """

    kind: Literal["linear_stage"]
    name: Name
    distance_m: float = Field(ge=0.3, le=20.0)
    end_m: float = Field(ge=0.3, le=20.0)
    speed_m_s: float = Field(0.4, ge=0.02, le=1.0)
    acceleration_m_s2: float = Field(1.0, ge=0.1, le=10.0)
    start_s: float = Field(12.0, ge=0.0, le=86400.0)
    strokes: int = Field(1, ge=1, le=1000)
    pause_s: float = Field(2.0, ge=0.1, le=3600.0)
    carries: Literal["plate", "ball"] = "plate"
    size_m: float = Field(0.3, ge=0.05, le=1.0)
    motion: Literal["major_motion", "minor_motion"] = MAJOR

    @property
    def way_m(self) -> float:
        """Of one stroke."""
        return abs(self.end_m - self.distance_m)

    @property
    def stroke_s(self) -> float:
        """How long one takes."""
        peak = self.peak_m_s
        return self.way_m / peak + peak / self.acceleration_m_s2

    @property
    def peak_m_s(self) -> float:
        return min(self.speed_m_s, math.sqrt(self.acceleration_m_s2 * self.way_m))

    def starts_s(self) -> Array:
        """When each stroke begins, (strokes,)."""
        return self.start_s + (self.stroke_s + self.pause_s) * np.arange(self.strokes)

    def goal_m(self, stroke: int) -> float:
        """The distance to which a stroke goes, counted from 0."""
        return self.end_m if stroke % 2 == 0 else self.distance_m


class LinearStage:
    """pose: one facet for a plate, one spheroid for a ball. distance_of: moments (T,) in s to distances (T,) in m."""

    def __init__(self, spec: LinearStageSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name, self.spec = spec.name, spec
        self._device_m, self._duration_s = surroundings.device_m, surroundings.duration_s
        far, near = max(spec.distance_m, spec.end_m), min(spec.distance_m, spec.end_m)
        half = spec.size_m / 2.0
        if spec.way_m < 0.01:
            raise BadInput(f"movers.{spec.name}.end_m = {spec.end_m:g}: at least 0.01 m from distance_m")
        if near < half + CLEAR_M:
            key = "distance_m" if spec.distance_m < spec.end_m else "end_m"
            raise BadInput(
                f"movers.{spec.name}.{key} = {near:g}: at least {half + CLEAR_M:.2f} m from the device"
            )
        height = float(self._device_m[2])
        if not half <= height <= surroundings.size_m[2] - half:
            raise BadInput(
                f"movers.{spec.name}.size_m = {spec.size_m:g}: does not fit at the device's height of {height:.2f} m"
            )
        end_s = float(spec.starts_s()[-1]) + spec.stroke_s
        if end_s > surroundings.duration_s:
            raise BadInput(
                f"movers.{spec.name}: {spec.strokes} strokes from start_s = {spec.start_s:g} end at {end_s:.1f} s, after "
                f"the trial of {surroundings.duration_s:g} s"
            )
        place = SpotSpec(name=spec.name, distance_m=far)
        spot = find_spot(
            place, surroundings, rng, height_m=height, wall_m=half + 0.05, device_m=half + CLEAR_M
        )
        self._along = (spot - self._device_m) / far
        self._distance_of = self._planned_m
        self.top_speed_m_s = BOUND_M_S
        self.pose_rate_hz = POSES_HZ

    def follow(self, distance_of: Callable[[Array], Array]) -> None:
        """From now on it stands where something else says, such as the log of a stage; it must not run faster than planned."""
        self._distance_of = distance_of

    def distance_m(self, time_s: Array) -> Array:
        """From the device's centre, (T,)."""
        return self._distance_of(np.asarray(time_s, dtype=np.float64))

    def _planned_m(self, time_s: Array) -> Array:
        spec = self.spec
        gone = np.zeros_like(time_s)
        for stroke, start in enumerate(spec.starts_s()):
            gone += (1.0 if stroke % 2 == 0 else -1.0) * _trapezoid(time_s - start, spec)
        return spec.distance_m + math.copysign(1.0, spec.end_m - spec.distance_m) * gone

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        return self._at(self.distance_m(time_s))

    def expected_pose(self, time_s: Array) -> tuple[Shape, ...]:
        """As planned, whatever it follows: for what a renderer settles before anything has moved."""
        return self._at(self._planned_m(np.asarray(time_s, dtype=np.float64)))

    def _at(self, distance_m: Array) -> tuple[Shape, ...]:
        middle = self._device_m + distance_m[:, None] * self._along
        size, count = self.spec.size_m, len(middle)
        if self.spec.carries == "ball":
            up = np.broadcast_to([0.0, 0.0, 1.0], (1, count, 3))
            radius = np.array([size / 2.0])
            return (Spheroids(middle[None], up, radius, radius, np.ones(1)),)
        across = np.array([-self._along[1], self._along[0], 0.0])
        return (
            Facets(
                centre_m=middle[None],
                edge_u_m=np.broadcast_to(size * across, (1, count, 3)),
                edge_v_m=np.broadcast_to([0.0, 0.0, size], (1, count, 3)),
                reflection=np.ones(1),
            ),
        )

    def truth(self) -> tuple[Event, ...]:
        starts = self.spec.starts_s()
        return truth_of(
            self.spec, [(float(a), float(a) + self.spec.stroke_s) for a in starts], self._duration_s
        )

    def blockers(self, time_s: Array) -> None:
        return None


def truth_of(
    spec: LinearStageSpec, moved_s: Iterable[tuple[float, float]], duration_s: float
) -> tuple[Event, ...]:
    """What these motions (onset and offset in s) count as in a trial of this length."""
    within = [(max(0.0, a), min(b, duration_s)) for a, b in moved_s if b > 0.0 and a < duration_s]
    if not within:
        return ()
    presence = Event(within[0][0], duration_s, PRESENCE)
    return (presence, *(Event(onset, offset, spec.motion) for onset, offset in within))


def _trapezoid(time_s: Array, spec: LinearStageSpec) -> Array:
    """Way gone after these times, 0 to way_m."""
    whole, half_a = spec.stroke_s, 0.5 * spec.acceleration_m_s2
    ramp = spec.peak_m_s / spec.acceleration_m_s2
    t = np.clip(time_s, 0.0, whole)
    gone = spec.peak_m_s * (t - 0.5 * ramp)
    gone = np.where(t < ramp, half_a * t**2, gone)
    return np.where(t > whole - ramp, spec.way_m - half_a * (whole - t) ** 2, gone)


def make(spec: LinearStageSpec, surroundings: Surroundings, rng: np.random.Generator) -> LinearStage:
    """Raises BadInput when it does not fit the room, the device or the trial."""
    return LinearStage(spec, surroundings, rng)
