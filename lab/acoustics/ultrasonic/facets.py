"""Echo of moving flat surfaces: the Kirchhoff integral, its phase linear over each facet.

    E_m = sum_f R_f (jk / 4 pi) A_f sum_ij q_ij sinc(k/2 s_ij.e_u) sinc(k/2 s_ij.e_v) G_i G_mj,    s_ij = u_i + u_j

with G the fields of the images at the facet, u unit vectors from the images to it, sinc(x) = sin(x) / x, and the
obliquity q = 4 c_i c_j / (|c_i| + |c_j|), c = u.n. In the mirror's direction and straight back q is Kirchhoff's
c_i + c_j. It is negative when the ends lie on opposite sides: a thin sheet radiates the same to both sides with
opposite sign, which is its shadow, and nothing in its own plane (Babinet; Pierce, Acoustics, 1981, section 5.3).

Distances are means over a facet, r + (|e|^2 - (u.e)^2) / (24 r) for each edge, so that what a sphere's front departs from a plane
has no mean. Facets whose edges still depart by more than `EDGE_RAD` are divided.

Pairs of images do not factorise. On each side those of at most one reflection and the strongest others are kept, `images` in all,
and every pair of them; an echo's `kept_energy` says how much of the energy of all pairs of the stage that is (12 of order 3: 0.6 for
walls of |R| = 0.95, 0.7 for 0.85, 0.9 for 0.6). The field is that of bodies at rest at each moment (the time of flight
from a surface to a microphone is left out), which suits slow surfaces; `rotor` has fans.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.ultrasonic.bodies import Facets, Moving
from lab.acoustics.ultrasonic.resample import Upsampler
from lab.acoustics.ultrasonic.stage import Ends, Stage
from lab.errors import BadInput

Array = NDArray[np.float64]

EDGE_RAD = 0.5  # largest departure from linear phase at the middle of an edge
IMAGES = 12
STEPS = 64  # moments at once: what a pair needs of its ends stays in the first-level cache
BLOCK = 256  # control samples rendered at once, whatever is read
SLOWEST_HZ = 50.0


@compiled
def sincos(turns: float) -> tuple[float, float]:
    """Sine and cosine of 2 pi turns, to 1e-9. Two Taylor series on half the angle: no branch, so loops vectorise."""
    half = math.pi * (turns - math.floor(turns + 0.5))
    x = half * half
    s = half * (
        1.0
        + x
        * (-1 / 6 + x * (1 / 120 + x * (-1 / 5040 + x * (1 / 362880 + x * (-1 / 39916800 + x / 6227020800)))))
    )
    c = 1.0 + x * (
        -1 / 2
        + x
        * (
            1 / 24
            + x * (-1 / 720 + x * (1 / 40320 + x * (-1 / 3628800 + x * (1 / 479001600 - x / 87178291200))))
        )
    )
    return 2.0 * s * c, 1.0 - 2.0 * s * s


@dataclass(frozen=True, eq=False)
class Images:
    """The images in use. source, middle, microphone: positions (I, 3), (J, 3), (M, J, 3); middle is the array's.

    source_weight: (I,). axis: (I, 3), the loudspeaker's axis as each image has it. pattern: (K,). microphone_weight:
    (M, J). kept_energy: share of the energy of all pairs of the stage, interference left out.
    """

    source: Array
    source_weight: Array
    axis: Array
    pattern: Array
    middle: Array
    microphone: Array
    microphone_weight: Array
    kept_energy: float


def select_images(stage: Stage, at_m: Array, count: int = IMAGES, front: Array | None = None) -> Images:
    """The images that light a body at `at_m` (3,) and hear it: all of orders 0 and 1, then the strongest, `count` a side.

    front: (3,), unit vector; images behind the plane through `at_m` are left out (a curtain hides what is behind it).
    Raises BadInput when none is left.
    """
    source, receivers = stage.source, stage.receivers
    loss = stage.carrier.absorption_np_m
    middle = receivers.position_m.mean(axis=0)
    lit = _gain(source, source.position_m[0], source.weight[0], at_m, loss, directed=True)
    heard = _gain(receivers, middle, np.abs(receivers.weight).mean(axis=0), at_m, loss, directed=False)
    if front is not None:
        lit = np.where((source.position_m[0] - at_m) @ front > 0.0, lit, 0.0)
        heard = np.where((middle - at_m) @ front > 0.0, heard, 0.0)
    i, share = _strongest(lit, source.order, count)
    j, other = _strongest(heard, receivers.order, count)
    if not len(i) or not len(j):
        raise BadInput("no image of the loudspeaker lights the front of a moving surface")
    return Images(
        source=np.ascontiguousarray(source.position_m[0][i]),
        source_weight=np.ascontiguousarray(source.weight[0][i]),
        axis=np.ascontiguousarray(source.mirror[i] * source.axis),
        pattern=np.ascontiguousarray(source.pattern, dtype=np.float64),
        middle=np.ascontiguousarray(middle[j]),
        microphone=np.ascontiguousarray(receivers.position_m[:, j]),
        microphone_weight=np.ascontiguousarray(receivers.weight[:, j]),
        kept_energy=share * other,
    )


def _strongest(gain: Array, order: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], float]:
    """Indices of the images to keep, in their own order, and their share of the energy."""
    energy = np.square(gain)
    low = (order <= 1) & (energy > 0.0)
    rank = np.argsort(np.where(low, -np.inf, -energy), kind="stable")[: max(count, int(low.sum()))]
    keep = np.sort(rank[energy[rank] > 0.0])
    return keep, float(energy[keep].sum() / max(energy.sum(), 1e-300))


def _gain(ends: Ends, position: Array, weight: Array, at_m: Array, loss: float, directed: bool) -> Array:
    ray = at_m - position
    distance = np.maximum(np.linalg.norm(ray, axis=-1), 1e-3)
    gain = weight * np.exp(-loss * distance) / distance
    if directed:
        cosine = np.sum(ray * ends.mirror * ends.axis, axis=-1) / distance
        gain = gain * np.interp(cosine, np.linspace(-1.0, 1.0, len(ends.pattern)), ends.pattern)
    return gain


# Rows of STEPS numbers in flat buffers: distances between rows are then known when compiling, and loops vectorise.
N = STEPS
X, Y, Z, EU, EV, NORMAL, SQUARE, AREA = (row * N for row in (0, 1, 2, 3, 6, 9, 12, 14))
ALONG_U, ALONG_V, FACING, SIN_U, COS_U, SIN_V, COS_V, BEND_U, BEND_V, RE, IM = (row * N for row in range(11))
GEOMETRY, END = 15 * N, 11 * N


@compiled
def _leg(k, g, px, py, pz, n, end, near):
    """Of one end: half k times its direction along the edges, their sines and cosines, direction along the normal, bends; 1/r, r."""
    turn = 0.5 * k / (2.0 * math.pi)
    for t in range(n):
        dx, dy, dz = g[X + t] - px, g[Y + t] - py, g[Z + t] - pz
        r2 = dx * dx + dy * dy + dz * dz
        over = 1.0 / math.sqrt(r2)
        u = (dx * g[EU + t] + dy * g[EU + N + t] + dz * g[EU + 2 * N + t]) * over
        v = (dx * g[EV + t] + dy * g[EV + N + t] + dz * g[EV + 2 * N + t]) * over
        su, cu = sincos(u * turn)
        sv, cv = sincos(v * turn)
        end[ALONG_U + t] = 0.5 * k * u
        end[ALONG_V + t] = 0.5 * k * v
        end[FACING + t] = (dx * g[NORMAL + t] + dy * g[NORMAL + N + t] + dz * g[NORMAL + 2 * N + t]) * over
        square_u, square_v = g[SQUARE + t] - u * u, g[SQUARE + N + t] - v * v
        end[BEND_U + t] = 0.5 * k * square_u * over
        end[BEND_V + t] = 0.5 * k * square_v * over
        end[SIN_U + t] = su
        end[COS_U + t] = cu
        end[SIN_V + t] = sv
        end[COS_V + t] = cv
        near[t] = over
        near[N + t] = r2 * over + (square_u + square_v) * over * (1.0 / 24.0)


@compiled
def _hide(end, n):
    """Ends behind a one-sided facet neither light nor hear it."""
    for t in range(n):
        end[FACING + t] = min(end[FACING + t], np.float32(0.0))


@compiled
def _light(turn, gain, slope, n, near, end):
    """The field of one image, the slow part of its level linear in time."""
    for t in range(n):
        s, c = sincos(near[N + t] * turn)
        level = (gain + slope * t) * near[t]
        end[RE + t] = level * c
        end[IM + t] = -level * s


@compiled
def _sheet(n, a, b):
    """Adds obliquity x integrals along u and v x field of one pair of images to the sums of the hearing end b, single precision."""
    near_u, near_v, one, sixth, half = (
        np.float32(0.05),
        np.float32(0.05),
        np.float32(1),
        np.float32(1 / 6),
        np.float32(0.5),
    )
    for t in range(n):
        pu, pv = a[ALONG_U + t] + b[ALONG_U + t], a[ALONG_V + t] + b[ALONG_V + t]
        su = a[SIN_U + t] * b[COS_U + t] + a[COS_U + t] * b[SIN_U + t]
        cu = a[COS_U + t] * b[COS_U + t] - a[SIN_U + t] * b[SIN_U + t]
        sv = a[SIN_V + t] * b[COS_V + t] + a[COS_V + t] * b[SIN_V + t]
        cv = a[COS_V + t] * b[COS_V + t] - a[SIN_V + t] * b[SIN_V + t]
        ca, cb = a[FACING + t], b[FACING + t]
        flat_u, flat_v = abs(pu) < near_u, abs(pv) < near_v
        qu, qv = one if flat_u else pu, one if flat_v else pv
        facing = abs(ca) + abs(cb) + np.float32(1e-12)
        inverse = one / (facing * qu * qv)
        over_u, over_v = inverse * facing * qv, inverse * facing * qu
        su = one - sixth * pu * pu if flat_u else su * over_u
        sv = one - sixth * pv * pv if flat_v else sv * over_v
        # The bend of the front over the facet, to first order and without its mean.
        bu = sixth * su + (
            np.float32(-1 / 6) + np.float32(1 / 60) * pu * pu
            if flat_u
            else half * (cu - su) * over_u * over_u
        )
        bv = sixth * sv + (
            np.float32(-1 / 6) + np.float32(1 / 60) * pv * pv
            if flat_v
            else half * (cv - sv) * over_v * over_v
        )
        oblique = ca * cb * inverse * qu * qv
        re = oblique * su * sv
        im = -oblique * (
            (a[BEND_U + t] + b[BEND_U + t]) * bu * sv + (a[BEND_V + t] + b[BEND_V + t]) * bv * su
        )
        b[RE + t] += re * a[RE + t] - im * a[IM + t]
        b[IM + t] += re * a[IM + t] + im * a[RE + t]


@compiled
def _hear(turn, gain, slope, n, g, px, py, pz, end, total):
    """Adds what one microphone hears of the sums of `end` to total (2 N,)."""
    for t in range(n):
        dx, dy, dz = g[X + t] - px, g[Y + t] - py, g[Z + t] - pz
        r2 = dx * dx + dy * dy + dz * dz
        over = 1.0 / math.sqrt(r2)
        u = (dx * g[EU + t] + dy * g[EU + N + t] + dz * g[EU + 2 * N + t]) * over
        v = (dx * g[EV + t] + dy * g[EV + N + t] + dz * g[EV + 2 * N + t]) * over
        s, c = sincos(
            (r2 * over + (g[SQUARE + t] + g[SQUARE + N + t] - u * u - v * v) * over * (1.0 / 24.0)) * turn
        )
        level = (gain + slope * t) * over * g[AREA + t]
        # j (re + j im)(c - j s)
        total[t] += level * (end[RE + t] * s - end[IM + t] * c)
        total[N + t] += level * (end[RE + t] * c + end[IM + t] * s)


@compiled
def directed(dx, dy, dz, axis, pattern):
    """Amplitude of a loudspeaker in a direction of any length; axis: (3,), pattern: over the cosine."""
    cells = len(pattern) - 1
    cosine = (dx * axis[0] + dy * axis[1] + dz * axis[2]) / math.sqrt(dx * dx + dy * dy + dz * dz)
    at = (0.5 + 0.5 * cosine) * cells
    cell = min(max(int(at), 0), cells - 1)
    return pattern[cell] + (pattern[cell + 1] - pattern[cell]) * (at - cell)


@compiled
def _lit(k, loss, g, at, weight, axis, pattern, n, end, near):
    """One image of the loudspeaker, at (3,), as the facet sees it, into `end`."""
    px, py, pz = at[0], at[1], at[2]
    last = n - 1
    _leg(k, g, px, py, pz, n, end, near)
    gain = directed(g[X] - px, g[Y] - py, g[Z] - pz, axis, pattern)
    gain *= weight * math.exp(-loss * near[N])
    after = directed(g[X + last] - px, g[Y + last] - py, g[Z + last] - pz, axis, pattern)
    after *= weight * math.exp(-loss * near[N + last])
    _light(k / (2.0 * math.pi), gain, (after - gain) / max(last, 1), n, near, end)


@compiled
def _shape(g, edge_u, edge_v, reflection, nu, nv, k, front, n):
    """Edges, normal and strength of the parts of one facet: edge_u, edge_v (3, n), reflection (n,) into g."""
    for axis in range(3):
        for t in range(n):
            g[EU + axis * N + t] = edge_u[axis, t] / nu
            g[EV + axis * N + t] = edge_v[axis, t] / nv
    for t in range(n):
        ux, uy, uz = g[EU + t], g[EU + N + t], g[EU + 2 * N + t]
        vx, vy, vz = g[EV + t], g[EV + N + t], g[EV + 2 * N + t]
        wx, wy, wz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        size = math.sqrt(wx * wx + wy * wy + wz * wz) + 1e-30
        side = -1.0 if wx * front[0] + wy * front[1] + wz * front[2] < 0.0 else 1.0
        g[NORMAL + t], g[NORMAL + N + t], g[NORMAL + 2 * N + t] = (
            side * wx / size,
            side * wy / size,
            side * wz / size,
        )
        g[SQUARE + t] = ux * ux + uy * uy + uz * uz
        g[SQUARE + N + t] = vx * vx + vy * vy + vz * vz
        # 4 from the obliquity, over 4 pi.
        g[AREA + t] = size * reflection[t] * k / math.pi


@compiled
def _part(g, centre, pu, pv, n):
    """Middle of one part: centre (3, n) and so many edges off it."""
    for axis in range(3):
        for t in range(n):
            g[axis * N + t] = centre[axis, t] + pu * g[EU + axis * N + t] + pv * g[EV + axis * N + t]


@compiled
def render(
    centre, edge_u, edge_v, reflection, split, k, loss, front, source, source_weight, axis, pattern, middle,
    microphone, microphone_weight, out,
):  # fmt: skip
    """Adds the echoes of F facets at T moments to out (M, T), complex.

    centre, edge_u, edge_v: (F, 3, T). reflection: (F, T). split: (F, 2), into how many parts each edge is cut. front: (3,),
    the side that is seen, or zeros for both. The rest as in `Images`.
    """
    facets, _, steps = centre.shape
    images, heard, microphones = len(source), len(middle), len(microphone)
    turn = k / (2.0 * math.pi)
    sided = front[0] != 0.0 or front[1] != 0.0 or front[2] != 0.0
    g, near = np.zeros(GEOMETRY), np.zeros(2 * N)
    lit, ear = np.zeros((images, END), np.float32), np.zeros(END, np.float32)
    total = np.zeros((microphones, 2 * N))
    for begin in range(0, steps, N):
        n = min(N, steps - begin)
        last = n - 1
        for f in range(facets):
            nu, nv = split[f, 0], split[f, 1]
            _shape(
                g, edge_u[f, :, begin : begin + n], edge_v[f, :, begin : begin + n], reflection[f, begin : begin + n],
                nu, nv, k, front, n,
            )  # fmt: skip
            for part in range(nu * nv):
                pu, pv = part // nv + 0.5 - 0.5 * nu, part % nv + 0.5 - 0.5 * nv
                _part(g, centre[f, :, begin : begin + n], pu, pv, n)
                for i in range(images):
                    _lit(k, loss, g, source[i], source_weight[i], axis[i], pattern, n, lit[i], near)
                    if sided:
                        _hide(lit[i], n)
                for j in range(heard):
                    _leg(k, g, middle[j, 0], middle[j, 1], middle[j, 2], n, ear, near)
                    if sided:
                        _hide(ear, n)
                    ear[RE : RE + 2 * N] = 0.0
                    for i in range(images):
                        _sheet(n, lit[i], ear)
                    gain = math.exp(-loss * near[N])
                    slope = (math.exp(-loss * near[N + last]) - gain) / max(last, 1)
                    for m in range(microphones):
                        w = microphone_weight[m, j]
                        px, py, pz = microphone[m, j, 0], microphone[m, j, 1], microphone[m, j, 2]
                        _hear(turn, w * gain, w * slope, n, g, px, py, pz, ear, total[m])
        for m in range(microphones):
            for t in range(n):
                out[m, begin + t] += complex(total[m, t], total[m, N + t])
            total[m] = 0.0


def parts(
    edge_u: Array, edge_v: Array, distance_m: Array, wavenumber: float, edge_rad: float = EDGE_RAD
) -> NDArray:
    """Into how many parts facets must be cut, (F, 2).

    edge_u, edge_v: lengths in m, (F,). distance_m: (F,), harmonic mean of the two ends' distances, at the nearest. A part of
    length L departs from linear phase by k L^2 / 8 (1 / r_in + 1 / r_out) at its edges, at most `edge_rad`.
    """
    longest = np.sqrt(edge_rad * 8.0 / wavenumber * np.maximum(distance_m, 0.02) / 2.0)
    return np.maximum(np.ceil(np.stack([edge_u, edge_v], axis=-1) / longest[:, None]), 1).astype(np.int64)


class FacetEcho:
    """The echo of everything flat that a mover has, rendered at a rate that its speed asks for, then interpolated.

    moving: its `pose` holds Facets (other shapes are left to other renderers). An attribute `front`, a unit vector (3,), says
    that only one side is ever lit. rate_hz: of the envelope. images: see `select_images`. edge_rad: see `parts`.
    The rate inside is the smallest divisor of rate_hz above 5.2 v f0 / c; interpolation leaves -70 dB or less.
    """

    def __init__(
        self, moving: Moving, stage: Stage, rate_hz: int, images: int = IMAGES, edge_rad: float = EDGE_RAD
    ) -> None:
        self.rate_hz = rate_hz
        self._moving, self._stage = moving, stage
        glance = [shape for shape in moving.pose(np.linspace(0.0, 60.0, 61)) if isinstance(shape, Facets)]
        if not glance:
            raise BadInput(f"movers.{moving.name}: it has no flat surfaces")
        front = getattr(moving, "front", None)
        self._front = np.zeros(3) if front is None else np.asarray(front, dtype=np.float64)
        weight = np.concatenate(
            [np.linalg.norm(np.cross(f.edge_u_m, f.edge_v_m), axis=-1)[:, 0] for f in glance]
        )
        middle = np.concatenate([f.centre_m.mean(axis=1) for f in glance])
        self._images = select_images(stage, np.average(middle, axis=0, weights=weight), images, front)
        self.kept_energy = self._images.kept_energy
        self._edge_rad = edge_rad
        self.control_rate_hz = control_rate_hz(moving.top_speed_m_s, stage, rate_hz)
        self._upsampler = Upsampler(self._render, stage.channels, rate_hz // self.control_rate_hz, BLOCK)

    def read(self, samples: int) -> NDArray[np.complex128]:
        return self._upsampler.read(samples)

    def _parts(self, facets: Facets) -> NDArray[np.int64]:
        """By the nearest pose of a block, so that something that roams is fine enough wherever it is."""
        ends = np.concatenate([self._stage.source.position_m[:, 0], self._stage.receivers.position_m[:, 0]])
        distance = np.linalg.norm(facets.centre_m[:, :: STEPS // 4, None] - ends, axis=-1).min(axis=(1, 2))
        lengths = [np.linalg.norm(edge, axis=-1).max(axis=1) for edge in (facets.edge_u_m, facets.edge_v_m)]
        return parts(*lengths, distance, self._stage.carrier.wavenumber, self._edge_rad)

    def _render(self, start: int, count: int) -> NDArray[np.complex128]:
        time = (start + np.arange(count)) / self.control_rate_hz
        out = np.zeros((self._stage.channels, count), dtype=np.complex128)
        for shape in self._moving.pose(time):
            if isinstance(shape, Facets):
                out += self._shape(shape, count)
        return out

    def _shape(self, shape: Facets, count: int) -> NDArray[np.complex128]:
        carrier, p = self._stage.carrier, self._images
        geometry = [np.moveaxis(e, 2, 1) for e in (shape.centre_m, shape.edge_u_m, shape.edge_v_m)]
        reflection = np.broadcast_to(np.atleast_2d(shape.reflection.T).T, (len(shape.centre_m), count))
        # What rests over a block has one echo: a door between two visits, a curtain while the fan of the HVAC is off.
        still = all(np.all(part == part[..., :1]) for part in (*geometry, reflection))
        steps = 1 if still else count
        out = np.zeros((self._stage.channels, steps), dtype=np.complex128)
        render(
            *(np.ascontiguousarray(part[..., :steps]) for part in geometry),
            np.ascontiguousarray(reflection[:, :steps], dtype=np.float64), self._parts(shape), carrier.wavenumber,
            carrier.absorption_np_m, self._front, p.source, p.source_weight, p.axis, p.pattern, p.middle, p.microphone,
            p.microphone_weight, out,
        )  # fmt: skip
        return np.broadcast_to(out, (self._stage.channels, count))


def control_rate_hz(top_speed_m_s: float, stage: Stage, rate_hz: int) -> int:
    """The smallest divisor of rate_hz that carries a speed: 1.3 times both sides of the largest Doppler shift, 2 v f0 / c."""
    carrier = stage.carrier
    needed = max(1.3 * 4.0 * top_speed_m_s * carrier.frequency_hz / carrier.speed_m_s, SLOWEST_HZ)
    if needed > rate_hz:
        raise BadInput(
            f"a mover of up to {top_speed_m_s:.3g} m/s needs an envelope of at least {needed:.0f} Hz, not {rate_hz} Hz"
        )
    return next(rate_hz // d for d in range(int(rate_hz // needed), 0, -1) if rate_hz % d == 0)
