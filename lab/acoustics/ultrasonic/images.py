"""Images of a point in the walls of a rectangular room.

Along an axis of length L, image n of coordinate x lies at n L + x (n even) or n L + L - x (n odd): n > 0 has met the
wall at L (n + 1) // 2 times and the one at 0 n // 2 times, n < 0 the other way round (Allen and Berkley, JASA 65,
943, 1979). An odd n turns a direction along that axis round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lattice:
    """Which images there are, whatever point is mirrored; nearest orders first, the point itself at the start.

    cell: (N, 3), index n along each axis.
    """

    cell: NDArray[np.int64]

    @property
    def order(self) -> NDArray[np.int64]:
        """(N,), number of reflections."""
        return np.abs(self.cell).sum(axis=1)

    @property
    def mirror(self) -> Array:
        """(N, 3), what the walls do to a direction: +1 or -1 along each axis."""
        return 1.0 - 2.0 * (self.cell % 2)

    def position_m(self, size_m: ArrayLike, point_m: ArrayLike) -> Array:
        """(..., N, 3), the images of point_m (..., 3), in m, in a room from the origin to size_m (3,)."""
        size, point = (
            np.asarray(size_m, dtype=np.float64),
            np.asarray(point_m, dtype=np.float64)[..., None, :],
        )
        return self.cell * size + np.where(self.cell % 2 == 0, point, size - point)

    def reflection(self, walls: ArrayLike) -> Array:
        """(N,), product of the pressure reflections met; walls (6,): west, east, south, north, floor, ceiling."""
        far, near = (np.abs(self.cell) + 1) // 2, np.abs(self.cell) // 2
        upper, lower = np.where(self.cell > 0, far, near), np.where(self.cell > 0, near, far)
        wall = np.asarray(walls, dtype=np.float64).reshape(3, 2)
        return np.prod(wall[:, 0] ** lower * wall[:, 1] ** upper, axis=1)


def lattice(lowest: int, highest: int) -> Lattice:
    """All images with lowest to highest reflections; 0 to N of them are (2N + 1)(2N^2 + 2N + 3) / 3."""
    span = np.arange(-highest, highest + 1)
    cell = np.stack(np.meshgrid(span, span, span, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.abs(cell).sum(axis=1)
    kept = np.flatnonzero((order >= lowest) & (order <= highest))
    return Lattice(cell[kept[np.argsort(order[kept], kind="stable")]])


def joined(*parts: Lattice) -> Lattice:
    return Lattice(np.concatenate([part.cell for part in parts]))
