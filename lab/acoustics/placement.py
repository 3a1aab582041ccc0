"""Where things stand in a room: a device by rule or coordinates, a source at an exact distance from it."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from lab.errors import BadInput
from lab.spec import Spec

Rule = Literal["table", "shelf", "wall", "centre"]
Height = Literal["tv", "seated", "standing", "floor", "ceiling"]
Coordinate = Annotated[float, Field(ge=0.0, le=30.0)]
Point = Annotated[tuple[Coordinate, Coordinate, Coordinate], Field(strict=False)]
FloorCoordinate = Annotated[float, Field(ge=-10.0, le=40.0)]
FloorPoint = Annotated[tuple[FloorCoordinate, FloorCoordinate], Field(strict=False)]
FloorPath = Annotated[tuple[FloorPoint, ...], Field(strict=False, min_length=2, max_length=200)]

SOURCE_WALL_M = 0.3  # a source keeps this far from every wall
DEVICE_WALL_M = 0.05
TRIES = 256

# Ranges of height in m. A television's loudspeakers; the mouth of a talker who sits or stands.
HEIGHTS_M: dict[str, tuple[float, float]] = {
    "tv": (1.0, 1.3),
    "seated": (1.1, 1.3),
    "standing": (1.45, 1.75),
    "floor": (0.05, 0.2),
    "ceiling": (2.2, 2.6),
}


class PlacementSpec(Spec):
    """Where the device stands: exactly one of a rule and the position of its centre in m.

    table: 0.70 to 0.80 m high, 1 m off the walls. shelf: 1.0 to 1.5 m high, 0.15 to 0.30 m off one wall.
    wall: mounted 0.05 m off a wall, 1.2 to 1.6 m high. centre: within 0.25 m of the middle, at table height.
    """

    rule: Rule | None = None
    position_m: Point | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.rule is None) == (self.position_m is None):
            raise ValueError("a placement needs exactly one of rule and position_m")
        return self


def place_device(
    spec: PlacementSpec, size_m: ArrayLike, rng: np.random.Generator, reach_m: float = 0.0
) -> NDArray[np.float64]:
    """Centre of the device (3,).

    reach_m: the farthest exact distance of a source; places from which the room does not reach so far are
    drawn again. Raises BadInput when the position is not inside, or no place reaches far enough.
    """
    size = np.asarray(size_m, dtype=np.float64)
    if spec.position_m is not None:
        return _inside("placement.position_m", spec.position_m, size, DEVICE_WALL_M)
    assert spec.rule is not None
    for _ in range(TRIES):
        centre = _draw_by_rule(spec.rule, size, rng)
        if largest_distance_m(centre, size) >= reach_m:
            return centre
    longest = max(largest_distance_m(_draw_by_rule(spec.rule, size, rng), size) for _ in range(TRIES))
    raise BadInput(_too_small(size, reach_m, longest, f'the device placed by rule "{spec.rule}"'))


def place_source(
    size_m: ArrayLike,
    device_m: ArrayLike,
    rng: np.random.Generator,
    *,
    distance_m: float | None = None,
    position_m: ArrayLike | None = None,
    rule: Rule | None = None,
    height: Height = "tv",
    name: str = "source",
) -> NDArray[np.float64]:
    """Position of a source (3,), from exactly one of an exact distance, a position and a rule.

    distance_m: from the device's centre; direction and height are drawn among those that fit, at least
    SOURCE_WALL_M off the walls. name: for messages. Raises BadInput when there is no such place.
    """
    size = np.asarray(size_m, dtype=np.float64)
    device = np.asarray(device_m, dtype=np.float64)
    if sum(given is not None for given in (distance_m, position_m, rule)) != 1:
        raise BadInput(f"{name}: exactly one of distance_m, position_m and rule is needed")
    if position_m is not None:
        return _inside(f"{name}.position_m", position_m, size, 0.0)
    if rule is not None:
        return _draw_by_rule(rule, size, rng)
    assert distance_m is not None
    low, high = height_range(height, size)
    nearest = max(low - device[2], device[2] - high, 0.0)
    if distance_m < nearest:
        raise BadInput(
            f"{name}.distance_m = {distance_m:g}: at the height of {height!r} ({low:g} to {high:g} m) the "
            f"shortest distance to the device at {device[2]:.2f} m is {nearest:.2f} m"
        )
    for _ in range(TRIES):
        z = rng.uniform(max(low, device[2] - distance_m), min(high, device[2] + distance_m))
        radius = math.sqrt(max(distance_m**2 - (z - device[2]) ** 2, 0.0))
        angle = rng.uniform(0.0, 2.0 * math.pi) + np.linspace(0.0, 2.0 * math.pi, 360, endpoint=False)
        x, y = device[0] + radius * np.cos(angle), device[1] + radius * np.sin(angle)
        fits = (np.abs(x - size[0] / 2) <= size[0] / 2 - SOURCE_WALL_M) & (
            np.abs(y - size[1] / 2) <= size[1] / 2 - SOURCE_WALL_M
        )
        if fits.any():
            index = rng.choice(np.flatnonzero(fits))
            return np.array([x[index], y[index], z])
    longest = largest_distance_m(device, size, height)
    raise BadInput(_too_small(size, distance_m, longest, f"the device at {_point(device)}", f"{name}."))


def largest_distance_m(device_m: ArrayLike, size_m: ArrayLike, height: Height = "tv") -> float:
    """Largest distance from the device at which a source of this height still fits into the room."""
    device, size = np.asarray(device_m, dtype=np.float64), np.asarray(size_m, dtype=np.float64)
    low, high = height_range(height, size)
    across = np.maximum(device[:2] - SOURCE_WALL_M, size[:2] - SOURCE_WALL_M - device[:2])
    rise = max(abs(low - device[2]), abs(high - device[2]))
    return float(np.sqrt(across[0] ** 2 + across[1] ** 2 + rise**2))


def height_range(height: Height, size: NDArray) -> tuple[float, float]:
    """The range of a kind of source, pushed below the ceiling of a low room."""
    ceiling = size[2] - DEVICE_WALL_M
    low, high = HEIGHTS_M[height]
    return min(low, ceiling), min(high, ceiling)


def _draw_by_rule(rule: Rule, size: NDArray, rng: np.random.Generator) -> NDArray[np.float64]:
    floor = size[:2]
    if rule == "centre":
        reach = np.minimum(0.25, floor / 8.0)
        return np.array([*(floor / 2.0 + rng.uniform(-reach, reach)), rng.uniform(0.70, 0.80)])
    if rule == "table":
        margin = np.minimum(1.0, floor / 3.0)
        return np.array([*rng.uniform(margin, floor - margin), rng.uniform(0.70, 0.80)])
    off, heights = (rng.uniform(0.15, 0.30), (1.0, 1.5)) if rule == "shelf" else (DEVICE_WALL_M, (1.2, 1.6))
    x, y = rng.uniform(np.minimum(0.5, floor / 4.0), floor - np.minimum(0.5, floor / 4.0))
    side = rng.integers(4)
    x = (off, size[0] - off, x, x)[side]
    y = (y, y, off, size[1] - off)[side]
    return np.array([x, y, min(rng.uniform(*heights), size[2] - 0.2)])


def _inside(key: str, position: ArrayLike, size: NDArray, margin: float) -> NDArray[np.float64]:
    point = np.asarray(position, dtype=np.float64)
    if np.any(point < margin) or np.any(point > size - margin):
        raise BadInput(
            f"{key} = {_point(point)} is not inside the room of {_edges(size)} m"
            + (f", {margin:g} m off the walls" if margin else "")
        )
    return point


def _too_small(size: NDArray, asked: float, longest: float, where: str, key: str = "") -> str:
    return (
        f"{key}distance_m = {asked:g}: the room of {_edges(size)} m is too small; with {where} the largest "
        f"possible distance is {math.floor(longest * 100.0) / 100.0:.2f} m"
    )


def _edges(size: NDArray) -> str:
    return " x ".join(f"{edge:g}" for edge in size)


def _point(point: NDArray) -> str:
    return "[" + ", ".join(f"{axis:.2f}" for axis in point) + "]"
