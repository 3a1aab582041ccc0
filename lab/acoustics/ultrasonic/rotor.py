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

from lab.acoustics.compiled import compiled
from lab.acoustics.ultrasonic import facets as sheet
from lab.acoustics.ultrasonic.bodies import Facets, Moving
from lab.acoustics.ultrasonic.facets import (
    EDGE_RAD,
    END,
    EU,
    EV,
    GEOMETRY,
    IMAGES,
    RE,
    Images,
    N,
    X,
    Y,
    Z,
    parts,
    select_images,
    sincos,
)
from lab.acoustics.ultrasonic.resample import Upsampler
from lab.acoustics.ultrasonic.stage import Stage

Array = NDArray[np.float64]

BLOCK = 4096
FINE = 8  # table points per point that the highest line needs: cubic interpolation leaves -70 dB of that line
MARGIN = 1.25  # over the lines of a point at the tip, for retarded time and the roll-off beyond
HEAD_TAPS, HEAD_BETA, HEAD_MARGIN, HEAD_PHASES = 10, 6.0, 1.8, 1024
LANES = 8
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


@compiled
def _turn(theta, lag, origin, frame, c, u, v, px, py, pz, n, phi, edges, middle):
    """Where a facet was when it scattered what microphone image p hears at angles theta (n,); lag: W / c in rad/m."""
    over = 1.0 / (2.0 * math.pi)
    ox, oy, oz = origin[0] - px, origin[1] - py, origin[2] - pz
    hub = math.sqrt(ox * ox + oy * oy + oz * oz)
    for t in range(n):
        angle = theta[t] - lag * hub
        for _ in range(4):
            si, co = sincos(angle * over)
            x, y = c[0] * co - c[1] * si, c[0] * si + c[1] * co
            dx = ox + frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * c[2]
            dy = oy + frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * c[2]
            dz = oz + frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * c[2]
            angle = theta[t] - lag * math.sqrt(dx * dx + dy * dy + dz * dz)
        phi[t] = angle
    for axis in range(3):
        e0, e1, e2 = frame[axis, 0], frame[axis, 1], frame[axis, 2]
        for t in range(n):
            si, co = sincos(phi[t] * over)
            middle[axis, t] = (
                origin[axis] + e0 * (c[0] * co - c[1] * si) + e1 * (c[0] * si + c[1] * co) + e2 * c[2]
            )
            edges[0, axis, t] = e0 * (u[0] * co - u[1] * si) + e1 * (u[0] * si + u[1] * co) + e2 * u[2]
            edges[1, axis, t] = e0 * (v[0] * co - v[1] * si) + e1 * (v[0] * si + v[1] * co) + e2 * v[2]


@compiled
def _shear(g, lag, origin, frame, px, py, pz, n):
    """Points of a facet that lie farther from the microphone scattered earlier: edges e - v (u.e) / (c + u.v), v = W x arm."""
    ax, ay, az = lag * frame[0, 2], lag * frame[1, 2], lag * frame[2, 2]
    for t in range(n):
        x, y, z = g[X + t] - origin[0], g[Y + t] - origin[1], g[Z + t] - origin[2]
        vx, vy, vz = ay * z - az * y, az * x - ax * z, ax * y - ay * x
        ux, uy, uz = g[X + t] - px, g[Y + t] - py, g[Z + t] - pz
        r = math.sqrt(ux * ux + uy * uy + uz * uz)
        over = 1.0 / (r + ux * vx + uy * vy + uz * vz)
        u = (ux * g[EU + t] + uy * g[EU + N + t] + uz * g[EU + 2 * N + t]) * over
        v = (ux * g[EV + t] + uy * g[EV + N + t] + uz * g[EV + 2 * N + t]) * over
        g[EU + t] -= vx * u
        g[EU + N + t] -= vy * u
        g[EU + 2 * N + t] -= vz * u
        g[EV + t] -= vx * v
        g[EV + N + t] -= vy * v
        g[EV + 2 * N + t] -= vz * v


@compiled
def _revolve(
    theta, lag, origin, frame, centre, edge_u, edge_v, reflection, k, loss, source, source_weight, axis, pattern,
    middle, microphone, microphone_weight, out,
):  # fmt: skip
    """The echo by image of the microphone array, out (M, J, T), at angles theta (T,) of arrival."""
    heard, microphones = len(middle), len(microphone)
    turn = k / (2.0 * math.pi)
    both = np.zeros(3)
    g, near = np.zeros(GEOMETRY), np.zeros(2 * N)
    lit, ear = np.zeros(END, np.float32), np.zeros(END, np.float32)
    total = np.zeros((microphones, 2 * N))
    phi, edges, centres, strength = np.zeros(N), np.zeros((2, 3, N)), np.zeros((3, N)), np.zeros(N)
    for begin in range(0, len(theta), N):
        n = min(N, len(theta) - begin)
        last = n - 1
        for j in range(heard):
            total[:] = 0.0
            for f in range(len(centre)):
                px, py, pz = middle[j, 0], middle[j, 1], middle[j, 2]
                _turn(
                    theta[begin : begin + n], lag, origin, frame, centre[f], edge_u[f], edge_v[f], px, py, pz, n,
                    phi, edges, centres,
                )  # fmt: skip
                strength[:] = reflection[f]
                sheet._shape(g, edges[0], edges[1], strength, 1, 1, k, both, n)
                sheet._part(g, centres, 0.0, 0.0, n)
                _shear(g, lag, origin, frame, px, py, pz, n)
                sheet._leg(k, g, px, py, pz, n, ear, near)
                ear[RE : RE + 2 * N] = 0.0
                gain = math.exp(-loss * near[N])
                slope = (math.exp(-loss * near[N + last]) - gain) / max(last, 1)
                for i in range(len(source)):
                    sheet._lit(k, loss, g, source[i], source_weight[i], axis[i], pattern, n, lit, near)
                    sheet._sheet(n, lit, ear)
                for m in range(microphones):
                    w = microphone_weight[m, j]
                    px, py, pz = microphone[m, j, 0], microphone[m, j, 1], microphone[m, j, 2]
                    sheet._hear(turn, w * gain, w * slope, n, g, px, py, pz, ear, total[m])
            for m in range(microphones):
                for t in range(n):
                    out[m, j, begin + t] = complex(total[m, t], total[m, N + t])


@compiled
def _read(rows, taps, phases, first, head_step, head, angle, step, out):
    """out (T, W), cubic in the angle; weights phases (Q + 1, taps) of the rows about the head, linear between phases.

    rows: (H, P, W), real and imaginary parts of every microphone side by side, W a multiple of LANES.
    """
    points, wide = rows.shape[1], rows.shape[2]
    fine = len(phases) - 1
    index = np.empty(4, np.int64)
    cubic = np.empty(4, np.float32)
    for t in range(out.shape[0]):
        at = angle[t] / step
        whole = math.floor(at)
        x = at - whole
        base = int(whole) % points
        cubic[0] = -x * (x - 1.0) * (x - 2.0) / 6.0
        cubic[1] = (x + 1.0) * (x - 1.0) * (x - 2.0) / 2.0
        cubic[2] = -(x + 1.0) * x * (x - 2.0) / 2.0
        cubic[3] = (x + 1.0) * x * (x - 1.0) / 6.0
        for p in range(4):
            index[p] = base + p - 1
            if index[p] < 0:
                index[p] += points
            elif index[p] >= points:
                index[p] -= points
        row, place, part = 0, 0, 0.0
        if taps > 1:
            height = (head[t] - first) / head_step
            row = min(max(int(height) - (taps // 2 - 1), 0), rows.shape[0] - taps)
            shift = min(max(height - row - (taps // 2 - 1), 0.0), 1.0) * fine
            place = min(int(shift), fine - 1)
            part = shift - place
        for lane in range(0, wide, LANES):
            # Eight scalars, not an array: they stay in one vector register.
            a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = np.float32(0.0)
            for tap in range(taps):
                weight = np.float32(phases[place, tap] + part * (phases[place + 1, tap] - phases[place, tap]))
                for p in range(4):
                    w = weight * cubic[p]
                    here = rows[row + tap, index[p]]
                    a0 += w * here[lane]
                    a1 += w * here[lane + 1]
                    a2 += w * here[lane + 2]
                    a3 += w * here[lane + 3]
                    a4 += w * here[lane + 4]
                    a5 += w * here[lane + 5]
                    a6 += w * here[lane + 6]
                    a7 += w * here[lane + 7]
            out[t, lane], out[t, lane + 1], out[t, lane + 2], out[t, lane + 3] = a0, a1, a2, a3
            out[t, lane + 4], out[t, lane + 5], out[t, lane + 6], out[t, lane + 7] = a4, a5, a6, a7


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

    rows: (H, P, W), real and imaginary parts by microphone, at head angles first + h * head_step, rotor angles p * step, p < P covering 2 pi / symmetry.
    """

    def __init__(self, rotor: Rotor, stage: Stage, images: int, edge_rad: float) -> None:
        self._rotor, self._stage = rotor, stage
        blades, k = rotor.blades, stage.carrier.wavenumber
        low, high = rotor.head_rad
        origin = rotor.hub(0.5 * (low + high))[0]
        ends = np.concatenate([stage.source.position_m[:, 0], stage.receivers.position_m[:, 0]])
        distance = np.linalg.norm(ends - origin, axis=-1).min() - blades.reach_m
        lengths = [np.linalg.norm(edge, axis=-1) for edge in (blades.edge_u_m, blades.edge_v_m)]
        self._blades = divided(blades, parts(*lengths, np.full(len(lengths[0]), distance), k, edge_rad))
        self.images: Images = select_images(stage, origin, images)
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
        _read(
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
        _revolve(
            theta, lag, np.ascontiguousarray(origin), np.ascontiguousarray(frame), blades.centre_m, blades.edge_u_m,
            blades.edge_v_m, np.asarray(blades.reflection, dtype=np.float64), carrier.wavenumber,
            carrier.absorption_np_m, p.source, p.source_weight, p.axis, p.pattern, p.middle, p.microphone,
            p.microphone_weight, out,
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


def angle_table(rotor: Rotor, stage: Stage, images: int = IMAGES, edge_rad: float = EDGE_RAD) -> AngleTable:
    """The table of this rotor in this room; the last ones stay in memory, MEMORY_BYTES in all (one always)."""
    key = _content(rotor, stage, images, edge_rad)
    table = _tables.pop(key, None)
    if table is None:
        table = AngleTable(rotor, stage, images, edge_rad)
    _tables[key] = table
    while len(_tables) > 1 and sum(one.rows.nbytes for one in _tables.values()) > MEMORY_BYTES:
        _tables.popitem(last=False)
    return table


def _content(rotor: Rotor, stage: Stage, images: int, edge_rad: float) -> bytes:
    """Hash of all numbers that a table depends on."""
    digest = hashlib.blake2b(digest_size=16)
    low, high = rotor.head_rad
    numbers = [
        np.array([images, edge_rad, rotor.speed_rad_s, low, high, rotor.blades.symmetry], dtype=np.float64)
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
    """The echo of a rotor as a stream. moving: has a `rotor`. rate_hz: at least 5.2 v f0 / c for its tip. images: see `select_images`.

    `kept_energy`: share of the energy of all pairs of images. Raises BadInput when rate_hz is too low.
    """

    def __init__(
        self,
        moving: MovingRotor,
        stage: Stage,
        rate_hz: int,
        images: int = IMAGES,
        edge_rad: float = EDGE_RAD,
    ) -> None:
        self.rate_hz = rate_hz
        self._rotor = moving.rotor
        sheet.control_rate_hz(moving.top_speed_m_s, stage, rate_hz)
        self._table = angle_table(moving.rotor, stage, images, edge_rad)
        self.kept_energy = self._table.images.kept_energy
        self._stream = Upsampler(self._render, stage.channels, 1, BLOCK)

    def read(self, samples: int) -> NDArray[np.complex128]:
        return self._stream.read(samples)

    def _render(self, start: int, count: int) -> NDArray[np.complex128]:
        return self._table.read(*self._rotor.angles((start + np.arange(count)) / self.rate_hz))
