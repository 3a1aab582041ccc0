"""Where a mover stands: at an exact distance from the device or at a point of the floor, clear of the walls."""

from __future__ import annotations

import math
from typing import Annotated, Self

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from lab.acoustics.ultrasonic.bodies import Array
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.spec import Spec

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Coordinate = Annotated[float, Field(ge=0.0, le=30.0)]
FloorPoint = Annotated[tuple[Coordinate, Coordinate], Field(strict=False)]
BEARINGS = 720


class SpotSpec(Spec):
    """Exactly one of distance_m, from the device's centre (0.2 to 30), and position_m, [x, y] of the room's floor."""

    name: Name
    distance_m: float | None = Field(None, ge=0.2, le=30.0)
    position_m: FloorPoint | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.distance_m is None) == (self.position_m is None):
            raise ValueError("exactly one of distance_m, position_m")
        return self


def find_spot(
    spec: SpotSpec,
    surroundings: Surroundings,
    rng: np.random.Generator,
    *,
    height_m: float,
    wall_m: float,
    device_m: float,
) -> Array:
    """A point (3,) at this height, at least wall_m off the walls and device_m off the device's centre.

    A distance is the straight line from the device's centre to that point, exact; its bearing is drawn among those
    that fit. Raises BadInput naming the shortest or the largest distance, or the room.
    """
    device, size = surroundings.device_m, np.asarray(surroundings.size_m)
    key = f"movers.{spec.name}"
    edges = " x ".join(f"{edge:g}" for edge in size)
    if np.any(size[:2] < 2.0 * wall_m) or height_m > size[2]:
        raise BadInput(f"{key}: the room of {edges} m is too small for it, {wall_m:.2f} m off the walls")
    if spec.position_m is not None:
        point = np.array([*spec.position_m, height_m])
        if np.any(point[:2] < wall_m) or np.any(point[:2] > size[:2] - wall_m):
            raise BadInput(
                f"{key}.position_m = [{point[0]:g}, {point[1]:g}] must be {wall_m:.2f} m off the walls of the room "
                f"of {edges} m"
            )
        apart = float(np.linalg.norm(point - device))
        if apart < device_m:
            raise BadInput(
                f"{key}.position_m is {apart:.2f} m from the device; it must be at least {device_m:.2f} m away"
            )
        return point
    assert spec.distance_m is not None
    rise = height_m - device[2]
    shortest = max(device_m, abs(rise))
    if spec.distance_m < shortest:
        raise BadInput(
            f"{key}.distance_m = {spec.distance_m:g}: at {height_m:.2f} m height it must be at least "
            f"{math.ceil(shortest * 100.0) / 100.0:.2f} m from the device"
        )
    across = math.sqrt(spec.distance_m**2 - rise**2)
    bearing = rng.uniform(0.0, 2.0 * math.pi) + np.linspace(0.0, 2.0 * math.pi, BEARINGS, endpoint=False)
    x, y = device[0] + across * np.cos(bearing), device[1] + across * np.sin(bearing)
    fits = (x >= wall_m) & (x <= size[0] - wall_m) & (y >= wall_m) & (y <= size[1] - wall_m)
    if fits.any():
        first = int(rng.choice(np.flatnonzero(fits)))
        return np.array([x[first], y[first], height_m])
    corner = np.maximum(device[:2] - wall_m, size[:2] - wall_m - device[:2])
    longest = float(np.sqrt(corner[0] ** 2 + corner[1] ** 2 + rise**2))
    raise BadInput(
        f"{key}.distance_m = {spec.distance_m:g}: the room of {edges} m is too small; with the device at "
        f"[{device[0]:.2f}, {device[1]:.2f}, {device[2]:.2f}] the largest possible distance is "
        f"{math.floor(longest * 100.0) / 100.0:.2f} m"
    )


def bearing_to_device(point_m: Array, surroundings: Surroundings) -> float:
    """Azimuth in rad of the device seen from a point, 0 along x; 0 when it is right above or below."""
    away = surroundings.device_m[:2] - point_m[:2]
    return math.atan2(away[1], away[0])
