"""Echo of a rotor, read from a table over its angle.

At a constant speed the echo with exact retarded time is periodic in the angle that the rotor has when the echo arrives: a
facet is seen where it was at the scattering time ts = t - r_j(ts) / c, that is at the angle phi = theta - W r_j(phi) / c, and
sheared by v / c, as its far points scattered earlier than its near ones. The
table holds one blade's share of a turn; a head that swings adds a second dimension, filled as far as it is visited. Fields and
facets are those of `facets`; solid angles, shadow and images are the same.

What a table leaves out: while the rotor runs up or down the time of flight still counts with the nominal speed W, so that images are
turned against each other by up to W r / c, and the head's own motion during that time, millimetres. Microphones of one
array share scattering times but for a constant per image of the array, which is put in line by line.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.bodies import Facets, Moving
from lab.acoustics.ultrasonic.facets import EDGE_RAD, PAIRS, Images, control_rate_hz, parts, select_images
from lab.acoustics.ultrasonic.resample import Upsampler
from lab.acoustics.ultrasonic.revolution import LANES, read_table, revolve
from lab.acoustics.ultrasonic.stage import Stage

Array = NDArray[np.float64]

BLOCK = 4096
FINE = 8  # table points per point that the highest line needs: cubic interpolation leaves -70 dB of that line
MARGIN = 1.25  # over the lines of a point at the tip, for retarded time and the roll-off beyond
HEAD_TAPS, HEAD_BETA, HEAD_MARGIN, HEAD_PHASES = 10, 6.0, 1.8, 1024
MEMORY_BYTES = 256 << 20


@dataclass(frozen=True, eq=False)
class Blades:
    """Facets of a rotor in its own frame, axis along z, at angle 0: centre_m, edge_u_m, edge_v_m (F, 3), reflection (F,).

    symmetry: turned by 2 pi / symmetry it looks the same.
    """

    centre_m: Array
    edge_u_m: Array
    edge_v_m: Array
    reflection: Array
    symmetry: int

    @property
    def corners_m(self) -> Array:
        """All corners of all facets, (4 F, 3)."""
        half_u, half_v = 0.5 * self.edge_u_m, 0.5 * self.edge_v_m
        return np.concatenate([self.centre_m + a * half_u + b * half_v for a in (-1, 1) for b in (-1, 1)])

    @property
    def radius_m(self) -> float:
        """Farthest point from the axis."""
        return float(np.linalg.norm(self.corners_m[:, :2], axis=-1).max())

    @property
    def reach_m(self) -> float:
        """Farthest point from the hub."""
        return float(np.linalg.norm(self.corners_m, axis=-1).max())


class Rotor(Protocol):
    """Rigid blades on a hub on a head. speed_rad_s: nominal, of either sign. head_rad: range of the head's angle."""

    blades: Blades
    speed_rad_s: float
    head_rad: tuple[float, float]

    def hub(self, head_rad: float) -> tuple[Array, Array]:
        """Centre (3,) of the hub in the room, and its frame (3, 3), columns x, y and axis."""

    def angles(self, time_s: Array) -> tuple[Array, Array]:
        """Angle of the head and of the rotor about its axis, (T,) each, in rad, at any moments."""


class MovingRotor(Moving, Protocol):
    rotor: Rotor


def rotor_pose(rotor: Rotor, time_s: Array) -> Facets:
    """The blades in the room at these moments, as `Moving.pose` gives them."""
    time = np.asarray(time_s, dtype=np.float64)
    head, angle = rotor.angles(time)
    fixed, place = np.unique(head, return_inverse=True)
    hubs = [rotor.hub(float(one)) for one in fixed]
    origin, frame = np.stack([hub[0] for hub in hubs])[place], np.stack([hub[1] for hub in hubs])[place]
    cos, sin = np.cos(angle), np.sin(angle)

    def turned(vector: Array) -> Array:
        x, y, z = (vector[:, axis, None] for axis in range(3))
        return np.einsum(
            "tij,jft->fti", frame, np.stack([x * cos - y * sin, x * sin + y * cos, z + 0.0 * cos])
        )

    blades = rotor.blades
    return Facets(
        origin + turned(blades.centre_m), turned(blades.edge_u_m), turned(blades.edge_v_m), blades.reflection
    )


def divided(blades: Blades, count: NDArray[np.int64]) -> Blades:
    """The same blades with facet f cut into count[f, 0] by count[f, 1]."""
    centre, edge_u, edge_v, reflection = [], [], [], []
    for c, u, v, r, (nu, nv) in zip(
        blades.centre_m, blades.edge_u_m, blades.edge_v_m, blades.reflection, count, strict=True
    ):
        a = (np.arange(nu) + 0.5) / nu - 0.5
        b = (np.arange(nv) + 0.5) / nv - 0.5
        centre.append((c + a[:, None, None] * u + b[None, :, None] * v).reshape(-1, 3))
        edge_u.append(np.tile(u / nu, (nu * nv, 1)))
        edge_v.append(np.tile(v / nv, (nu * nv, 1)))
        reflection.append(np.full(nu * nv, r))
    return Blades(*(np.concatenate(part) for part in (centre, edge_u, edge_v, reflection)), blades.symmetry)


def head_weights(taps: int) -> Array:
    """Kaiser-windowed interpolation between rows, (HEAD_PHASES + 1, taps) for places 0 to 1 after the middle row."""
    if taps == 1:
        return np.ones((2, 1))
    offset = np.arange(HEAD_PHASES + 1)[:, None] / HEAD_PHASES + (taps // 2 - 1) - np.arange(taps)
    window = np.i0(HEAD_BETA * np.sqrt(np.maximum(1.0 - np.square(2.0 * offset / taps), 0.0)))
    weights = np.sinc(offset) * window
    return weights / weights.sum(axis=1, keepdims=True)


class AngleTable:
    """The echo of a rotor over its angle and that of its head, rows computed when first asked for.

    rows: (H, P, W), real and imaginary parts by microphone, at head angles first + h * head_step, rotor angles p * step, p < P covering
    2 pi / symmetry.
    """

    def __init__(self, rotor: Rotor, stage: Stage, pairs: int, edge_rad: float) -> None:
        self._rotor, self._stage = rotor, stage
        blades, k = rotor.blades, stage.carrier.wavenumber
        low, high = rotor.head_rad
        origin = rotor.hub(0.5 * (low + high))[0]
        ends = np.concatenate([stage.source.position_m[:, 0], stage.receivers.position_m[:, 0]])
        distance = np.linalg.norm(ends - origin, axis=-1).min() - blades.reach_m
        lengths = [np.linalg.norm(edge, axis=-1) for edge in (blades.edge_u_m, blades.edge_v_m)]
        self._blades = divided(blades, parts(*lengths, np.full(len(lengths[0]), distance), k, edge_rad))
        self.images: Images = select_images(stage, origin, pairs)
        lines = math.ceil(MARGIN * 2.0 * k * blades.radius_m / blades.symmetry) + 2
        self._coarse = scipy.fft.next_fast_len(2 * lines)
        self.points = self._coarse * FINE
        self.step_rad = 2.0 * math.pi / blades.symmetry / self.points
        if high > low:
            ahead = 1e-4
            stride = (
                np.linalg.norm(rotor.hub(0.5 * (low + high) + ahead)[0] - origin) / ahead + blades.reach_m
            )
            self.head_step_rad = math.pi / (2.0 * k * stride * HEAD_MARGIN)
            rows, self.taps = math.ceil((high - low) / self.head_step_rad) + HEAD_TAPS + 1, HEAD_TAPS
            self.first_rad = low - (HEAD_TAPS // 2 - 1) * self.head_step_rad
        else:
            rows, self.taps, self.head_step_rad, self.first_rad = 1, 1, 1.0, low
        self._weights = head_weights(self.taps)
        self._width = 2 * stage.channels
        self.rows = np.zeros((rows, self.points, -(-self._width // LANES) * LANES), dtype=np.float32)
        self._filled = np.zeros(rows, dtype=bool)

    def read(self, head: Array, angle: Array) -> NDArray[np.complex128]:
        """The echo (M, T) at angles (T,) of head and rotor."""
        low = high = 0
        if self.taps > 1:
            rows = (np.array([head.min(), head.max()]) - self.first_rad) / self.head_step_rad
            low, high = np.clip(rows.astype(np.int64) - (self.taps // 2 - 1), 0, len(self.rows) - self.taps)
        for row in np.flatnonzero(~self._filled[low : high + self.taps]) + low:
            self.rows[row, :, : self._width] = self._row(self.first_rad + row * self.head_step_rad)
            self._filled[row] = True
        out = np.empty((len(angle), self.rows.shape[2]))
        read_table(
            self.rows,
            self.taps,
            self._weights,
            self.first_rad,
            self.head_step_rad,
            head,
            angle,
            self.step_rad,
            out,
        )
        return out.view(np.complex128)[:, : self._width // 2].T

    def _row(self, head_rad: float) -> Array:
        """One turn's share at one angle of the head, (P, 2 M)."""
        carrier, p, blades = self._stage.carrier, self.images, self._blades
        origin, frame = self._rotor.hub(head_rad)
        lag = self._rotor.speed_rad_s / carrier.speed_m_s
        theta = np.arange(self._coarse) * (2.0 * math.pi / blades.symmetry / self._coarse)
        out = np.zeros((len(p.microphone), len(p.middle), self._coarse), dtype=np.complex128)
        revolve(
            theta, lag, np.ascontiguousarray(origin), np.ascontiguousarray(frame), blades.centre_m, blades.edge_u_m,
            blades.edge_v_m, np.asarray(blades.reflection, dtype=np.float64), carrier.wavenumber,
            carrier.absorption_np_m, p.source, p.source_weight, p.axis, p.pattern, p.middle, p.microphone,
            p.microphone_weight, p.pairs, p.begins, out,
        )  # fmt: skip
        line = scipy.fft.fftfreq(self._coarse, 1.0 / self._coarse) * blades.symmetry
        later = np.linalg.norm(p.microphone - origin, axis=-1) - np.linalg.norm(p.middle - origin, axis=-1)
        shift = np.exp(-1j * line * (lag * later)[..., None])
        spectrum = np.sum(scipy.fft.fft(out, axis=-1) * shift, axis=1)
        wide = np.zeros((len(out), self.points), dtype=np.complex128)
        half = self._coarse // 2
        wide[:, : self._coarse - half] = spectrum[:, : self._coarse - half]
        wide[:, -half:] = spectrum[:, -half:]
        turn = scipy.fft.ifft(wide, axis=-1).T * FINE
        return np.ascontiguousarray(turn).view(np.float64)


_tables: OrderedDict[bytes, AngleTable] = OrderedDict()


def angle_table(rotor: Rotor, stage: Stage, pairs: int = PAIRS, edge_rad: float = EDGE_RAD) -> AngleTable:
    """The table of this rotor in this room; the last ones stay in memory, MEMORY_BYTES in all (one always)."""
    key = _content(rotor, stage, pairs, edge_rad)
    table = _tables.pop(key, None)
    if table is None:
        table = AngleTable(rotor, stage, pairs, edge_rad)
    _tables[key] = table
    while len(_tables) > 1 and sum(one.rows.nbytes for one in _tables.values()) > MEMORY_BYTES:
        _tables.popitem(last=False)
    return table


def _content(rotor: Rotor, stage: Stage, pairs: int, edge_rad: float) -> bytes:
    """Hash of all numbers that a table depends on."""
    digest = hashlib.blake2b(digest_size=16)
    low, high = rotor.head_rad
    numbers = [
        np.array([pairs, edge_rad, rotor.speed_rad_s, low, high, rotor.blades.symmetry], dtype=np.float64)
    ]
    numbers += [part for head in np.linspace(low, high, 3) for part in rotor.hub(float(head))]
    numbers += [value for value in vars(rotor.blades).values() if isinstance(value, np.ndarray)]
    carrier = stage.carrier
    numbers.append(np.array([carrier.frequency_hz, carrier.speed_m_s, carrier.absorption_np_m]))
    for ends in (stage.source, stage.receivers):
        numbers += [np.asarray(value, dtype=np.float64) for value in vars(ends).values()]
    for array in numbers:
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


class RotorEcho:
    """The echo of a rotor as a stream. moving: has a `rotor`. rate_hz: at least 5.2 v f0 / c for its tip. pairs: see `select_images`.

    `kept_energy`: share of the energy of all pairs of images. Raises BadInput when rate_hz is too low.
    """

    def __init__(
        self,
        moving: MovingRotor,
        stage: Stage,
        rate_hz: int,
        pairs: int = PAIRS,
        edge_rad: float = EDGE_RAD,
    ) -> None:
        self.rate_hz = rate_hz
        self._rotor = moving.rotor
        control_rate_hz(moving.top_speed_m_s, stage, rate_hz)
        self._table = angle_table(moving.rotor, stage, pairs, edge_rad)
        self.kept_energy = self._table.images.kept_energy
        self._stream = Upsampler(self._render, stage.channels, 1, BLOCK)

    def read(self, samples: int) -> NDArray[np.complex128]:
        return self._stream.read(samples)

    def _render(self, start: int, count: int) -> NDArray[np.complex128]:
        return self._table.read(*self._rotor.angles((start + np.arange(count)) / self.rate_hz))
