"""A person who walks, stops, turns, comes in or goes out: Boulic's gait on Chen's figure along a way through the room."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Spheroids
from lab.errors import BadInput
from lab.movers.body import HIP_HEIGHT, Body, Pose, trunk_cylinder
from lab.movers.gait import LARGEST_RV, Gait, walking
from lab.movers.mover import MAJOR, PRESENCE, Surroundings
from lab.movers.path import (
    RAMP_S,
    TURN_RAD_S,
    Walk,
    check_way,
    doorway,
    inside,
    through,
    walk,
    way_through,
)
from lab.spec import Spec

Coordinate = Annotated[float, Field(ge=-30.0, le=60.0)]
FloorPoint = Annotated[tuple[Coordinate, Coordinate], Field(strict=False)]
WALL_M = 0.35  # a person's middle keeps this far off the walls
NEAR_M = 0.6  # where a walk towards the device ends
TRAVEL_M = 2.0
DIRECTIONS = 2048  # tried for a straight path
FOOTFALL_GRID_S = 0.002
LEAST_STEP = 0.1  # share of the gait below which a foot is set down without a sound
SWAY_M = 0.003
_SWAY_HZ = np.array([0.13, 0.31, 0.57])
_SWAY_SHARE = np.array([0.8, 0.5, 0.3])


class WalkerSpec(Spec):
    """A walking person.

    height_m: 0.9 (child) to 2. speed_m_s: 0.02 to 2.5, at most 1.47 x height_m. clothing_loss_db: 0 to 12, usual 1 to 7.
    start_s: when the motion begins; before it the person stands at the start of the path.

    route:
    `radial`: starts at distance_m and walks straight to the device, until 0.6 m or for travel_m.
    `tangential`: travel_m (2) across the line of sight, its middle, the nearest point, at distance_m.
    `oblique`: travel_m (2) at 45 degrees to the line of sight, its middle at distance_m.
    `enter`: from 1.5 m outside `door` (first open one) to point_m. `leave`: from point_m, 1.5 m out of `door`. Without point_m
    it is drawn: anywhere in the room, at distance_m from the device where that is given.
    `waypoints`: along waypoints_m. `outside`: to and fro behind `wall`, distance_m (1) off it, over travel_m (3) about the middle
    of `door` where one is given, else of the wall.

    Distances are over the floor, from the device's centre. The direction of the first three is drawn so that they fit into
    the room. step_m: walk in single steps of this length, one every step_period_s. stops_m: where on the path to
    stop for stop_s. repeat: walk waypoints to the end and back, again and again.
    """

    kind: Literal["walker"]
    name: str
    height_m: float = Field(1.75, ge=0.9, le=2.0)
    speed_m_s: float = Field(1.2, ge=0.02, le=2.5)
    clothing_loss_db: float = Field(4.0, ge=0.0, le=12.0)
    start_s: float = Field(0.0, ge=0.0)
    route: Literal["radial", "tangential", "oblique", "enter", "leave", "waypoints", "outside"]
    distance_m: float | None = Field(None, ge=0.3, le=30.0)
    travel_m: float | None = Field(None, ge=0.05, le=60.0)
    door: str | None = None
    wall: Literal["west", "east", "south", "north"] | None = None
    point_m: FloorPoint | None = None
    waypoints_m: Annotated[tuple[FloorPoint, ...], Field(strict=False)] = ()
    stops_m: Annotated[tuple[Annotated[float, Field(gt=0.0)], ...], Field(strict=False)] = ()
    stop_s: float = Field(2.0, gt=0.0, le=3600.0)
    step_m: float | None = Field(None, ge=0.05, le=0.8)
    step_period_s: float = Field(1.0, ge=0.5, le=60.0)
    repeat: bool = False

    @model_validator(mode="after")
    def _route(self) -> Self:
        wanted = {
            "radial": ("distance_m",),
            "tangential": ("distance_m",),
            "oblique": ("distance_m",),
            "waypoints": ("waypoints_m",),
            "outside": ("wall",),
        }.get(self.route, ())
        for key in wanted:
            if not getattr(self, key):
                raise ValueError(f"route = {self.route!r} needs {key}")
        fastest = LARGEST_RV * Body(self.height_m).leg_m
        if self.speed_m_s > fastest:
            raise ValueError(
                f"speed_m_s = {self.speed_m_s:g}: a person of {self.height_m:g} m walks at most {fastest:.2f}"
            )
        if self.repeat and self.route != "waypoints":
            raise ValueError("repeat belongs to route = 'waypoints'")
        if self.step_m is not None and self.stops_m:
            raise ValueError("step_m and stops_m exclude each other: single steps stop after each")
        return self


@dataclass(frozen=True, eq=False)
class Walker:
    """A `Mover`. Between starts and stops it stands and sways by a few millimetres."""

    name: str
    body: Body
    gait: Gait
    walk: Walk
    surroundings: Surroundings
    sway_phase: Array
    top_speed_m_s: float = field(default=0.0)
    pose_rate_hz: float = 250.0

    def figure(self, time_s: Array) -> Pose:
        """Every joint at these moments, (T,) in s."""
        time = np.asarray(time_s, dtype=np.float64)
        x, y, heading, phase, amplitude = self.walk.at(time)
        # Quiet standing sways like a pendulum upside down, by about 3 mm at the hips and up to 1 cm/s.
        angle = (2.0 * np.pi * _SWAY_HZ)[:, None] * time
        swing = np.sin(angle + self.sway_phase[..., None])
        sway = np.tensordot(swing, _SWAY_SHARE, ((1,), (0,))) * (SWAY_M / (HIP_HEIGHT * self.body.height_m))
        return self.body.place(self.gait.joints(phase, amplitude), x, y, heading, sway)

    def pose(self, time_s: Array) -> tuple[Spheroids]:
        return (self.body.spheroids(self.figure(time_s)),)

    def blockers(self, time_s: Array) -> tuple[Array, float, float]:
        x, y, *_ = self.walk.at(np.asarray(time_s, dtype=np.float64))
        return (np.stack((x, y, np.zeros_like(x)), axis=1), *trunk_cylinder(self.body.height_m))

    def footfalls(self) -> Array:
        """When and where a heel lands, (N, 3), rows (time in s, x, y in m), to the end of the trial; none while it stands.

        A heel lands at each half cycle of the gait, half a step ahead of the body's middle.
        """
        end_s = min(self.walk.end_s, self.surroundings.duration_s)
        time = np.arange(self.walk.start_s, end_s, FOOTFALL_GRID_S)
        if len(time) == 0:
            return np.empty((0, 3))
        x, y, heading, phase, amplitude = self.walk.at(time)
        half = np.floor(2.0 * phase)
        lands = np.flatnonzero((np.diff(half, prepend=half[0]) > 0.0) & (amplitude > LEAST_STEP))
        ahead = 0.25 * self.gait.speed_m_s / self.gait.cadence_hz * amplitude[lands]
        return np.column_stack(
            (
                time[lands],
                x[lands] + ahead * np.cos(heading[lands]),
                y[lands] + ahead * np.sin(heading[lands]),
            )
        )

    def truth(self) -> tuple[Event, ...]:
        """Presence while the trunk's middle is in the room; major motion while it walks or turns there."""
        duration = self.surroundings.duration_s
        present = _within(self.walk, self.surroundings)
        moving = _repeated(self.walk.moving_s(), self.walk.start_s, self.walk.period_s, duration)
        events = [Event(start, stop, PRESENCE) for start, stop in present]
        for start, stop in moving:
            events += [
                Event(max(start, a), min(stop, b), MAJOR) for a, b in present if min(stop, b) > max(start, a)
            ]
        return tuple(sorted(events, key=lambda event: event.onset_s))


def make(spec: WalkerSpec, surroundings: Surroundings, rng: np.random.Generator) -> Walker:
    """The walker of this spec in this place. Raises BadInput when the path does not fit."""
    key = f"movers.{spec.name}."
    sway_phase, first_phase = rng.uniform(0.0, 2.0 * np.pi, (2, 3)), rng.uniform()
    body = Body(spec.height_m, spec.clothing_loss_db)
    gait = walking(body, spec.speed_m_s)
    points, where = _points(spec, surroundings, rng, key)
    back = spec.repeat or spec.route == "outside"
    way = way_through([*points, *points[-2::-1]] if back else points, spec.speed_m_s, where)
    check_way(way, surroundings, spec.height_m, where)
    stops, ramp_s = [(at, spec.stop_s) for at in spec.stops_m], RAMP_S
    if spec.stops_m and max(spec.stops_m) >= way.length_m:
        raise BadInput(f"{key}stops_m: {max(spec.stops_m):g} m is beyond the path of {way.length_m:.2f} m")
    if spec.step_m is not None:
        ramp_s = min(RAMP_S, 0.35 * spec.step_period_s)
        count = math.ceil(way.length_m / spec.step_m - 1e-6)
        single = way_through([(0.0, 0.0), (spec.step_m, 0.0)], spec.speed_m_s, "")
        step_s = walk(single, spec.speed_m_s, gait.cadence_hz, ramp_s=ramp_s).end_s
        pause = spec.step_period_s - step_s
        if pause < 0.0:
            raise BadInput(
                f"{key}step_period_s = {spec.step_period_s:g}: a step of {spec.step_m:g} m takes {step_s:.2f} s at "
                f"{spec.speed_m_s:g} m/s"
            )
        stops = [(spec.step_m * i, pause) for i in range(1, count)]
    course = walk(way, spec.speed_m_s, gait.cadence_hz, spec.start_s, stops, first_phase, ramp_s, back)
    return Walker(spec.name, body, gait, course, surroundings, sway_phase, _top_speed(body, gait, course))


def _points(
    spec: WalkerSpec, place: Surroundings, rng: np.random.Generator, key: str
) -> tuple[list[tuple[float, float]], str]:
    """Corners of the path, and the key to name when it does not fit."""
    if spec.route == "waypoints":
        return [tuple(point) for point in spec.waypoints_m], f"{key}waypoints_m"
    if spec.route in ("enter", "leave"):
        before, behind = through(doorway(place, spec.door, f"{key}door"), place.size_m)
        points = [tuple(before), tuple(behind), _inner_point(spec, place, rng, key, behind)]
        return points if spec.route == "enter" else points[::-1], f"{key}point_m"
    if spec.route == "outside":
        return _behind_wall(spec, place, key), f"{key}travel_m"
    return _straight(spec, place, rng, key), f"{key}distance_m"


def _inner_point(
    spec: WalkerSpec, place: Surroundings, rng: np.random.Generator, key: str, behind: Array
) -> tuple[float, float]:
    """point_m, or one drawn: off the walls, the device and the place just behind the door."""
    size, device = np.array(place.size_m[:2]), place.device_m[:2]
    if spec.point_m is not None:
        if np.any(np.array(spec.point_m) < WALL_M) or np.any(np.array(spec.point_m) > size - WALL_M):
            raise BadInput(
                f"{key}point_m = [{spec.point_m[0]:g}, {spec.point_m[1]:g}]: must be inside the room of "
                f"{size[0]:g} x {size[1]:g} m, {WALL_M} m off the walls"
            )
        return spec.point_m
    if spec.distance_m is None:
        draws = rng.uniform(WALL_M, size - WALL_M, (512, 2))
    else:
        angle = rng.uniform(0.0, 2.0 * np.pi, 512)
        draws = device + spec.distance_m * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    fits = np.all((draws > WALL_M) & (draws < size - WALL_M), axis=1)
    fits &= np.hypot(*(draws - behind).T) > 0.5
    fits &= _clearance(draws, np.broadcast_to(behind, draws.shape), device) > 0.45
    if not np.any(fits):
        if spec.distance_m is None:
            raise BadInput(
                f"{key}route: from the door no free way leads to any point of the room of {size[0]:g} x {size[1]:g} m; "
                "the device stands before it"
            )
        longest = np.hypot(*np.maximum(device - WALL_M, size - WALL_M - device))
        raise BadInput(
            f"{key}distance_m = {spec.distance_m:g}: no point of the room of {size[0]:g} x {size[1]:g} m lies there on a free way from "
            f"the door; the farthest corner is {longest:.2f} m away"
        )
    return tuple(draws[np.argmax(fits)])


def _behind_wall(spec: WalkerSpec, place: Surroundings, key: str) -> list[tuple[float, float]]:
    across = 0 if spec.wall in ("west", "east") else 1
    off = 1.0 if spec.distance_m is None else spec.distance_m
    length, middle = place.size_m[1 - across], place.size_m[1 - across] / 2.0
    if spec.door is not None:
        door = [door for door in place.doorways if door.name == spec.door and door.wall == spec.wall]
        if not door:
            raise BadInput(f"{key}door: no door {spec.door!r} in the {spec.wall} wall")
        middle = door[0].along_m
    half = (min(3.0, length) if spec.travel_m is None else spec.travel_m) / 2.0
    level = -off if spec.wall in ("west", "south") else place.size_m[across] + off
    ends = [(level, middle - half), (level, middle + half)]
    return ends if across == 0 else [(along, at) for at, along in ends]


def _straight(
    spec: WalkerSpec, place: Surroundings, rng: np.random.Generator, key: str
) -> list[tuple[float, float]]:
    """Two ends of a straight path whose direction is drawn among those that fit."""
    distance = spec.distance_m
    offset, mirrored = rng.uniform(), rng.integers(2)
    order = rng.permutation(DIRECTIONS)
    start, stop = _ends(spec, place, distance, (np.arange(DIRECTIONS) + offset) / DIRECTIONS, mirrored)
    fits = _fits(start, stop, place)
    if not np.any(fits):
        circle = np.arange(DIRECTIONS) / DIRECTIONS
        for tried in np.arange(distance - 0.01, 0.3, -0.01):
            if np.any(_fits(*_ends(spec, place, tried, circle, mirrored), place)):
                raise BadInput(
                    f"{key}distance_m = {distance:g}: a {spec.route} path does not fit into the room of "
                    f"{place.size_m[0]:g} x {place.size_m[1]:g} m; with the device at [{place.device_m[0]:.2f}, "
                    f"{place.device_m[1]:.2f}] the largest possible distance is {tried:.2f} m"
                )
        raise BadInput(
            f"{key}travel_m: a {spec.route} path of this length does not fit into the room at any distance_m"
        )
    chosen = order[fits[order]][0]
    return [tuple(start[chosen]), tuple(stop[chosen])]


def _ends(
    spec: WalkerSpec, place: Surroundings, distance_m: float, turn: Array, mirrored: int
) -> tuple[Array, Array]:
    """Both ends (N, 2) of a path for each azimuth `turn`, in cycles."""
    angle = 2.0 * np.pi * turn
    sight = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    side = np.stack((-sight[:, 1], sight[:, 0]), axis=1) * (1.0 if mirrored else -1.0)
    device = place.device_m[:2]
    if spec.route == "radial":
        travel = distance_m - NEAR_M if spec.travel_m is None else spec.travel_m
        return device + distance_m * sight, device + (distance_m - travel) * sight
    along = side if spec.route == "tangential" else (side - sight) / math.sqrt(2.0)
    half = (TRAVEL_M if spec.travel_m is None else spec.travel_m) / 2.0
    return device + distance_m * sight - half * along, device + distance_m * sight + half * along


def _fits(start: Array, stop: Array, place: Surroundings) -> Array:
    size = np.array(place.size_m[:2])
    ok = np.hypot(*(stop - start).T) >= 0.05
    for end in (start, stop):
        ok &= np.all((end >= WALL_M) & (end <= size - WALL_M), axis=1)
    return ok & (_clearance(start, stop, place.device_m[:2]) >= 0.26)


def _clearance(start: Array, stop: Array, point: Array) -> Array:
    """Distance of a point from each segment, (N,)."""
    line = stop - start
    share = np.clip(
        np.sum((point - start) * line, axis=1) / np.maximum(np.sum(line**2, axis=1), 1e-12), 0.0, 1.0
    )
    return np.hypot(*(start + share[:, None] * line - point).T)


def _top_speed(body: Body, gait: Gait, course: Walk) -> float:
    """Of the fastest point of the body in steady walking, and what turning adds at an outstretched arm or foot."""
    phase = np.arange(512) / 512
    step = phase / gait.cadence_hz
    zero = np.zeros(512)
    pose = body.place(gait.joints(phase, np.ones(512)), gait.speed_m_s * step, zero, zero)
    speed = np.linalg.norm(np.diff(pose.end_m, axis=1), axis=2).max() / step[1]
    # Turning swings the feet and arms, which are no farther than this from the line of walking.
    turning = max(
        np.abs(course.way.knots[:, 6]).max() * gait.speed_m_s,
        TURN_RAD_S if np.any(course.stages[:, 11]) else 0.0,
    )
    return float(1.02 * speed + turning * 0.13 * body.height_m + 0.02)


def _repeated(spans: Array, start_s: float, period_s: float, duration_s: float) -> list[tuple[float, float]]:
    """Spans of one period, (N, 2), over the whole trial and cut to it."""
    rounds = math.ceil(max(0.0, duration_s - start_s) / period_s) if period_s else 1
    shifted = (spans[None] + period_s * np.arange(rounds)[:, None, None]).reshape(-1, 2)
    merged: list[list[float]] = []
    for start, stop in np.clip(shifted, 0.0, duration_s):
        if merged and start - merged[-1][1] < 1.0:
            merged[-1][1] = stop
        elif stop > start:
            merged.append([start, stop])
    return [(float(start), float(stop)) for start, stop in merged]


def _within(course: Walk, place: Surroundings) -> list[tuple[float, float]]:
    """When the walker's middle is in the room, to a microsecond."""
    duration, start = place.duration_s, min(course.start_s, place.duration_s)
    end = course.start_s + course.period_s if course.period_s else course.end_s
    if start == duration:
        end = duration + 0.01  # never sets out

    def at(time: float) -> bool:
        x, y, *_ = course.at(np.array([time]))
        return bool(inside(x, y, place.size_m)[0])

    grid = np.linspace(start, end, 2 + int((end - start) / 0.02))
    x, y, *_ = course.at(grid)
    within = inside(x, y, place.size_m)
    changes = []
    for index in np.flatnonzero(within[1:] != within[:-1]):
        low, high = grid[index], grid[index + 1]
        while high - low > 1e-6:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if at(middle) == within[index] else (low, middle)
        changes.append(0.5 * (low + high))
    if not changes:
        return [(0.0, duration)] if within[0] else []
    edges = np.array([start, *changes, end])
    spans = np.stack((edges[:-1], edges[1:]), axis=1)[0 if within[0] else 1 :: 2]
    if course.period_s:
        inner = _repeated(spans, start, course.period_s, duration)
    else:
        spans[-1, 1] = duration if within[-1] else spans[-1, 1]
        inner = _repeated(spans, start, 0.0, duration)
    if within[0] and start > 0.0 and inner:
        inner[0] = (0.0, inner[0][1])
    return inner
