"""A body in the way of the static paths.

    |1 - A_s A_t|,   A = [F(u2) - F(u1)] / (1 + j),   u = x sqrt(2 / (l rho)),   1 / rho = 1 / d1 + 1 / d2

behind an opaque screen as wide and as high as the body, standing across the path: Babinet's complement of the rectangular
aperture (Born and Wolf, Principles of Optics, 8.3.2 and 8.7; ITU-R P.526, screens of finite width). F = C + j S are the
Fresnel integrals, x the distance of an edge from the path, d1 and d2 the ways along the path to its ends, l the wavelength.
The screen goes on below the floor. Each leg of a path between two walls is shaded by itself, and what passes round the
legs and over the shoulders of a real body keeps the whole from falling below DEEPEST_DB (a prior: 6 to 20 dB).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.passage import aperture
from lab.acoustics.ultrasonic.stage import Stage

Array = NDArray[np.float64]
# Of a mover: time_s (T,) to the foot (T, 3), radius and height of an upright cylinder, or None when it shades nothing.
Blockers = Callable[[Array], tuple[Array, float, float] | None]

DEEPEST_DB = -20.0
FAR = 6.0  # Fresnel argument of the nearer edge from which a body is out of the way, 0.3 dB
SHORTEST_M = 0.05  # legs that run straight up are shaded by nobody


def legs(stage: Stage, image: int) -> tuple[Array, Array]:
    """The way from the microphones' middle to the loudspeaker over the walls: corners (L + 1, 3), way to each (L + 1,)."""
    size = np.asarray(stage.size_m)
    start = stage.receivers.position_m[:, 0].mean(axis=0)
    end = stage.source.position_m[0, image]
    parts = [0.0, 1.0]
    for axis in range(3):
        low, high = sorted((start[axis], end[axis]))
        planes = size[axis] * np.arange(np.ceil(low / size[axis]), np.floor(high / size[axis]) + 1)
        if high > low:
            parts.extend((planes - start[axis]) / (end[axis] - start[axis]))
    part = np.unique(np.clip(parts, 0.0, 1.0))
    unfolded = start + part[:, None] * (end - start)
    folded = size - np.abs(np.mod(unfolded, 2.0 * size) - size)
    return folded, part * np.linalg.norm(end - start)


class Shadow:
    """What bodies leave of some of the paths. images: (P,), which images of the loudspeaker."""

    def __init__(self, stage: Stage, images: NDArray[np.int64], blockers: Sequence[Blockers]) -> None:
        self._wavelength = stage.carrier.wavelength_m
        self._blockers = tuple(blockers)
        self._size = np.asarray(stage.size_m)
        self.paths = len(images)
        rows = []
        for path, image in enumerate(images):
            corner, way = legs(stage, int(image))
            for a, b, before in zip(corner[:-1], corner[1:], way[:-1], strict=True):
                if np.hypot(*(b - a)[:2]) > SHORTEST_M:
                    rows.append((path, *a, *b, before, way[-1]))
        table = np.array(rows).reshape(-1, 9)
        self._path = table[:, 0].astype(int)
        self._from, self._to = table[:, 1:4], table[:, 4:7]
        self._before, self._length = table[:, 7], table[:, 8]
        self._leg = np.linalg.norm(self._to - self._from, axis=1)

    def gain(self, time_s: Array) -> Array | None:
        """What is left of each path, (P, T), 0.1 to about 1.2; None when nothing can be in the way."""
        gain: Array | None = None
        for blocker in self._blockers:
            body = blocker(time_s)
            if body is None:
                continue
            foot, radius_m, height_m = body
            indoors = np.all((foot[:, :2] > 0.0) & (foot[:, :2] < self._size[:2]), axis=1)
            if not indoors.any():
                continue
            gain = np.ones((self.paths, len(time_s))) if gain is None else gain
            self._shade(gain, foot, radius_m, height_m, indoors)
        if gain is None:
            return None
        least = 10.0 ** (DEEPEST_DB / 20.0)
        return np.sqrt(gain**2 * (1.0 - least**2) + least**2)

    def _shade(self, gain: Array, foot: Array, radius_m: float, height_m: float, indoors: NDArray) -> None:
        """Multiply the legs' shadows into gain (P, T)."""
        run = (self._to - self._from)[:, :2]
        plan = np.linalg.norm(run, axis=1)[:, None]
        off = foot[None, :, :2] - self._from[:, None, :2]
        part = np.sum(off * run[:, None], axis=-1) / plan**2
        aside = (off[..., 0] * run[:, None, 1] - off[..., 1] * run[:, None, 0]) / plan
        # The ends of a leg lie on walls, where no body is, or at the device: fade over a body's width there.
        inside = np.clip(np.minimum(part, 1.0 - part) * plan / radius_m + 0.5, 0.0, 1.0)
        reached = np.clip(part, 0.0, 1.0)
        first = self._before[:, None] + reached * self._leg[:, None]
        first = np.clip(first, 0.01, self._length[:, None] - 0.01)
        scale = np.sqrt(
            2.0 * self._length[:, None] / (self._wavelength * first * (self._length[:, None] - first))
        )
        near = indoors & (inside > 0.0) & ((np.abs(aside) - radius_m) * scale < FAR)
        leg, moment = np.nonzero(near)
        if not len(leg):
            return
        x, u = aside[near], scale[near]
        fall = self._to[leg, 2] - self._from[leg, 2]
        height = self._from[leg, 2] + reached[near] * fall
        level = plan[leg, 0] / self._leg[leg]  # cosine of the elevation
        top = (foot[moment, 2] + height_m - height) * u * level
        screen = aperture(u * (x - radius_m), u * (x + radius_m)) * aperture(np.full(len(x), -1e6), top)
        # To 1 at FAR, so that a body comes into view without a step.
        edge = np.clip(FAR - (np.abs(x) - radius_m) * u, 0.0, 1.0)
        weight = inside[near] * edge
        np.multiply.at(gain, (self._path[leg], moment), np.abs(1.0 - weight * screen))
