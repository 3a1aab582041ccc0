"""Echo of moving flat surfaces: the Kirchhoff integral, its phase linear over each facet.

    E_m = sum_f R_f (jk / 4 pi) A_f sum_ij q_ij sinc(k/2 s_ij.e_u) sinc(k/2 s_ij.e_v) G_i G_mj,    s_ij = u_i + u_j

with G the fields of the images at the facet, u unit vectors from the images to it, sinc(x) = sin(x) / x, and the
obliquity q = 4 c_i c_j / (|c_i| + |c_j|), c = u.n. In the mirror's direction and straight back q is Kirchhoff's
c_i + c_j. It is negative when the ends lie on opposite sides: a thin sheet radiates the same to both sides with
opposite sign, which is its shadow, and nothing in its own plane (Babinet; Pierce, Acoustics, 1981, section 5.3).

Distances are means over a facet, r + (|e|^2 - (u.e)^2) / (24 r) for each edge, so that what a sphere's front departs from a plane
has no mean. Facets whose edges still depart by more than `EDGE_RAD` are divided.

Pairs of images do not factorise. The strongest are kept, `pairs` in all; an echo's `kept_energy` says how much of the energy of all
pairs of the stage that is (96 of order 3, heard by eight images: 0.56 for walls of |R| = 0.95, 0.64 for 0.85, 0.83 for 0.6). The
field is that of bodies at rest at each moment (the time of flight from a surface to a microphone is left out), which suits slow
surfaces; `rotor` has fans.

A hem swings, a rail does not, and gusts come and go: facets that are slow during a block are worked out at every second, fourth or
eighth moment and interpolated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from lab.acoustics.ultrasonic.bodies import Facets, Moving
from lab.acoustics.ultrasonic.kirchhoff import N, render
from lab.acoustics.ultrasonic.resample import OVER_BAND, STRIDES, TAPS, Upsampler, interpolated
from lab.acoustics.ultrasonic.stage import Ends, Stage
from lab.errors import BadInput

Array = NDArray[np.float64]

EDGE_RAD = 0.5  # largest departure from linear phase at the middle of an edge
PAIRS, EARS = 96, 8
BLOCK = 256  # control samples rendered at once, whatever is read; every stride divides it
SLOWEST_HZ = 50.0
GLANCES, MARGIN = (
    24,
    1.15,
)  # moments of a block at which speeds are looked at; a peak between them is less than this above


@dataclass(frozen=True, eq=False)
class Images:
    """The images in use. source, middle, microphone: positions (I, 3), (J, 3), (M, J, 3); middle is the array's.

    source_weight: (I,). axis: (I, 3), the loudspeaker's axis as each image has it. pattern: (K,). microphone_weight:
    (M, J). pairs: (P,), begins: (J + 1,); image j hears what the loudspeaker's images pairs[begins[j]:begins[j + 1]] light.
    kept_energy: share of the energy of all pairs of the stage, interference left out.
    """

    source: Array
    source_weight: Array
    axis: Array
    pattern: Array
    middle: Array
    microphone: Array
    microphone_weight: Array
    pairs: NDArray[np.int64]
    begins: NDArray[np.int64]
    kept_energy: float


def select_images(stage: Stage, at_m: Array, count: int = PAIRS, front: Array | None = None) -> Images:
    """The `count` strongest pairs of images that light a body at `at_m` (3,) and hear it.

    EARS images hear, more where more pairs are asked for.

    front: (3,), unit vector; images behind the plane through `at_m` are left out (a curtain hides what is behind it).
    Raises BadInput when none is left.
    """
    source, receivers = stage.source, stage.receivers
    loss = stage.carrier.absorption_np_m
    middle = receivers.position_m.mean(axis=0)
    lit = _gain(source, source.position_m[0], source.weight[0], at_m, loss)
    heard = _gain(receivers, middle, np.abs(receivers.weight).mean(axis=0), at_m, loss)
    # A microphone's pattern is taken towards the middle of the body, where it is on average.
    hearing = receivers.weight * receivers.towards(at_m - middle)
    if front is not None:
        lit = np.where((source.position_m[0] - at_m) @ front > 0.0, lit, 0.0)
        heard = np.where((middle - at_m) @ front > 0.0, heard, 0.0)
    ears = np.sort(np.argsort(-np.square(heard), kind="stable")[: max(EARS, math.ceil(count * EARS / PAIRS))])
    energy = np.outer(np.square(heard[ears]), np.square(lit)).ravel()
    kept = np.argsort(-energy, kind="stable")[:count]
    kept = np.sort(kept[energy[kept] > 0.0])
    if not len(kept):
        raise BadInput("no image of the loudspeaker lights the front of a moving surface")
    hears, lights = np.divmod(kept, len(lit))
    i, pairs = np.unique(lights, return_inverse=True)
    hears, begins = np.unique(hears, return_index=True)
    j = ears[hears]
    return Images(
        source=np.ascontiguousarray(source.position_m[0][i]),
        source_weight=np.ascontiguousarray(source.weight[0][i]),
        axis=np.ascontiguousarray(source.mirror[i] * source.axis),
        pattern=np.ascontiguousarray(source.pattern, dtype=np.float64),
        middle=np.ascontiguousarray(middle[j]),
        microphone=np.ascontiguousarray(receivers.position_m[:, j]),
        microphone_weight=np.ascontiguousarray(hearing[:, j]),
        pairs=pairs.astype(np.int64),
        begins=np.append(begins, len(kept)).astype(np.int64),
        kept_energy=float(energy[kept].sum() / np.square(heard).sum() / np.square(lit).sum()),
    )


def _gain(ends: Ends, position: Array, weight: Array, at_m: Array, loss: float) -> Array:
    ray = at_m - position
    distance = np.maximum(np.linalg.norm(ray, axis=-1), 1e-3)
    return weight * np.exp(-loss * distance) / distance * ends.towards(ray)


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
    that only one side is ever lit; a method `expected_pose` tells where it will be of something whose poses are not known yet: images are
    chosen by it. rate_hz: of the envelope. pairs: see `select_images`. edge_rad: see `parts`.
    The rate inside is the smallest divisor of rate_hz above 5.2 v f0 / c; interpolation leaves -70 dB or less.
    """

    def __init__(
        self, moving: Moving, stage: Stage, rate_hz: int, pairs: int = PAIRS, edge_rad: float = EDGE_RAD
    ) -> None:
        self.rate_hz = rate_hz
        self._moving, self._stage = moving, stage
        expected = getattr(moving, "expected_pose", moving.pose)(np.linspace(0.0, 60.0, 61))
        glance = [shape for shape in expected if isinstance(shape, Facets)]
        if not glance:
            raise BadInput(f"movers.{moving.name}: it has no flat surfaces")
        front = getattr(moving, "front", None)
        self._front = np.zeros(3) if front is None else np.asarray(front, dtype=np.float64)
        weight = np.concatenate(
            [np.linalg.norm(np.cross(f.edge_u_m, f.edge_v_m), axis=-1)[:, 0] for f in glance]
        )
        middle = np.concatenate([f.centre_m.mean(axis=1) for f in glance])
        self._images = select_images(stage, np.average(middle, axis=0, weights=weight), pairs, front)
        self.kept_energy = self._images.kept_energy
        self._edge_rad = edge_rad
        self.control_rate_hz = control_rate_hz(moving.top_speed_m_s, stage, rate_hz)
        self._upsampler = Upsampler(self._render, stage.channels, rate_hz // self.control_rate_hz, BLOCK)

    def read(self, samples: int) -> NDArray[np.complex128]:
        return self._upsampler.read(samples)

    def _parts(self, facets: Facets) -> NDArray[np.int64]:
        """By the nearest pose of a block, so that something that roams is fine enough wherever it is."""
        ends = np.concatenate([self._stage.source.position_m[:, 0], self._stage.receivers.position_m[:, 0]])
        centre = facets.centre_m[:, :: N // 4]
        distance = cdist(centre.reshape(-1, 3), ends).reshape(len(centre), -1).min(axis=1)
        lengths = [
            np.sqrt(np.einsum("ftx,ftx->ft", edge, edge).max(axis=1))
            for edge in (facets.edge_u_m, facets.edge_v_m)
        ]
        return parts(*lengths, distance, self._stage.carrier.wavenumber, self._edge_rad)

    def _render(self, start: int, count: int) -> NDArray[np.complex128]:
        out = np.zeros((self._stage.channels, count), dtype=np.complex128)
        strides = self._strides(start, count)
        coarsest = max(int(each.max()) for each in strides if each is not None)
        finest = min(int(each.min()) for each in strides if each is not None)
        lead, trail = _reach(coarsest)
        begin = start - lead * coarsest
        moments = np.arange(begin, start + count + trail * coarsest, finest)
        for shape, each in zip(self._moving.pose(moments / self.control_rate_hz), strides, strict=True):
            if each is None:
                continue
            for stride in np.unique(each):
                lead, trail = _reach(stride)
                first = (start - lead * stride - begin) // finest
                steps = count // stride + lead + trail
                at = slice(first, first + (steps - 1) * (stride // finest) + 1, stride // finest)
                echo = self._shape(shape, np.flatnonzero(each == stride), at)
                out += echo if stride == 1 else interpolated(echo, count, int(stride))
        return out

    def _strides(self, start: int, count: int) -> list[NDArray[np.int64] | None]:
        """Of each shape that is flat, at how many moments one each facet (F,) is worked out, by its speed around a block."""
        rate, reach = self.control_rate_hz, STRIDES[0] * TAPS // 2
        glances = np.linspace(start - reach, start + count + reach, GLANCES) / rate
        moved = self._moving.pose(np.stack([glances, glances + 1.0 / rate], axis=1).ravel())
        return [self._stride(shape) if isinstance(shape, Facets) else None for shape in moved]

    def _stride(self, shape: Facets) -> NDArray[np.int64]:
        """shape: at pairs of moments that follow each other."""
        if np.ndim(shape.reflection) > 1:
            return np.ones(len(shape.centre_m), np.int64)
        speed = np.zeros((len(shape.centre_m), GLANCES))
        for u in (-0.5, 0.5):
            for v in (-0.5, 0.5):
                corner = shape.centre_m + u * shape.edge_u_m + v * shape.edge_v_m
                step = corner[:, 1::2] - corner[:, ::2]
                speed = np.maximum(
                    speed, np.sqrt(np.einsum("ftx,ftx->ft", step, step)) * self.control_rate_hz
                )
        needed = needed_rate_hz(MARGIN * speed.max(axis=1), self._stage)
        fits = [self.control_rate_hz >= stride * needed for stride in STRIDES]
        # Interpolated coarsely, what starts would be heard before it does.
        starts = (speed.min(axis=1) == 0.0) & (speed.max(axis=1) > 0.0)
        return np.where(starts, 1, np.select(fits, STRIDES, default=1)).astype(np.int64)

    def _shape(self, shape: Facets, which: NDArray[np.int64], at: slice) -> NDArray[np.complex128]:
        """The echo (M, T) of some facets of a shape at some of its moments."""
        carrier, p = self._stage.carrier, self._images
        geometry = [np.moveaxis(e[which, at], 2, 1) for e in (shape.centre_m, shape.edge_u_m, shape.edge_v_m)]
        count = geometry[0].shape[2]
        reflection = np.broadcast_to(np.atleast_2d(shape.reflection.T).T, shape.centre_m.shape[:2])[which, at]
        # What rests over a block has one echo: a door between two visits, a curtain while the fan of the HVAC is off.
        still = all(np.all(part == part[..., :1]) for part in (*geometry, reflection))
        steps = 1 if still else count
        out = np.zeros((self._stage.channels, steps), dtype=np.complex128)
        part = Facets(*(np.moveaxis(e, 1, 2) for e in geometry), reflection)
        render(
            *(np.ascontiguousarray(each[..., :steps]) for each in geometry),
            np.ascontiguousarray(reflection[:, :steps], dtype=np.float64), self._parts(part), carrier.wavenumber,
            carrier.absorption_np_m, self._front, p.source, p.source_weight, p.axis, p.pattern, p.middle, p.microphone,
            p.microphone_weight, p.pairs, p.begins, out,
        )  # fmt: skip
        return np.broadcast_to(out, (self._stage.channels, count))


def _reach(stride: int) -> tuple[int, int]:
    """How many moments interpolation needs before a block and after it; none where every moment is worked out."""
    return (TAPS // 2 - 1, TAPS // 2) if stride > 1 else (0, 0)


def needed_rate_hz(speed_m_s: Array | float, stage: Stage) -> Array:
    """OVER_BAND times both sides of the largest Doppler shift, 2 v f0 / c, and SLOWEST_HZ at least."""
    carrier = stage.carrier
    return np.maximum(OVER_BAND * 4.0 * speed_m_s * carrier.frequency_hz / carrier.speed_m_s, SLOWEST_HZ)


def control_rate_hz(top_speed_m_s: float, stage: Stage, rate_hz: int) -> int:
    """The smallest divisor of rate_hz that carries a speed, as `needed_rate_hz` has it."""
    needed = float(needed_rate_hz(top_speed_m_s, stage))
    if needed > rate_hz:
        raise BadInput(
            f"a mover of up to {top_speed_m_s:.3g} m/s needs an envelope of at least {needed:.0f} Hz, not {rate_hz} Hz"
        )
    return next(rate_hz // d for d in range(int(rate_hz // needed), 0, -1) if rate_hz % d == 0)
