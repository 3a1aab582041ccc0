"""A cat or a small dog that wanders about the room, stands for a while, and goes on.

The trunk is a ball (radius 8 cm for a cat: -28 dB) under fur. The paws stand and step: at path s a paw is at
s + L / 2 pi * sin(2 pi s / L + phase), at rest where it touches the floor and at twice the speed of the trunk in the air.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Points, Shape, Spheroids
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.spot import Name
from lab.movers.wander import Pace, Region, Wander
from lab.spec import Spec

KEEP_OFF_M = 0.3  # walls, and the device
PAW_DB = -48.0  # a ball of 8 mm radius
PAW_PHASES = np.array(
    [0.0, 0.5, 0.25, 0.75]
)  # a walk: left fore, right fore, left hind, right hind, in cycles


class PetSpec(Spec):
    """A pet at large.

    animal: cat (trunk a ball of 8 cm radius, its middle 0.2 m high) or dog (10 cm, 0.28 m). speed_m_s: 0.3 to 2.
    stride_hz: steps of one paw per second at that speed, 1 to 5. fur_loss_db: 0 to 20. pause_s: shortest and longest
    stop, 1 to 600, in which it turns to where it goes next.
    """

    kind: Literal["pet"]
    name: Name
    animal: Literal["cat", "dog"] = "cat"
    speed_m_s: float = Field(1.0, ge=0.3, le=2.0)
    stride_hz: float = Field(2.5, ge=1.0, le=5.0)
    fur_loss_db: float = Field(7.5, ge=0.0, le=20.0)
    pause_s: Annotated[
        tuple[Annotated[float, Field(ge=1.0, le=600.0)], Annotated[float, Field(ge=1.0, le=600.0)]],
        Field(strict=False),
    ] = (1.0, 8.0)


class Pet:
    """pose: trunk and head (two spheroids), four paws (points)."""

    def __init__(self, spec: PetSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        if spec.pause_s[1] < spec.pause_s[0]:
            raise BadInput(f"movers.{spec.name}.pause_s must be [shortest, longest]")
        self.name = spec.name
        self._radius_m, self._height_m = (0.08, 0.2) if spec.animal == "cat" else (0.10, 0.28)
        self._reflection = 10.0 ** (-spec.fur_loss_db / 20.0)
        self._stride_m = spec.speed_m_s / spec.stride_hz
        size, device = np.asarray(surroundings.size_m), surroundings.device_m
        low, high = np.full(2, KEEP_OFF_M), size[:2] - KEEP_OFF_M
        if np.any(high - low < 0.3):
            raise BadInput(
                f"movers.{spec.name}: a room of {size[0]:g} x {size[1]:g} m has no floor for a pet"
            )
        # It keeps KEEP_OFF_M between its trunk and the device; below a table that leaves the whole floor.
        clear = KEEP_OFF_M + self._radius_m + 0.15
        around = math.sqrt(max(clear**2 - (device[2] - self._height_m) ** 2, 0.0))
        region = Region(lambda generator: generator.uniform(low, high), device[:2], around)
        pace = Pace(0.5 * spec.speed_m_s, spec.speed_m_s, spec.pause_s, ramp_s=0.4, shortest_m=0.5)
        chapter_s = 300.0 + 10.0 * spec.pause_s[1]
        self._way = Wander(region, pace, int(rng.integers(2**62)), spec.name, chapter_s)
        # A paw in the air, or the head while it turns right round in the shortest stop.
        turning = 1.5 * math.pi / spec.pause_s[0] * 1.8 * self._radius_m
        self.top_speed_m_s = max(2.05 * spec.speed_m_s, turning)
        self.pose_rate_hz = 250.0

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        time = np.asarray(time_s, dtype=np.float64)
        course = self._way.at(time)
        forward, left = _facing(course.previous, course.heading, course.turn)
        up = np.broadcast_to([0.0, 0.0, 1.0], forward.shape)
        middle = np.column_stack([course.position_m, np.full(len(time), self._height_m)])
        size = self._radius_m
        head = middle + 1.7 * size * forward + 0.5 * size * up
        bodies = Spheroids(
            centre_m=np.stack([middle, head]),
            axis=np.stack([forward, forward]),
            radius_m=np.array([size, 0.5 * size]),
            half_length_m=np.array([size, 0.5 * size]),
            reflection=np.full(2, self._reflection),
        )
        # A whole number of strides in each leg, so that all paws stand where it stops.
        strides = np.maximum(np.round(course.leg_m / self._stride_m), 1.0)
        length = course.leg_m / strides
        phase = 2.0 * math.pi * (course.gone_m / np.maximum(length, 1e-9) + PAW_PHASES[:, None])
        swing = length / (2.0 * math.pi) * (np.sin(phase) - np.sin(2.0 * math.pi * PAW_PHASES[:, None]))
        fore = np.array([1.0, 1.0, -1.0, -1.0])[:, None, None] * size * forward
        side = np.array([0.6, -0.6, 0.6, -0.6])[:, None, None] * size * left
        paws = middle + fore + side + swing[..., None] * forward
        paws[..., 2] = 0.03
        return bodies, Points(paws, np.full(4, 10.0 ** (PAW_DB / 20.0)))

    def truth(self) -> tuple[Event, ...]:
        """None: a pet is clutter."""
        return ()

    def blockers(self, time_s: Array) -> None:
        return None


def _facing(previous: Array, heading: Array, turn: Array) -> tuple[Array, Array]:
    """Forward and left (T, 3), on the shorter way round from one heading to the next."""
    before = np.arctan2(previous[:, 1], previous[:, 0])
    angle = np.arctan2(heading[:, 1], heading[:, 0]) - before
    angle = (angle + math.pi) % (2.0 * math.pi) - math.pi
    now = before + angle * turn * turn * (3.0 - 2.0 * turn)
    zero = np.zeros_like(now)
    return np.stack([np.cos(now), np.sin(now), zero], -1), np.stack([-np.sin(now), np.cos(now), zero], -1)


def make(spec: PetSpec, surroundings: Surroundings, rng: np.random.Generator) -> Pet:
    """Raises BadInput when the room leaves it no way."""
    return Pet(spec, surroundings, rng)
