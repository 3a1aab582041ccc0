"""A robot vacuum cleaner: a low disc that drives straight, bumps into a wall, turns, and drives on.

Its rim is an upright cylinder wall, 0.17 m in radius and 0.09 m high. Level with the device a cylinder returns
R h^2 / (2 wavelength), -12 dB here; seen from above, as from a table, hardly anything, but with the floor it makes a
corner that sends the sound back. Flat strips of the rim give both; a smooth body of that size, -32 dB, gives neither.
A perfect rim on a hard floor would return -9 dB; slots, rounded edges and a slanting bumper are taken as 8 dB less.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Facets, Shape
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.spot import Name
from lab.movers.wander import Pace, Region, Wander
from lab.spec import Spec

RADIUS_M = 0.17
HEIGHT_M = 0.09
GROUND_M = 0.01  # between the floor and the rim
STRIPS = 13
SPREAD = math.radians(124.0)  # of the rim, about the side that looks at the device
DEVICE_M = 0.1  # left between rim and device


class RobotVacuumSpec(Spec):
    """speed_m_s: 0.1 to 0.6. turn_s: the stop in which it turns, 0.5 to 10, up to half as long again.
    reflection_loss_db: of rim and lid, 0 to 20.
    """

    kind: Literal["robot_vacuum"]
    name: Name
    speed_m_s: float = Field(0.3, ge=0.1, le=0.6)
    turn_s: float = Field(1.5, ge=0.5, le=10.0)
    reflection_loss_db: float = Field(8.0, ge=0.0, le=20.0)


class RobotVacuum:
    """pose: strips of the half of the rim that looks at the device, and the lid as one square of its area.

    A disc looks the same however it has turned, so the strips are laid about the bearing of the device.
    """

    def __init__(self, spec: RobotVacuumSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name = spec.name
        self._reflection = 10.0 ** (-spec.reflection_loss_db / 20.0)
        self._device_m = device = surroundings.device_m
        size = np.asarray(surroundings.size_m)
        low, high = np.full(2, RADIUS_M), size[:2] - RADIUS_M
        if np.any(high - low < 0.5):
            raise BadInput(
                f"movers.{spec.name}: a room of {size[0]:g} x {size[1]:g} m has no floor for a robot vacuum"
            )

        def bump(generator: np.random.Generator) -> Array:
            """A point where the rim touches a wall, all equally likely."""
            edge = high - low
            along = generator.uniform(0.0, 2.0 * edge.sum())
            x, y = edge
            for corner, length, step in (((0, 0), x, (1, 0)), ((x, 0), y, (0, 1)), ((x, y), x, (-1, 0))):
                if along < length:
                    return low + np.asarray(corner) + along * np.asarray(step)
                along -= length
            return low + np.array([0.0, y - along])

        # It drives under a table; a device on the floor it goes round.
        rise = max(device[2] - HEIGHT_M - GROUND_M, 0.0)
        keep_off = RADIUS_M + DEVICE_M if rise < DEVICE_M else 0.0
        pace = Pace(
            spec.speed_m_s, spec.speed_m_s, (spec.turn_s, 1.5 * spec.turn_s), ramp_s=0.3, shortest_m=0.4
        )
        chapter_s = 600.0 + 10.0 * (size[0] + size[1]) / spec.speed_m_s
        seed = int(rng.integers(2**62))
        self._way = Wander(Region(bump, device[:2], keep_off), pace, seed, spec.name, chapter_s)
        self.top_speed_m_s = 1.5 * spec.speed_m_s
        self.pose_rate_hz = 100.0

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        place = self._way.at(np.asarray(time_s, dtype=np.float64)).position_m
        away = self._device_m[:2] - place
        # Right below the device there is no bearing; it fades to one direction within a few centimetres.
        away = away + 0.02 * np.exp(-np.sum(away**2, axis=1) / 0.02**2)[:, None] * [1.0, 0.0]
        bearing = np.arctan2(away[:, 1], away[:, 0])
        step = SPREAD / STRIPS
        angle = bearing + step * (np.arange(STRIPS) - (STRIPS - 1) / 2)[:, None]
        outward = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=-1)
        along = np.stack([-np.sin(angle), np.cos(angle), np.zeros_like(angle)], axis=-1)
        middle = np.column_stack([place, np.full(len(place), GROUND_M + HEIGHT_M / 2)])
        # Chords that leave as much of the circle outside as inside them.
        rim = 2.0 * RADIUS_M * math.tan(step / 2) * math.sqrt(math.cos(step / 2))
        reach = RADIUS_M * math.sqrt(math.cos(step / 2))
        lid = RADIUS_M * math.sqrt(math.pi)
        shape = (1, *middle.shape)
        up = np.broadcast_to([0.0, 0.0, HEIGHT_M], (STRIPS, *middle.shape))
        return (
            Facets(
                centre_m=np.concatenate(
                    [middle + reach * outward, (middle + [0.0, 0.0, HEIGHT_M / 2])[None]]
                ),
                edge_u_m=np.concatenate([rim * along, np.broadcast_to([lid, 0.0, 0.0], shape)]),
                edge_v_m=np.concatenate([up, np.broadcast_to([0.0, lid, 0.0], shape)]),
                reflection=np.full(STRIPS + 1, self._reflection),
            ),
        )

    def truth(self) -> tuple[Event, ...]:
        """None: it is clutter, though it goes like a slow person."""
        return ()

    def blockers(self, time_s: Array) -> None:
        return None


def make(spec: RobotVacuumSpec, surroundings: Surroundings, rng: np.random.Generator) -> RobotVacuum:
    """Raises BadInput when the room leaves it no way."""
    return RobotVacuum(spec, surroundings, rng)
