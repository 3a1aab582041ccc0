"""Blades, hubs and runs: what the fans have in common.

Angles of a run: stopped, a linear run-up over `ramp_s` from start_s on, constant speed with a slow wander, a linear run-down from
stop_s on. All in closed form, so any moment of an 8 h trial is as cheap as the first.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from detectors.interface import Event
from lab.acoustics.ultrasonic.bodies import Facets
from lab.acoustics.ultrasonic.rotor import Blades, rotor_pose
from lab.spec import Spec

Array = NDArray[np.float64]

CELL_M = 0.04  # of a blade's facets; renderers cut finer where they must


def flat_blades(
    count: int,
    root_m: float,
    tip_m: float,
    root_chord_m: float,
    tip_chord_m: float,
    pitch_rad: float,
    twist_rad: float = 0.0,
    loss_db: float = 0.0,
) -> Blades:
    """Blades as rows of flat cells from root to tip, each row at its own chord and pitch.

    root_m, tip_m: distance from the axis. pitch_rad: of the mean radius against the plane of the rotor; twist_rad: how much
    steeper the root is than the tip. loss_db: on reflection. A row that is cut further stays flat, so there are no steps
    that would act as a grating.
    """
    rows = max(round((tip_m - root_m) / CELL_M), 2)
    edges = np.linspace(root_m, tip_m, rows + 1)
    centre, edge_u, edge_v = [], [], []
    for low, high in itertools.pairwise(edges):
        radius = 0.5 * (low + high)
        part = (radius - root_m) / (tip_m - root_m)
        chord = root_chord_m + part * (tip_chord_m - root_chord_m)
        pitch = pitch_rad + twist_rad * (0.5 - part)
        centre.append([radius, 0.0, 0.0])
        edge_u.append([high - low, 0.0, 0.0])
        # Pitched so that a rotor that turns forwards pushes the air, and its faces, along the axis.
        edge_v.append([0.0, chord * math.cos(pitch), -chord * math.sin(pitch)])
    return _repeated(count, centre, edge_u, edge_v, loss_db)


def drum(
    count: int, radius_m: float, length_m: float, slat_m: float, pitch_rad: float, loss_db: float
) -> Blades:
    """Slats parallel to the axis on a drum. pitch_rad: of a slat against the radius. loss_db: on reflection."""
    across = [slat_m * math.cos(pitch_rad), slat_m * math.sin(pitch_rad), 0.0]
    middle = [radius_m - 0.5 * across[0], 0.0, 0.0]
    return _repeated(count, [middle], [[0.0, 0.0, length_m]], [across], loss_db)


def _repeated(count: int, centre: list, edge_u: list, edge_v: list, loss_db: float) -> Blades:
    """One blade's cells, `count` times around the axis."""
    parts = [np.array(part) for part in (centre, edge_u, edge_v)]
    turned: list[list[Array]] = [[], [], []]
    for blade in range(count):
        angle = 2.0 * math.pi * blade / count
        cos, sin = math.cos(angle), math.sin(angle)
        spin = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        for into, part in zip(turned, parts, strict=True):
            into.append(part @ spin.T)
    centre_m, edge_u_m, edge_v_m = (np.concatenate(part) for part in turned)
    reflection = np.full(len(centre_m), 10.0 ** (-loss_db / 20.0))
    return Blades(centre_m, edge_u_m, edge_v_m, reflection, count)


@dataclass(frozen=True)
class Run:
    """Angle of a rotor over time. speed_rad_s: nominal, signed. start_s, stop_s: None for always. wander: relative, slow, 0 to 0.02.

    wander_s: its period.
    """

    speed_rad_s: float
    phase_rad: float = 0.0
    start_s: float | None = None
    stop_s: float | None = None
    ramp_s: float = 4.0
    wander: float = 0.0
    wander_s: float = 13.0

    def turned_s(self, time_s: Array) -> Array:
        """Seconds at full speed that give the angle reached at time_s: the integral of the relative speed."""
        time = np.asarray(time_s, dtype=np.float64)
        total = time.copy() if self.start_s is None else _ramp(time - self.start_s, self.ramp_s)
        if self.stop_s is not None:
            total = total - _ramp(time - self.stop_s, self.ramp_s)
        return total

    def angle(self, time_s: Array) -> Array:
        turned = self.turned_s(time_s)
        rate = 2.0 * math.pi / self.wander_s
        return self.phase_rad + self.speed_rad_s * (
            turned + self.wander / rate * np.sin(rate * turned + self.phase_rad)
        )

    @property
    def top_rad_s(self) -> float:
        return abs(self.speed_rad_s) * (1.0 + self.wander)


def _ramp(since: Array, ramp_s: float) -> Array:
    """Integral of a speed that rises linearly from 0 to 1 within ramp_s."""
    inside = np.clip(since, 0.0, ramp_s)
    return inside * inside / (2.0 * ramp_s) + np.maximum(since - ramp_s, 0.0)


def frame_facing(direction: Array) -> Array:
    """Right-handed frame (3, 3), columns x, y, z, with z along `direction` (3,) and x level where it can be."""
    z = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
    x = np.cross((0.0, 0.0, 1.0), z)
    x = x / np.linalg.norm(x) if np.linalg.norm(x) > 1e-9 else np.array([1.0, 0.0, 0.0])
    return np.stack([x, np.cross(z, x), z], axis=1)


@dataclass(frozen=True, eq=False)
class Spinning:
    """A rotor (`lab.acoustics.ultrasonic.rotor.Rotor`) on a head that swings as a crank drives it: low + span (1 + sin) / 2.

    pivot_m: (3,), the upright axis about which the head turns. offset_m: of the hub before it. bearing_rad: of the rotor's
    axis at rest, tilt_rad: of the axis above the horizon. head_period_s: of the swing, 0 for a fixed head.
    """

    blades: Blades
    run: Run
    pivot_m: Array
    offset_m: float
    bearing_rad: float
    tilt_rad: float
    head_rad: tuple[float, float] = (0.0, 0.0)
    head_period_s: float = 0.0
    head_phase_rad: float = 0.0

    @property
    def speed_rad_s(self) -> float:
        return self.run.speed_rad_s

    @property
    def top_speed_m_s(self) -> float:
        """Of a tip, the swing of the head included."""
        swing = 0.0
        if self.head_period_s > 0.0:
            swing = math.pi * (self.head_rad[1] - self.head_rad[0]) / self.head_period_s
        return self.run.top_rad_s * self.blades.radius_m + swing * (self.blades.reach_m + self.offset_m)

    def hub(self, head_rad: float) -> tuple[Array, Array]:
        bearing, level = self.bearing_rad + head_rad, math.cos(self.tilt_rad)
        axis = np.array([level * math.cos(bearing), level * math.sin(bearing), math.sin(self.tilt_rad)])
        return self.pivot_m + self.offset_m * axis, frame_facing(axis)

    def angles(self, time_s: Array) -> tuple[Array, Array]:
        time = np.asarray(time_s, dtype=np.float64)
        low, high = self.head_rad
        if self.head_period_s > 0.0:
            turn = 2.0 * math.pi * time / self.head_period_s + self.head_phase_rad
            head = low + 0.5 * (high - low) * (1.0 + np.sin(turn))
        else:
            head = np.full(time.shape, low)
        return head, self.run.angle(time)


class Fan:
    """A mover that is a rotor and nothing else: clutter, so it claims nothing, and it is too open to shadow a path."""

    def __init__(self, name: str, rotor: Spinning) -> None:
        self.name = name
        self.rotor = rotor
        self.top_speed_m_s = rotor.top_speed_m_s
        # Cubics through poses a fortieth of a turn apart are wrong by 1e-5 of the radius.
        self.pose_rate_hz = 40.0 * rotor.run.top_rad_s / (2.0 * math.pi)

    def pose(self, time_s: Array) -> tuple[Facets, ...]:
        return (rotor_pose(self.rotor, time_s),)

    def truth(self) -> tuple[Event, ...]:
        return ()

    def blockers(self, time_s: Array) -> None:
        return None


class RunSpec(Spec):
    """When a fan runs. start_s: begins to turn, null when it already runs. stop_s: is switched off, null for never.

    ramp_s: of run-up and run-down, 0.5 to 30. wander: how far the speed strays, 0 to 0.02 of it, within some ten seconds.
    """

    start_s: float | None = Field(None, ge=0.0, le=200_000.0)
    stop_s: float | None = Field(None, ge=0.0, le=200_000.0)
    ramp_s: float = Field(4.0, ge=0.5, le=30.0)
    wander: float = Field(0.002, ge=0.0, le=0.02)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start_s is not None and self.stop_s is not None and self.stop_s < self.start_s + self.ramp_s:
            raise ValueError("stop_s must be at least ramp_s after start_s")
        return self


def drawn_run(spec: RunSpec, rpm: float, rng: np.random.Generator) -> Run:
    """The run of a spec, its phase drawn."""
    return Run(
        rpm * math.pi / 30.0, rng.uniform(0.0, 2.0 * math.pi), spec.start_s, spec.stop_s, spec.ramp_s, spec.wander,
        rng.uniform(9.0, 17.0),
    )  # fmt: skip
