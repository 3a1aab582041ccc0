"""The room a person in one place has: what a gesture may do there without hitting a wall or the device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lab.acoustics.ultrasonic.bodies import Array
from lab.movers.body import TRUNK
from lab.movers.gesture import GestureKind
from lab.movers.mover import Surroundings
from lab.movers.stance import ARM, RIGHT, Stance

WALL_M = 0.05
DEVICE_M = 0.15
STRETCH = 0.96  # of the arm's length; a straight elbow would have to move without end
LEANS = np.linspace(0.0, 0.9, 19)


@dataclass(frozen=True, eq=False)
class Elbowroom:
    """A stance over a point of the floor. origin_m: (3,), below the hips. facing_rad: azimuth."""

    stance: Stance
    origin_m: Array
    facing_rad: float
    surroundings: Surroundings

    def to_room(self, local_m: Array) -> Array:
        """Points (..., 3), ahead, left and up of the origin, in the room."""
        return self.origin_m + self.turn(local_m)

    def turn(self, local: Array) -> Array:
        """Directions (..., 3) likewise."""
        # Written out: a matrix product may round rows differently, and what stands still has to stay equal to the bit.
        cos, sin = math.cos(self.facing_rad), math.sin(self.facing_rad)
        x, y, z = local[..., 0], local[..., 1], local[..., 2]
        return np.stack([x * cos - y * sin, x * sin + y * cos, z], axis=-1)

    def clear(self, local_m: Array) -> Array:
        """Whether points (..., 3) are in the room and off the device."""
        point, size = self.to_room(local_m), np.asarray(self.surroundings.size_m)
        inside = np.all((point > WALL_M) & (point < size - WALL_M), axis=-1)
        return inside & (np.linalg.norm(point - self.surroundings.device_m, axis=-1) > DEVICE_M)

    def head_clear(self, lean: Array) -> Array:
        """Whether the head is off walls and device at leans (..., 2)."""
        crown = self.stance.crown_m(lean.reshape(-1, 2)).reshape(*lean.shape[:-1], 3)
        outward = lean / np.maximum(np.linalg.norm(lean, axis=-1, keepdims=True), 1e-9)
        return self.clear(crown + 0.1 * np.concatenate([outward, np.zeros((*lean.shape[:-1], 1))], axis=-1))

    def ways(self, kind: GestureKind, strokes: Array) -> tuple[Array, Array, Array]:
        """Directions of the gesture (D, 3), leans (S, D, 2) they need for each stroke, and whether they fit (S, D)."""
        stance, rest = self.stance, self.stance.rest_m(RIGHT)
        if kind is GestureKind.POSTURE:
            azimuth = np.linspace(-0.5 * math.pi, 0.5 * math.pi, 13)
            heading = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=-1)
            lean = (strokes / (0.5 * TRUNK * stance.height_m))[:, None, None] * heading
            return np.zeros((13, 3)), lean, self.head_clear(lean)
        if kind is GestureKind.REACH:
            azimuth, lift = np.meshgrid(
                np.radians(np.linspace(-40.0, 40.0, 9)), np.radians([0.0, 15.0, 30.0, 45.0])
            )
            lift = lift + (0.5 if stance.standing else 0.0)
            ahead, left = np.cos(lift) * np.cos(azimuth), np.cos(lift) * np.sin(azimuth)
            direction = np.stack([ahead, left, np.sin(lift)], axis=-1).reshape(-1, 3)
        elif kind is GestureKind.CUP:
            direction = ((stance.mouth_m - rest) / np.linalg.norm(stance.mouth_m - rest))[None]
        else:
            direction = np.array([[0.0, 2.0 / math.pi if kind is GestureKind.PAGE else 0.0, 0.0]])
        forward = direction[:, :2] / np.maximum(np.linalg.norm(direction[:, :2], axis=1, keepdims=True), 1e-9)
        # The least of LEANS with which the arm spans the whole way; hand and lean go together.
        share = np.linspace(0.0, 1.0, 9)
        lean = LEANS[:, None, None, None] * forward[:, None] * share[:, None]  # (L, D, P, 2)
        start = stance.shoulder_m(RIGHT, lean.reshape(-1, 2)).reshape(*lean.shape[:-1], 3)
        hand = rest + strokes[:, None, None, None] * direction[:, None] * share[:, None]  # (S, D, P, 3)
        distance = np.linalg.norm(hand[:, None] - start, axis=-1)  # (S, L, D, P)
        spanned = np.all(distance < STRETCH * ARM * stance.height_m, axis=-1)
        least = LEANS[np.argmax(spanned, axis=1)][..., None] * forward
        return (
            direction,
            least,
            spanned.any(axis=1) & self.clear(hand).all(axis=-1) & self.head_clear(least),
        )
