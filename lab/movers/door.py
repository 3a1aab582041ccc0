"""A door's leaf on its hinges: opened and shut on a schedule, swayed by a draught while ajar.

Its edge goes at 0.3 to 1 m/s, up to 200 Hz at 34 kHz; when its normal passes the device it shines like a mirror.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Facets
from lab.errors import BadInput
from lab.movers.mover import Doorway, Surroundings
from lab.movers.spot import Name
from lab.spec import Spec

FAINT_RAD = math.radians(0.5)
LATCH_M = 0.01  # between a shut leaf and the plane of the wall
DRAUGHT_HZ = (1.0, 1.618)  # two rates that never meet again, shares 0.7 and 0.3


class SwingOfDoor(Spec):
    """One push: at_s into the trial the leaf starts for to_deg (0 shut, up to 110), its edge at most at edge_m_s (0.05 to 2)."""

    at_s: float = Field(ge=0.0, le=200_000.0)
    to_deg: float = Field(ge=0.0, le=110.0)
    edge_m_s: float = Field(0.7, ge=0.05, le=2.0)


class DoorSpec(Spec):
    """The leaf of one of the room's doorways; it opens into the room.

    doorway: its name. hinge: lower or upper end along the wall. start_deg: 0 to 110. swings: in order of time. draught_deg: of the
    sway while the leaf is open wider than that, 0 to 10. draught_hz: 0.05 to 0.5. loss_db: of its surface, 0 to 10.
    """

    kind: Literal["door"]
    name: Name
    doorway: str
    hinge: Literal["lower", "upper"] = "lower"
    start_deg: float = Field(0.0, ge=0.0, le=110.0)
    swings: Annotated[tuple[SwingOfDoor, ...], Field(strict=False, max_length=1000)] = ()
    draught_deg: float = Field(0.0, ge=0.0, le=10.0)
    draught_hz: float = Field(0.15, ge=0.05, le=0.5)
    loss_db: float = Field(1.0, ge=0.0, le=10.0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [swing.at_s for swing in self.swings]
        if times != sorted(times):
            raise ValueError("swings must be in order of at_s")
        return self


class Door:
    """pose: one leaf, seen from both sides. It moves as people move things: minimum jerk from rest to rest."""

    def __init__(self, spec: DoorSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name = spec.name
        self._spec = spec
        doorway = self._doorway(surroundings)
        size = surroundings.size_m
        self._width_m, self._height_m = doorway.width_m, doorway.height_m
        across = doorway.wall in ("west", "east")
        inward = 1.0 if doorway.wall in ("west", "south") else -1.0
        self._front = np.array([inward, 0.0, 0.0]) if across else np.array([0.0, inward, 0.0])
        along = np.array([0.0, 1.0, 0.0]) if across else np.array([1.0, 0.0, 0.0])
        wall = (0.0 if inward > 0.0 else size[0 if across else 1]) * np.abs(self._front)
        self._shut = along if spec.hinge == "lower" else -along
        hinge = doorway.along_m * along - 0.5 * self._width_m * self._shut
        self._hinge = wall + LATCH_M * self._front + hinge + np.array([0.0, 0.0, 0.5 * self._height_m])
        self._schedule()
        self._phase = rng.uniform(0.0, 2.0 * math.pi, 2)
        sway = 2.0 * math.pi * spec.draught_hz * DRAUGHT_HZ[1] * math.radians(spec.draught_deg)
        self.top_speed_m_s = (
            max([swing.edge_m_s for swing in spec.swings], default=0.0) + sway * self._width_m
        )
        self.pose_rate_hz = 50.0
        device = np.asarray(surroundings.device_m)
        level = np.hypot(*(device - self._hinge)[:2])
        if level < self._width_m + 0.05 and device[2] < self._height_m and self._widest(device):
            raise BadInput(
                f"movers.{spec.name}: the leaf of {self._width_m:g} m would swing into the device at "
                f"{device.round(2).tolist()}"
            )

    def _doorway(self, surroundings: Surroundings) -> Doorway:
        for doorway in surroundings.doorways:
            if doorway.name == self._spec.doorway:
                return doorway
        known = ", ".join(repr(doorway.name) for doorway in surroundings.doorways) or "no doorway"
        raise BadInput(f"movers.{self._spec.name}.doorway = {self._spec.doorway!r}: the room has {known}")

    def _widest(self, device: Array) -> bool:
        """Does the leaf, at its widest, pass the bearing of the device?"""
        ray = device - self._hinge
        bearing = math.atan2(float(ray @ self._front), float(ray @ self._shut))
        return (
            bearing
            <= max([self._spec.start_deg, *(s.to_deg for s in self._spec.swings)]) * math.pi / 180.0 + 0.05
        )

    def _schedule(self) -> None:
        """Start, length and angles of every swing; a swing that comes before the last has ended is refused."""
        angle, free = math.radians(self._spec.start_deg), 0.0
        rows = []
        for index, swing in enumerate(self._spec.swings):
            target = math.radians(swing.to_deg)
            if swing.at_s < free:
                raise BadInput(
                    f"movers.{self._spec.name}.swings[{index}].at_s = {swing.at_s:g}: the swing before lasts until {free:.2f}"
                )
            # A minimum-jerk stroke peaks at 1.875 times its mean speed.
            length = max(1.875 * self._width_m * abs(target - angle) / swing.edge_m_s, 1e-3)
            rows.append((swing.at_s, length, angle, target))
            angle, free = target, swing.at_s + length
        self._rest = math.radians(self._spec.start_deg)
        self._at, self._length, self._from, self._to = np.array(rows).reshape(-1, 4).T

    def angle(self, time_s: Array) -> Array:
        """Of the leaf, 0 shut, in rad, (T,)."""
        time = np.asarray(time_s, dtype=np.float64)
        angle = np.full(time.shape, self._rest)
        if len(self._at):
            which = np.searchsorted(self._at, time, side="right") - 1
            last = np.maximum(which, 0)
            x = np.clip((time - self._at[last]) / self._length[last], 0.0, 1.0)
            eased = x**3 * (10.0 - 15.0 * x + 6.0 * x**2)
            angle = np.where(which < 0, angle, self._from[last] + (self._to[last] - self._from[last]) * eased)
        if self._spec.draught_deg > 0.0:
            turn = 2.0 * math.pi * self._spec.draught_hz * time
            share = 0.7 * np.sin(DRAUGHT_HZ[0] * turn + self._phase[0]) + 0.3 * np.sin(
                DRAUGHT_HZ[1] * turn + self._phase[1]
            )
            room = np.minimum(math.radians(self._spec.draught_deg), angle)  # a shut door stays shut
            angle = angle + np.where(angle > FAINT_RAD, room, 0.0) * share
        return angle

    def pose(self, time_s: Array) -> tuple[Facets, ...]:
        angle = self.angle(time_s)
        leaf = self._width_m * (np.cos(angle)[:, None] * self._shut + np.sin(angle)[:, None] * self._front)
        up = np.broadcast_to(np.array([0.0, 0.0, self._height_m]), leaf.shape)
        return (Facets((self._hinge + 0.5 * leaf)[None], leaf[None], up[None], self._reflection),)

    @property
    def _reflection(self) -> Array:
        return np.array([10.0 ** (-self._spec.loss_db / 20.0)])

    def truth(self) -> tuple[Event, ...]:
        """None: who opens it is another mover's matter."""
        return ()

    def blockers(self, time_s: Array) -> None:
        """None: a leaf is no cylinder; what it shadows comes with its echo (see `facets`)."""
        return


def make(spec: DoorSpec, surroundings: Surroundings, rng: np.random.Generator) -> Door:
    """The door in its doorway. Raises BadInput for an unknown doorway, swings that overlap, a device in the leaf's way."""
    return Door(spec, surroundings, rng)
