"""Echoes with exact retarded time: the reference renderer.

What microphone image j hears at t left the scatterer at ts, the root of

    ts + r_j(ts) / c = t,      r_j(ts) = |x(ts) - x_j|,

and left image i of the loudspeaker at te = ts - r_i(ts) / c. With the emitted envelope S the echo is

    E_m(t) = sum_j w_mj exp(-(a + jk) r_j) / r_j  A(ts)  F(ts)
    F(ts)  = sum_i D_i w_i exp(-(a + jk) r_i) / r_i  S(ts - r_i / c)        all lengths at ts.

F, the field that meets the scatterer, is a function of ts alone: it is sampled once on a grid and interpolated at the ts
of each microphone image, so images add where a double sum would multiply. What is left out: amplitudes of order v / c
(the convective factor of a moving source), -40 dB of the amplitude at 3 m/s, and nothing of the phase.

Accuracy: GRID_OVERSAMPLING and the 12-point Lagrange interpolation leave -110 dB of F; poses cost what `pose_rate_hz` of the
mover promises, sampled twice as fast. Oracles: tests/acoustics/ultrasonic/test_retarded.py and docs/ultrasound-oracles.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.ultrasonic.bodies import Array, Moving, Points, Shape
from lab.acoustics.ultrasonic.stage import Stage
from lab.errors import BadInput, LabFailure

Envelope = Callable[[Array], NDArray]
GRID_OVERSAMPLING = 8.0  # of the highest one-way Doppler shift v f0 / c
TAPS = 12
CHUNK_S = 0.5
GRID_CHUNK = 8192  # keeps (images, grid) arrays small whatever the span
SHORTEST_M = 0.001  # a path is never shorter: nothing is inside a transducer
_NODES = np.arange(TAPS) - (TAPS // 2 - 1)
_LAGRANGE = 1.0 / np.array([np.prod([float(k - n) for n in _NODES if n != k]) for k in _NODES])


def retarded(
    moving: Moving,
    stage: Stage,
    time_s: ArrayLike,
    envelope: Envelope | None = None,
    bandwidth_hz: float = 0.0,
) -> NDArray[np.complex128]:
    """The echo at any moments of the trial, (M, T), relative to the carrier of the same moment.

    time_s: (T,), in any order; memory goes with their span. envelope: what is emitted at times of any shape, in Pa at
    1 m, None for a steady tone of 1 Pa. bandwidth_hz: highest frequency in it, 0 or more.
    Raises BadInput for bodies other than points and for speeds of c / 2 and more, LabFailure when something moves faster
    than its `top_speed_m_s` says.
    """
    time_s = np.asarray(time_s, dtype=np.float64)
    carrier, slowness = stage.carrier, 1.0 / stage.carrier.speed_m_s
    mach = moving.top_speed_m_s * slowness
    if mach >= 0.5:
        raise BadInput(
            f"{moving.name}: moves at {moving.top_speed_m_s:g} m/s; retarded time is for less than c / 2"
        )
    out = np.zeros((stage.channels, len(time_s)), dtype=np.complex128)
    if not len(time_s):
        return out
    grid_hz = _grid_hz(moving, stage, bandwidth_hz)
    here, _ = _points(moving, moving.pose(time_s))
    # |dr/dt| <= v bounds the flight time from where the scatterer is at t: r(t) / (c + v) to r(t) / (c - v).
    nearest, farthest = _reach(here, stage.receivers.position_m)
    first = math.floor((time_s.min() - farthest * slowness / (1.0 - mach)) * grid_hz) - TAPS
    last = math.ceil((time_s.max() - nearest * slowness / (1.0 + mach)) * grid_hz) + TAPS
    grid_s = np.arange(first, last + 1) / grid_hz
    place, amplitude = _points(moving, moving.pose(grid_s))
    field = amplitude * _incident(place, stage, grid_s, envelope)
    receivers = stage.receivers
    lost = _receive(
        out, time_s, here, float(first), float(grid_hz), place, field, receivers.position_m, receivers.weight,
        carrier.wavenumber, carrier.absorption_np_m, carrier.speed_m_s,
    )  # fmt: skip
    if lost:
        raise LabFailure(f"{moving.name}: moves faster than its top speed of {moving.top_speed_m_s:g} m/s")
    return out


class RetardedEcho:
    """The echo of a steady tone of unit pressure, as a stream from the start of the trial (`Echo`).

    rate_hz: of the envelope; at least 4 v f0 / c, or BadInput. For moments elsewhere call `retarded`.
    """

    def __init__(self, moving: Moving, stage: Stage, rate_hz: int) -> None:
        needed = 4.0 * moving.top_speed_m_s * stage.carrier.frequency_hz / stage.carrier.speed_m_s
        if rate_hz < needed:
            raise BadInput(
                f"{moving.name}: moves at {moving.top_speed_m_s:g} m/s, which spreads over {needed:.0f} Hz about "
                f"{stage.carrier.frequency_hz:g} Hz; a control rate of {rate_hz} Hz cannot carry it"
            )
        self.rate_hz = rate_hz
        self._moving, self._stage = moving, stage
        self._chunk = max(1, round(CHUNK_S * rate_hz))
        self._rendered = 0
        self._waiting = np.zeros((stage.channels, 0), dtype=np.complex128)

    def read(self, samples: int) -> NDArray[np.complex128]:
        """The next samples at every microphone, (M, samples), in Pa per Pa."""
        parts = [self._waiting]
        held = self._waiting.shape[1]
        while held < samples:
            index = np.arange(self._rendered, self._rendered + self._chunk)
            parts.append(retarded(self._moving, self._stage, index / self.rate_hz))
            self._rendered += self._chunk
            held += self._chunk
        heard = np.concatenate(parts, axis=1)
        self._waiting = heard[:, samples:]
        return heard[:, :samples]


def _grid_hz(moving: Moving, stage: Stage, bandwidth_hz: float) -> int:
    doppler_hz = moving.top_speed_m_s * stage.carrier.frequency_hz / stage.carrier.speed_m_s
    return math.ceil(max(GRID_OVERSAMPLING * (doppler_hz + bandwidth_hz), 2.0 * moving.pose_rate_hz))


def _points(moving: Moving, shapes: tuple[Shape, ...]) -> tuple[Array, Array]:
    """Positions (P, T, 3) and amplitudes (P, T) of all points of a pose."""
    for shape in shapes:
        if not isinstance(shape, Points):
            raise BadInput(f"{moving.name}: {type(shape).__name__} have no retarded rendering; points have")
    place = np.concatenate([np.asarray(shape.position_m, dtype=np.float64) for shape in shapes])
    amplitude = np.concatenate([_over_time(shape.amplitude_m, place.shape[1]) for shape in shapes])
    return np.ascontiguousarray(place), amplitude


def _over_time(value: Array, times: int) -> Array:
    value = np.asarray(value, dtype=np.float64)
    return np.broadcast_to(value if value.ndim == 2 else value[:, None], (len(value), times))


def _reach(place: Array, images: Array) -> tuple[float, float]:
    """Bounds of the distance between any of these places (P, T, 3) and any image (E, N, 3)."""
    low, high = place.min(axis=(0, 1)), place.max(axis=(0, 1))
    outside = np.maximum(np.maximum(low - images, images - high), 0.0)
    across = np.maximum(np.abs(images - low), np.abs(images - high))
    return float(np.sqrt((outside**2).sum(-1)).min()), float(np.sqrt((across**2).sum(-1)).max())


def _incident(place: Array, stage: Stage, grid_s: Array, envelope: Envelope | None) -> NDArray[np.complex128]:
    """The field F of the loudspeaker and its images at every scatterer and moment of the grid, (P, G)."""
    carrier, source = stage.carrier, stage.source
    field = np.empty(place.shape[:2], dtype=np.complex128)
    starts = range(0, place.shape[1], GRID_CHUNK)
    for scatterer, start in itertools.product(range(len(place)), starts):
        span = slice(start, start + GRID_CHUNK)
        gain, length = _gains(
            place[scatterer, span], source.position_m[0], source.weight[0], source.mirror, np.asarray(source.axis),
            np.asarray(source.pattern), carrier.wavenumber, carrier.absorption_np_m,
        )  # fmt: skip
        if envelope is not None:
            gain *= envelope(grid_s[span] - length / carrier.speed_m_s)
        field[scatterer, span] = gain.sum(axis=0)
    return field


@compiled
def _gains(path, position, weight, mirror, axis, pattern, wavenumber, absorption):
    """D w exp(-(a + jk) r) / r of every image of a loudspeaker at each place (G, 3), and r, both (N, G)."""
    images, moments = len(position), len(path)
    gain = np.empty((images, moments), dtype=np.complex128)
    length = np.empty((images, moments))
    steps = len(pattern) - 1
    for i in range(images):
        ax, ay, az = axis[0] * mirror[i, 0], axis[1] * mirror[i, 1], axis[2] * mirror[i, 2]
        for g in range(moments):
            dx, dy, dz = path[g, 0] - position[i, 0], path[g, 1] - position[i, 1], path[g, 2] - position[i, 2]
            r = max(math.sqrt(dx * dx + dy * dy + dz * dz), SHORTEST_M)
            cosine = (dx * ax + dy * ay + dz * az) / r
            at = min(max(0.5 * (cosine + 1.0), 0.0), 1.0) * steps
            low = min(int(at), max(steps - 1, 0))
            directivity = pattern[low] + (at - low) * (pattern[min(low + 1, steps)] - pattern[low])
            size = directivity * weight[i] * math.exp(-absorption * r) / r
            gain[i, g] = size * complex(math.cos(wavenumber * r), -math.sin(wavenumber * r))
            length[i, g] = r
    return gain, length


@compiled
def _at(path, at):
    """Place and velocity (per step) at a fractional index `at`, by the cubic through four neighbours (Lagrange)."""
    i = math.floor(at)
    u = at - i
    a, b, c, d = (
        -u * (u - 1) * (u - 2) / 6,
        (u + 1) * (u - 1) * (u - 2) / 2,
        -(u + 1) * u * (u - 2) / 2,
        (u + 1) * u * (u - 1) / 6,
    )
    da, db = -(3 * u * u - 6 * u + 2) / 6, (3 * u * u - 4 * u - 1) / 2
    dc, dd = -(3 * u * u - 2 * u - 2) / 2, (3 * u * u - 1) / 6
    p, q, r, s = path[i - 1], path[i], path[i + 1], path[i + 2]
    return (
        a * p[0] + b * q[0] + c * r[0] + d * s[0],
        a * p[1] + b * q[1] + c * r[1] + d * s[1],
        a * p[2] + b * q[2] + c * r[2] + d * s[2],
        da * p[0] + db * q[0] + dc * r[0] + dd * s[0],
        da * p[1] + db * q[1] + dc * r[1] + dd * s[1],
        da * p[2] + db * q[2] + dc * r[2] + dd * s[2],
    )


@compiled
def _between(values, at):
    """Complex values at a fractional index, by the 12-point Lagrange polynomial."""
    i = math.floor(at)
    u = at - i
    below = np.empty(TAPS)
    below[0] = 1.0
    for k in range(1, TAPS):
        below[k] = below[k - 1] * (u - (k - 1 - (TAPS // 2 - 1)))
    above = 1.0
    total = 0j
    for k in range(TAPS - 1, -1, -1):
        total += (_LAGRANGE[k] * below[k] * above) * values[i + k - (TAPS // 2 - 1)]
        above *= u - (k - (TAPS // 2 - 1))
    return total


@compiled
def _receive(
    out, time_s, here, first, grid_hz, place, field, position, weight, wavenumber, absorption, speed
):
    """Add to out (M, T) what every image (M, N) hears of every scatterer; the number of moments whose ts is off the grid."""
    lost = 0
    low, high = TAPS // 2 - 1.0, place.shape[1] - TAPS // 2 - 1.0
    per_m = grid_hz / speed
    for p in range(len(place)):
        path = place[p]
        for m in range(position.shape[0]):
            for j in range(position.shape[1]):
                x, y, z = position[m, j, 0], position[m, j, 1], position[m, j, 2]
                for t in range(len(time_s)):
                    now = time_s[t] * grid_hz - first
                    dx, dy, dz = here[p, t, 0] - x, here[p, t, 1] - y, here[p, t, 2] - z
                    r = math.sqrt(dx * dx + dy * dy + dz * dz)
                    at = now - r * per_m
                    for _ in range(
                        20
                    ):  # Newton on ts + r / c - t, which converges in three steps at walking speed
                        at = min(max(at, low), high)
                        px, py, pz, vx, vy, vz = _at(path, at)
                        dx, dy, dz = px - x, py - y, pz - z
                        r = max(math.sqrt(dx * dx + dy * dy + dz * dz), SHORTEST_M)
                        slope = 1.0 + per_m * (dx * vx + dy * vy + dz * vz) / r
                        step = (at + r * per_m - now) / slope
                        at -= step
                        if abs(step) < 1e-9 + 1e-15 * abs(
                            now
                        ):  # the second term: rounding, for ends thousands of km away
                            break
                    else:
                        lost += 1
                    size = weight[m, j] * math.exp(-absorption * r) / r
                    phasor = complex(math.cos(wavenumber * r), -math.sin(wavenumber * r))
                    out[m, t] += size * phasor * _between(field[p], min(max(at, low), high))
    return lost
