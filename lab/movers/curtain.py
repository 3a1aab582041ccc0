"""A curtain before a wall: a sheet fixed at its rail, with a wave that travels along it and grows towards the hem.

    y(s, z, t) = offset + A(t) (depth / height) [0.75 sin(K s - W t) + 0.25 sin(1.25 K s - 1.37 W t)]

0.2 to 1.5 Hz at 1 to 10 cm gives Doppler shifts of 2 to 60 Hz, now and then more, and glints as strong as a plane mirror's less the
fabric's loss. Hanging folds are left out: they would make it less of a mirror.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Array, Facets
from lab.errors import BadInput
from lab.movers.mover import Surroundings
from lab.movers.spot import Name
from lab.spec import Spec

WAVES = ((0.75, 1.0, 1.0), (0.25, 1.25, 1.37))  # share, wavenumber, frequency
WAVENUMBER = 733.0  # at 40 kHz: cells are flat to BEND_RAD up to there
BEND_RAD = 0.5
CALM_S = 3.0  # time constant of what an HVAC's start sets going, and of its end


class CurtainSpec(Spec):
    """A curtain or a sheet of blinds.

    wall: west, east (x = 0, x = size), south, north (y). along_m: of its middle, along the wall. width_m: 0.3 to 2.5.
    height_m: rail to hem, 0.3 to 2.7. top_m: of the rail, null for 0.1 m below the ceiling. offset_m: from the wall, 0.02 to 0.5.
    amplitude_m: of the hem, 0.005 to 0.1, less than the offset. frequency_hz: 0.1 to 2. wavelength_m: along the wall, 0.3 to 5.
    air: steady; breeze, gusts that come and go over 10 to 40 s; hvac, on for hvac_on_s of every hvac_period_s (10 to 7200).
    loss_db: of the fabric, both ways through its surface, 0 to 20.
    """

    kind: Literal["curtain"]
    name: Name
    wall: Literal["west", "east", "south", "north"]
    along_m: float = Field(ge=0.0, le=30.0)
    width_m: float = Field(1.2, ge=0.3, le=2.5)
    height_m: float = Field(1.8, ge=0.3, le=2.7)
    top_m: float | None = Field(None, ge=0.3, le=6.0)
    offset_m: float = Field(0.12, ge=0.02, le=0.5)
    amplitude_m: float = Field(0.03, ge=0.005, le=0.1)
    frequency_hz: float = Field(0.5, ge=0.1, le=2.0)
    wavelength_m: float = Field(0.9, ge=0.3, le=5.0)
    air: Literal["steady", "breeze", "hvac"] = "breeze"
    hvac_on_s: float = Field(300.0, ge=5.0, le=3600.0)
    hvac_period_s: float = Field(900.0, ge=10.0, le=7200.0)
    loss_db: float = Field(8.0, ge=0.0, le=20.0)


class Curtain:
    """pose: cells fine enough along the wave and down the sheet. front: the side that is lit; the wall hides the other."""

    def __init__(self, spec: CurtainSpec, surroundings: Surroundings, rng: np.random.Generator) -> None:
        self.name = spec.name
        self._spec = spec
        size = surroundings.size_m
        across = spec.wall in ("west", "east")
        top = size[2] - 0.1 if spec.top_m is None else spec.top_m
        self._check(size[1] if across else size[0], size[2], top)
        inward = 1.0 if spec.wall in ("west", "south") else -1.0
        self.front = np.array([inward, 0.0, 0.0]) if across else np.array([0.0, inward, 0.0])
        self._along = np.array([0.0, 1.0, 0.0]) if across else np.array([1.0, 0.0, 0.0])
        wall = (0.0 if inward > 0.0 else size[0 if across else 1]) * np.abs(self.front)
        rail = wall + spec.offset_m * self.front + spec.along_m * self._along + np.array([0.0, 0.0, top])
        device = np.asarray(surroundings.device_m)
        if (device - rail) @ self.front < spec.amplitude_m + 0.05:
            raise BadInput(
                f"movers.{spec.name}.offset_m = {spec.offset_m:g}: the curtain must hang between its wall and the "
                f"device, at least {spec.amplitude_m + 0.05:.2f} m from it"
            )
        wavenumber = 2.0 * math.pi / spec.wavelength_m
        # Both: the largest departure from a plane over a cell, twice in a reflected phase.
        bend = 2.0 * WAVENUMBER * spec.amplitude_m * wavenumber**2 / 8.0
        columns = max(math.ceil(spec.width_m * math.sqrt(bend / BEND_RAD)), 2)
        self._cell_m = spec.width_m / columns
        twist = 2.0 * WAVENUMBER * spec.amplitude_m * wavenumber * self._cell_m / (4.0 * spec.height_m)
        rows = max(math.ceil(spec.height_m * twist / BEND_RAD), 1)
        self._drop_m = spec.height_m / rows
        self._s = (np.arange(columns) + 0.5) * self._cell_m - 0.5 * spec.width_m
        self._z = (np.arange(rows) + 0.5) * self._drop_m
        self._base = (
            rail + self._s[None, :, None] * self._along - self._z[:, None, None] * np.array([0.0, 0.0, 1.0])
        )
        self.phases_rad = rng.uniform(0.0, 2.0 * math.pi, len(WAVES))
        self._gusts = np.stack(
            [2.0 * math.pi / rng.uniform((9.0, 17.0, 31.0), (13.0, 23.0, 41.0)), rng.uniform(0.0, 6.28, 3)]
        )
        self._shift_s = rng.uniform(0.0, spec.hvac_period_s)
        self._reflection = np.full(rows * columns, 10.0 ** (-spec.loss_db / 20.0))
        rate = 2.0 * math.pi * spec.frequency_hz
        self.top_speed_m_s = spec.amplitude_m * (
            rate * sum(share * faster for share, _, faster in WAVES) + 0.4
        )
        self.pose_rate_hz = max(20.0, 40.0 * spec.frequency_hz)

    def _check(self, wall_m: float, height_m: float, top_m: float) -> None:
        spec = self._spec
        key = f"movers.{spec.name}"
        if abs(spec.along_m - 0.5 * wall_m) + 0.5 * spec.width_m > 0.5 * wall_m:
            raise BadInput(
                f"{key}.along_m = {spec.along_m:g}: a curtain of {spec.width_m:g} m needs {0.5 * spec.width_m:g} to "
                f"{wall_m - 0.5 * spec.width_m:g} on this wall"
            )
        if top_m > height_m or top_m < spec.height_m:
            raise BadInput(
                f"{key}.top_m = {top_m:g}: a curtain of {spec.height_m:g} m needs a rail at {spec.height_m:g} to {height_m:g} m"
            )
        if spec.amplitude_m >= spec.offset_m:
            raise BadInput(
                f"{key}.amplitude_m = {spec.amplitude_m:g} must be less than offset_m = {spec.offset_m:g}: the wall is behind"
            )
        if spec.air == "hvac" and spec.hvac_on_s >= spec.hvac_period_s:
            raise BadInput(
                f"{key}.hvac_on_s = {spec.hvac_on_s:g} must be less than hvac_period_s = {spec.hvac_period_s:g}"
            )

    def strength(self, time_s: Array) -> Array:
        """How much of the amplitude the air drives, 0 to 1, (T,)."""
        time = np.asarray(time_s, dtype=np.float64)
        if self._spec.air == "steady":
            return np.ones(time.shape)
        if self._spec.air == "breeze":
            slow = sum(np.sin(rate * time + phase) for rate, phase in self._gusts.T) / 3.0
            # Calm for about a third of the time, full for short gusts.
            rise = np.clip((slow + 0.25) / 0.9, 0.0, 1.0)
            return rise * rise * (3.0 - 2.0 * rise)
        on, period = self._spec.hvac_on_s, self._spec.hvac_period_s
        since = np.mod(time + self._shift_s, period)
        grown = 1.0 - np.exp(-np.minimum(since, on) / CALM_S)
        faded = grown * np.exp(-np.maximum(since - on, 0.0) / CALM_S)
        return np.where(faded < 1e-4, 0.0, faded)  # at rest, so that renderers need not move it

    def pose(self, time_s: Array) -> tuple[Facets, ...]:
        spec = self._spec
        time = np.asarray(time_s, dtype=np.float64)
        strength = spec.amplitude_m * self.strength(time)
        mean, slope = np.zeros((2, len(self._s), len(time)))
        for (share, shorter, faster), phase in zip(WAVES, self.phases_rad, strict=True):
            wavenumber = 2.0 * math.pi / spec.wavelength_m * shorter
            half = 0.5 * wavenumber * self._cell_m
            along = wavenumber * self._s[:, None] + phase
            turn = 2.0 * math.pi * spec.frequency_hz * faster * time
            # sin and cos (along - turn); mean and rise over a cell are exact.
            sin = np.sin(along) * np.cos(turn) - np.cos(along) * np.sin(turn)
            cos = np.cos(along) * np.cos(turn) + np.sin(along) * np.sin(turn)
            mean += share * math.sin(half) / half * sin
            slope += share * 2.0 * math.sin(half) * cos
        mean, slope = mean * strength, slope * strength
        depth = self._z[:, None, None] / spec.height_m
        out = (depth * mean)[..., None] * self.front
        cells = len(self._reflection)
        centre = (self._base[:, :, None, :] + out).reshape(cells, len(time), 3)
        edge_u = (self._cell_m * self._along + (depth * slope)[..., None] * self.front).reshape(centre.shape)
        sway = (self._drop_m / spec.height_m) * mean[..., None] * self.front
        edge_v = np.array([0.0, 0.0, -self._drop_m]) + np.broadcast_to(sway, (len(self._z), *sway.shape))
        return (Facets(centre, edge_u, edge_v.reshape(centre.shape), self._reflection),)

    def truth(self) -> tuple[Event, ...]:
        return ()

    def blockers(self, time_s: Array) -> None:
        """None: it hangs before its wall; the paths that end there are those its own shadow already changes."""
        return


def make(spec: CurtainSpec, surroundings: Surroundings, rng: np.random.Generator) -> Curtain:
    """The curtain in its room. Raises BadInput when it does not fit on its wall or hangs in the device."""
    return Curtain(spec, surroundings, rng)
