"""What hangs or stands and sways in a draught: a lamp, a balloon on a string, a plant.

A pendulum of length L swings at sqrt(g / L) / 2 pi: a lamp on 0.8 m at 0.56 Hz. With 5 cm of amplitude it goes at 0.18 m/s,
35 Hz at 34 kHz.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Points, Shape, Spheroids
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.spot import SpotSpec, find_spot
from lab.movers.stroke import Wavering

GRAVITY_M_S2 = 9.81
CROSS = 0.4  # of the swing, at a right angle to it
LEAVES = 12
LEAF_DB = -38.0
LEAF_RATE = (1.0, 3.0)  # of a leaf over that of the plant


class SwingSpec(SpotSpec):
    """Something that sways about its place.

    thing: lamp (0.12 m across, hangs), balloon (0.14 m radius, on a string from below), plant (twelve leaves in a ball of
    0.25 m radius). height_m: of its middle, 0.2 to 6, by default 1.6, 1.8 and 0.8. length_m: lamp and balloon, from the pivot
    to the middle, 0.1 to 3. rate_hz: of the plant, 0.3 to 5; lamp and balloon follow from length_m (a balloon at a third of the
    pendulum's rate). sway_m: largest excursion, 1 mm to 0.3 m and at most a third of length_m; draughts take it down to a
    fifth of that. loss_db: 0 to 20.
    """

    kind: Literal["swing"]
    thing: Literal["lamp", "balloon", "plant"] = "plant"
    height_m: float | None = Field(None, ge=0.2, le=6.0)
    length_m: float = Field(0.8, ge=0.1, le=3.0)
    rate_hz: float = Field(1.0, ge=0.3, le=5.0)
    sway_m: float = Field(0.03, ge=0.001, le=0.3)
    loss_db: float = Field(0.0, ge=0.0, le=20.0)


class Swing:
    """pose: one spheroid for a lamp or a balloon; points for the leaves of a plant."""

    def __init__(self, spec: SwingSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name, self._spec = spec.name, spec
        if spec.thing != "plant" and spec.sway_m > spec.length_m / 3:
            raise BadInput(
                f"movers.{spec.name}.sway_m must be at most a third of length_m = {spec.length_m:g}"
            )
        size = {"lamp": 0.12, "balloon": 0.14, "plant": 0.25}[spec.thing]
        height = spec.height_m or {"lamp": 1.6, "balloon": 1.8, "plant": 0.8}[spec.thing]
        reach = size + 1.1 * spec.sway_m
        if height + reach > surroundings.size_m[2] or height < reach:
            raise BadInput(
                f"movers.{spec.name}.height_m must be {reach:.2f} to {surroundings.size_m[2] - reach:.2f} in this room"
            )
        self._middle_m = find_spot(
            spec, surroundings, rng, height_m=height, wall_m=reach + 0.02, device_m=reach + 0.1
        )
        pendulum = math.sqrt(GRAVITY_M_S2 / spec.length_m) / (2.0 * math.pi)
        rate = {"lamp": pendulum, "balloon": pendulum / 3.0, "plant": spec.rate_hz}[spec.thing]
        count = LEAVES if spec.thing == "plant" else 1
        self.rate_hz = rate * (rng.uniform(*LEAF_RATE, count) if count > 1 else np.ones(1))
        self._phase = rng.uniform(0.0, 2.0 * math.pi, (2, count))
        azimuth = rng.uniform(0.0, 2.0 * math.pi) + (
            rng.normal(0.0, 0.5, count) if count > 1 else np.zeros(1)
        )
        self._along = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=-1)
        self._draught = Wavering(rng, 0.2, 0.02, 0.3)
        away = rng.standard_normal((count, 3))
        radius = size * rng.uniform(0.0, 1.0, (count, 1)) ** (1.0 / 3.0)
        self._offset_m = (
            radius * away / np.linalg.norm(away, axis=1, keepdims=True) if count > 1 else np.zeros((1, 3))
        )
        self._reflection = 10.0 ** (-spec.loss_db / 20.0)
        # Swing, its cross part, and the change of the draught.
        fastest = 2.0 * math.pi * float(self.rate_hz.max())
        self.top_speed_m_s = 1.1 * spec.sway_m * (fastest + 0.6)
        self.pose_rate_hz = max(50.0, 40.0 * float(self.rate_hz.max()))

    def _excursion(self, time: Array) -> Array:
        """Horizontal, (things, T, 2) in m."""
        strength = self._spec.sway_m * (0.6 + 0.4 * np.tanh(2.5 * self._draught(time)))
        angle = 2.0 * math.pi * self.rate_hz[:, None] * time
        main, cross = np.sin(angle + self._phase[0][:, None]), CROSS * np.sin(angle + self._phase[1][:, None])
        across = np.stack([-self._along[:, 1], self._along[:, 0]], axis=-1)
        return strength[:, None] * (
            main[..., None] * self._along[:, None] + cross[..., None] * across[:, None]
        )

    def pose(self, time_s: Array) -> tuple[Shape, ...]:
        time = np.asarray(time_s, dtype=np.float64)
        flat = self._excursion(time)
        if self._spec.thing == "plant":
            position = np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=-1)
            amplitude = np.full(LEAVES, self._reflection * 10.0 ** (LEAF_DB / 20.0))
            return (Points(self._middle_m + self._offset_m[:, None] + position, amplitude),)
        length = self._spec.length_m
        rise = length - np.sqrt(length**2 - np.sum(flat**2, axis=-1))
        below = self._spec.thing == "balloon"
        position = np.concatenate([flat, (-rise if below else rise)[..., None]], axis=-1)
        # The string or cord, from the body towards its pivot.
        axis = np.concatenate([-flat, (np.sqrt(length**2 - np.sum(flat**2, axis=-1)))[..., None]], axis=-1)
        axis = axis / length * ([-1.0, -1.0, 1.0] if below else [1.0, 1.0, 1.0])
        radius, half = (0.14, 0.16) if below else (0.12, 0.10)
        return (
            Spheroids(
                self._middle_m + position,
                axis,
                np.array([radius]),
                np.array([half]),
                np.array([self._reflection]),
            ),
        )

    def truth(self) -> tuple[Event, ...]:
        return ()

    def blockers(self, time_s: Array) -> None:
        return None


def make(spec: SwingSpec, surroundings: Surroundings, rng: np.random.Generator) -> Swing:
    """Raises BadInput when it does not fit the room or hits the device."""
    return Swing(spec, surroundings, rng)
