"""Where an echo is made: one carrier, the images of the loudspeaker, and those of every microphone.

    E_m(t) = sum over bodies of [sum_i D_i(u_i) w_i exp(-(a + jk) r_i) / r_i] [sum_j w_mj exp(-(a + jk) r_mj) / r_mj] x body

with i the images of the loudspeaker, j those of microphone m, a the absorption and D the loudspeaker's directivity. By
reciprocity the images of fixed ends serve a scatterer anywhere, so nothing is traced anew while something moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.air import absorption_db_per_m
from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.images import joined, lattice
from lab.acoustics.ultrasonic.tail import draw_tail
from lab.errors import BadInput

Array = NDArray[np.float64]
NEPER_DB = 20.0 / math.log(10.0)


@dataclass(frozen=True)
class Carrier:
    """A tone in the air of a room. frequency_hz: 20 to 90 kHz. absorption_np_m: amplitude, Np per metre (ISO 9613-1)."""

    frequency_hz: float
    speed_m_s: float
    absorption_np_m: float

    @classmethod
    def in_air(cls, frequency_hz: float, climate: Climate) -> Carrier:
        loss = absorption_db_per_m(
            frequency_hz, climate.temperature_c, climate.humidity_percent, climate.pressure_kpa
        )
        return cls(frequency_hz, climate.speed_m_s, float(loss) / NEPER_DB)

    @property
    def wavenumber(self) -> float:
        """k in rad/m."""
        return 2.0 * math.pi * self.frequency_hz / self.speed_m_s

    @property
    def wavelength_m(self) -> float:
        return self.speed_m_s / self.frequency_hz


@dataclass(frozen=True, eq=False)
class Ends:
    """The images of one or several transducers that hang on the same lattice of walls.

    position_m: (E, N, 3), first image = the transducer itself. weight: (E, N), product of wall reflections, without
    spreading and air. order: (N,), number of reflections. mirror: (N, 3), +1 or -1, what the walls do to a direction.
    axis: (3,), unit vector of the loudspeaker, or of all microphones. pattern: (K,), amplitude over the cosine of the
    angle to the axis, equally spaced from -1 to +1, 1 on the axis; all ones for what radiates or hears alike everywhere.
    """

    position_m: Array
    weight: Array
    order: NDArray[np.int64]
    mirror: Array
    axis: Array
    pattern: Array

    @property
    def even(self) -> bool:
        """Whether all directions are alike."""
        return bool(np.all(self.pattern == 1.0))

    def towards(self, ray_m: Array) -> Array:
        """Amplitude of each image in the direction of a ray from it, (..., N, 3) of any length. Returns (..., N)."""
        length = np.maximum(np.linalg.norm(ray_m, axis=-1), 1e-9)
        cosine = np.sum(ray_m * self.mirror * self.axis, axis=-1) / length
        return np.interp(cosine, np.linspace(-1.0, 1.0, len(self.pattern)), self.pattern)


@dataclass(frozen=True, eq=False)
class Stage:
    """One carrier between a loudspeaker (`source`, E = 1) and M microphones (`receivers`, E = M) in a room."""

    size_m: tuple[float, float, float]
    carrier: Carrier
    source: Ends
    receivers: Ends

    @property
    def channels(self) -> int:
        return len(self.receivers.position_m)


def make_stage(
    size_m: tuple[float, float, float],
    walls: ArrayLike,
    carrier: Carrier,
    loudspeaker_m: ArrayLike,
    microphones_m: ArrayLike,
    axis: ArrayLike,
    pattern: ArrayLike,
    *,
    microphone_axis: ArrayLike = (0.0, 0.0, 1.0),
    microphone_pattern: ArrayLike = (1.0, 1.0),
    image_order: int = 3,
    tail_rng: np.random.Generator | None = None,
    tail_images: int = 24,
) -> Stage:
    """A stage with all images up to image_order, and a tail of some above it.

    size_m: room, in m. walls: (6,), pressure reflection, 0 to 1, in the order west, east, south, north, floor, ceiling
    (`boundaries.draw_walls`). loudspeaker_m: (3,), microphones_m: (M, 3), inside the room. axis: (3,), of the
    loudspeaker, any length. pattern: (K,), see `Ends` (`directivity`). microphone_axis, microphone_pattern: the same of all
    microphones, which hear alike everywhere without them. image_order: 0 to 8. tail_rng: draws the tail
    (`tail.draw_tail`), none without it. Raises BadInput.
    """
    size = np.asarray(size_m, dtype=np.float64)
    reflection = np.asarray(walls, dtype=np.float64)
    loudspeaker = np.asarray(loudspeaker_m, dtype=np.float64).reshape(1, 3)
    microphones = np.asarray(microphones_m, dtype=np.float64).reshape(-1, 3)
    if reflection.shape != (6,) or not np.all((reflection >= 0.0) & (reflection <= 1.0)):
        raise BadInput(f"walls = {reflection.tolist()}: six pressure reflections from 0 to 1 are needed")
    if not 0 <= image_order <= 8:
        raise BadInput(f"image_order = {image_order}: 0 to 8 reflections are traced")
    for key, points in (("loudspeaker_m", loudspeaker), ("microphones_m", microphones)):
        for point in points:
            if not np.all((point >= 0.0) & (point <= size)):
                raise BadInput(f"{key} = {point.tolist()} is not inside the room of {list(size_m)} m")
    length = float(np.linalg.norm(np.asarray(axis, dtype=np.float64)))
    if length == 0.0:
        raise BadInput("axis = [0, 0, 0]: the loudspeaker's axis needs a direction")
    table = np.asarray(pattern, dtype=np.float64)
    if table.ndim != 1 or len(table) < 2:
        raise BadInput(
            f"pattern of shape {table.shape}: a table of at least two amplitudes over the cosine is needed"
        )

    images, louder = lattice(0, image_order), np.ones(0)
    traced = len(images.cell)
    if tail_rng is not None:
        tail, louder = draw_tail(
            size, reflection, carrier.absorption_np_m, loudspeaker[0], image_order, tail_images, tail_rng
        )
        images = joined(images, tail)
    weight = images.reflection(reflection)
    weight[traced:] *= louder

    def ends(points: Array, axis: Array, table: Array) -> Ends:
        return Ends(
            position_m=images.position_m(size, points),
            weight=np.tile(weight, (len(points), 1)),
            order=images.order,
            mirror=images.mirror,
            axis=axis,
            pattern=table,
        )

    direction = np.asarray(axis, dtype=np.float64) / length
    facing = np.asarray(microphone_axis, dtype=np.float64)
    facing = facing / np.linalg.norm(facing)
    return Stage(
        size_m=tuple(float(edge) for edge in size),
        carrier=carrier,
        source=ends(loudspeaker, direction, table),
        receivers=ends(microphones, facing, np.asarray(microphone_pattern, dtype=np.float64)),
    )
