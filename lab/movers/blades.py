"""Blades and hubs: what the fans have in common.

Angles of a run: stopped, a linear run-up over `ramp_s` from start_s on, constant speed with a slow wander, a linear run-down from
stop_s on. All in closed form, so any moment of an 8 h trial is as cheap as the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.rotor import Blades

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
) -> Blades:
    """Blades as rows of flat cells from root to tip, each row at its own chord and pitch.

    root_m, tip_m: distance from the axis. pitch_rad: of the mean radius against the plane of the rotor; twist_rad: how much steeper the
    root is than the tip. Cells of a row lie in one plane: a flat plate has no steps that could act as a grating.
    """
    rows = max(round((tip_m - root_m) / CELL_M), 2)
    edges = np.linspace(root_m, tip_m, rows + 1)
    centre, edge_u, edge_v = [], [], []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        radius = 0.5 * (low + high)
        part = (radius - root_m) / (tip_m - root_m)
        chord = root_chord_m + part * (tip_chord_m - root_chord_m)
        pitch = pitch_rad + twist_rad * (0.5 - part)
        centre.append([radius, 0.0, 0.0])
        edge_u.append([high - low, 0.0, 0.0])
        edge_v.append([0.0, chord * math.cos(pitch), chord * math.sin(pitch)])
    parts = [np.array(part) for part in (centre, edge_u, edge_v)]
    turned: list[list[Array]] = [[], [], []]
    for blade in range(count):
        angle = 2.0 * math.pi * blade / count
        spin = np.array(
            [
                [math.cos(angle), -math.sin(angle), 0.0],
                [math.sin(angle), math.cos(angle), 0.0],
                [0.0, 0.0, 1.0],
            ]
        )
        for into, part in zip(turned, parts, strict=True):
            into.append(part @ spin.T)
    centre_m, edge_u_m, edge_v_m = (np.concatenate(part) for part in turned)
    return Blades(centre_m, edge_u_m, edge_v_m, np.ones(len(centre_m)), count)


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
