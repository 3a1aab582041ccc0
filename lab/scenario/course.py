"""The way of a source that moves, and the places of someone's steps: checked against the room, its doorways and the device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.moving import Course
from lab.acoustics.placement import height_range
from lab.errors import BadInput
from lab.movers.mover import Doorway, Surroundings
from lab.movers.path import Walk, Way, check_way, inside, through, walk, way_through
from lab.movers.walker import Walker
from lab.scenario.model import Scenario
from lab.sources.footsteps import FootstepsSpec

Array = NDArray[np.float64]
APART_M = 0.2  # between the points that stand for a course
SPEEDS_M_S = (0.4, 2.4)  # at which steps are made; slower and faster ones sound like these
OVERSPEED = 1.01  # of the curve through the knots of a way


def course_of(source: Any, scenario: Scenario, device_m: Array, rng: np.random.Generator) -> Course:
    """The course of a source that `moves`. rng: draws its height.

    Raises BadInput for a way out of the room, closer than 0.2 m to a wall or 0.25 m to a device it is as high as.
    """
    moves, key = source.moves, f"sources.{source.name}.moves.path_m"
    points = list(moves.path_m)
    if moves.there_and_back:
        points += points[-2::-1]
    way = way_through(points, moves.speed_m_s, key)
    low, high = height_range(source.height, np.asarray(scenario.room.size_m))
    z = float(rng.uniform(low, high))
    check_way(way, _around(scenario, device_m), high, key)
    passes = _points(way, z)
    if not inside(passes[:, 0], passes[:, 1], scenario.room.size_m).all():
        raise BadInput(f"{key}: it leaves the room; only footsteps go on outside, step by step")
    trip = walk(way, moves.speed_m_s, 1.0, source.start_s, repeat=moves.there_and_back)
    return Course(lambda time_s: _at(trip, time_s, z), passes, OVERSPEED * moves.speed_m_s)


def check_steps(source: Any, scenario: Scenario, device_m: Array) -> Array:
    """Points of someone's path, (S, 2), at most 0.2 m apart.

    Raises BadInput when someone walks through a wall, over the device, or outside a room without doorways."""
    key = f"sources.{source.name}.path_m"
    # Corners of a walk are not rounded: nobody steps everywhere on a way.
    way = way_through(source.path_m, 0.4, key)
    check_way(way, _around(scenario, device_m), math.inf, key)
    places = _points(way, 0.0)[:, :2]
    if inside(places[:, 0], places[:, 1], scenario.room.size_m).all():
        return places
    if not scenario.doorways:
        raise BadInput(f"{key}: it is outside the room, and the room has no doorways to hear it through")
    if source.through != "air":
        raise BadInput(
            f"sources.{source.name}.through = {source.through!r}: outside the room, the doorway decides by itself"
        )
    return places


def steps_of(source: FootstepsSpec, walker: Walker) -> tuple[FootstepsSpec, Array]:
    """Footsteps `of` a walker: with that one's speed and height, and when and where its feet land, (n, 3), rows (s, m, m)."""
    low, high = SPEEDS_M_S
    told = {
        "speed_m_s": min(high, max(low, walker.gait.speed_m_s)),
        "height_of_walker_m": walker.body.height_m,
    }
    return source.model_copy(update=told), walker.footfalls()


def check_falls(source: FootstepsSpec, scenario: Scenario, walker: Walker) -> Array:
    """Where the feet of a walker land, (S, 2); where it stands, when they never do.

    Raises BadInput when it walks outside a room without doorways.
    """
    places = walker.footfalls()[:, 1:]
    if len(places) == 0:
        x, y, *_ = walker.walk.at(np.array([walker.walk.start_s]))
        places = np.array([[x[0], y[0]]])
    size = np.asarray(scenario.room.size_m)[:2]
    if not scenario.doorways and not np.all((places > 0.0) & (places < size)):
        raise BadInput(
            f"sources.{source.name}.of = {source.of!r}: walks outside the room, and the room has no doorways to hear that through"
        )
    return places


def nearest_doorway(
    doorways: Sequence[Doorway], size_m: Sequence[float], place_m: Array
) -> tuple[Doorway, Array]:
    """The doorway nearest to a point (2,) of the floor outside, and the middle of its threshold, (2,)."""
    middles = [_threshold(door, size_m) for door in doorways]
    index = int(np.argmin([float(np.hypot(*(middle - place_m))) for middle in middles]))
    return doorways[index], middles[index]


def _threshold(door: Doorway, size_m: Sequence[float]) -> Array:
    size = np.asarray(size_m, dtype=np.float64)[:2]
    return np.clip(np.add(*through(door, size_m)) / 2.0, 0.0, size)


def _around(scenario: Scenario, device_m: Array) -> Surroundings:
    return Surroundings(scenario.room.size_m, device_m, scenario.duration_s, scenario.doorways)


def _points(way: Way, z: float) -> Array:
    x, y, _ = way.at(np.linspace(0.0, way.length_m, 2 + math.ceil(way.length_m / APART_M)))
    return np.stack([x, y, np.full(len(x), z)], axis=1)


def _at(trip: Walk, time_s: Array, z: float) -> Array:
    # Before it sets out it stands where it starts, also when the way is walked for ever.
    x, y, *_ = trip.at(np.maximum(time_s, trip.start_s))
    return np.stack([x, y, np.full(len(x), z)], axis=1)
