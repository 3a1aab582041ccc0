"""How much of a mover outside the room is heard: through an open doorway, and through the wall.

    g^2 = w^4 + sum over openings of <|A_h|^4> <|A_v|^4>,   A = [F(u2) - F(u1)] / (1 + j),   u = x cos(a) sqrt(2 / (l rho))

g is the amplitude there and back, w the wall's one-way amplitude, F = C + j S the Fresnel integrals, x the distance of an
edge from where the straight line crosses the wall, a the line's slant, l the wavelength, 1 / rho = 1 / d1 + 1 / d2 with
the distances on both sides (rectangular aperture, Born and Wolf, Principles of Optics, 8.7; ITU-R P.526, clause 5), <>
the mean over the width and height of a body, which sees no single fringe. The floor mirrors, so an opening goes on
below it. Other ways into the next room are left out.

Prior for the wall: 45 dB each way. The mass law gives 69 dB for two 12.5 mm boards at 34 kHz; gaps and flanking, which
nobody seems to have measured at 34 kHz, take from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fresnel

from lab.errors import BadInput

WALL_LOSS_DB = 45.0
# Over which the energy is averaged: half the width and half the height of what matters of a body, trunk and thighs.
BODY_M = (0.2, 0.4)
SAMPLES = np.linspace(-1.0, 1.0, 9)
# wall: axis it stands on, and whether it is the far one
PLANES = {"west": (0, False), "east": (0, True), "south": (1, False), "north": (1, True)}


@dataclass(frozen=True)
class Opening:
    """A hole in a wall, floor to lintel. wall: west, east (x = 0, x = size), south, north (y = 0, y = size).

    along_m: of its middle, along the wall from its lower corner. open: a closed one is as good as the wall.
    """

    wall: str
    along_m: float
    width_m: float = 0.9
    height_m: float = 2.0
    open: bool = True


def passage_gain(
    position_m: ArrayLike,
    size_m: ArrayLike,
    device_m: ArrayLike,
    openings: Sequence[Opening],
    wavelength_m: float,
    wall_loss_db: float = WALL_LOSS_DB,
) -> NDArray[np.float64]:
    """What to multiply a mover's echo with, there and back, (T,); 1 inside the room.

    position_m: (T, 3), the middle of the mover. size_m, device_m: (3,). wall_loss_db: one way, 20 to 120.
    Raises BadInput for a wall that is not there and for a loss out of range.
    """
    if not 20.0 <= wall_loss_db <= 120.0:
        raise BadInput(f"wall_loss_db = {wall_loss_db:g}: 20 to 120 dB, one way")
    position = np.atleast_2d(np.asarray(position_m, dtype=np.float64))
    size, device = np.asarray(size_m, dtype=np.float64), np.asarray(device_m, dtype=np.float64)
    gain = np.ones(len(position))
    outside = np.flatnonzero(np.any((position < 0.0) | (position > size), axis=1))
    if not len(outside):
        return gain
    beyond = position[outside]
    power = np.full(len(outside), 10.0 ** (-wall_loss_db / 5.0))
    for opening in openings:
        if opening.wall not in PLANES:
            raise BadInput(f"opening.wall = {opening.wall!r}: one of {', '.join(PLANES)}")
        if opening.open:
            power += _through(opening, beyond, size, device, wavelength_m)
    gain[outside] = np.minimum(np.sqrt(power), 1.0)
    return gain


def _through(
    opening: Opening, position: NDArray, size: NDArray, device: NDArray, wavelength_m: float
) -> NDArray[np.float64]:
    """Power there and back through an opening, (T,); 0 for those who are not behind its wall."""
    axis, far = PLANES[opening.wall]
    plane = size[axis] if far else 0.0
    depth = (position[:, axis] - plane) * (1.0 if far else -1.0)
    reach = max(abs(device[axis] - plane), 1e-3)
    power = np.zeros(len(position))
    behind = np.flatnonzero(depth > 0.0)
    line = position[behind] - device
    part = reach / (reach + depth[behind])
    length = np.linalg.norm(line, axis=1)
    crossing = device + part[:, None] * line
    scale = np.sqrt(2.0 / (wavelength_m * part * (1.0 - part) * length))
    slant = np.abs(line) / length[:, None]
    sideways = scale * np.sqrt(1.0 - slant[:, 1 - axis] ** 2)
    upwards = scale * np.sqrt(1.0 - slant[:, 2] ** 2)
    along, up = (
        crossing[:, column] + SAMPLES[:, None] * (part * half_m)
        for column, half_m in zip((1 - axis, 2), BODY_M, strict=True)
    )
    across = along - opening.along_m
    half, height = opening.width_m / 2.0, opening.height_m
    horizontal = aperture(sideways * (-half - across), sideways * (half - across))
    vertical = aperture(upwards * (-height - up), upwards * (height - up))
    power[behind] = np.mean(np.abs(horizontal) ** 4, axis=0) * np.mean(np.abs(vertical) ** 4, axis=0)
    return power


def aperture(low: NDArray, high: NDArray) -> NDArray[np.complex128]:
    """Field behind a slit over that without a screen; edges as Fresnel arguments. 1 for a slit without end."""
    sine_high, cosine_high = fresnel(high)
    sine_low, cosine_low = fresnel(low)
    return ((cosine_high - cosine_low) + 1j * (sine_high - sine_low)) / (1.0 + 1.0j)
