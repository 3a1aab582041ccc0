"""Echoes with exact retarded time: the reference renderer.

What microphone image j hears at t left the scatterer at ts, the root of

    ts + r_j(ts) / c = t,      r_j(ts) = |x(ts) - x_j|,

and left image i of the loudspeaker at te = ts - r_i(ts) / c. With the emitted envelope S the echo is

    E_m(t) = sum_j w_mj exp(-(a + jk) r_j) / r_j  A(ts)  F(ts)
    F(ts)  = sum_i D_i w_i exp(-(a + jk) r_i) / r_i  S(ts - r_i / c)        all lengths at ts.

Of a spheroid, lengths run to its surface and amplitudes are the end factors of `scattering`: r - h(u) and e(r - h) for r and
1 / r. F, the field that meets the scatterer, is a function of ts alone: it is sampled once on a grid and interpolated at the ts
of each microphone image, so images add where a double sum would multiply. What is left out: amplitudes of order v / c
(the convective factor of a moving source), -40 dB of the amplitude at 3 m/s, and nothing of the phase.

Accuracy: GRID_OVERSAMPLING and the 12-point Lagrange interpolation leave -110 dB of F; poses cost what `pose_rate_hz` of the
mover promises, sampled twice as fast. Oracles: tests/acoustics/ultrasonic/test_retarded.py and docs/ultrasound-oracles.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab.acoustics.compiled import compiled
from lab.acoustics.ultrasonic.bodies import Array, Moving, Points, Spheroids
from lab.acoustics.ultrasonic.product import least_rate_hz
from lab.acoustics.ultrasonic.scattering import NEAREST_M
from lab.acoustics.ultrasonic.stage import Stage
from lab.errors import BadInput, LabFailure

Envelope = Callable[[Array], NDArray]
GRID_OVERSAMPLING = 8.0  # of the highest one-way Doppler shift v f0 / c
TAPS = 12
CHUNK_S = 0.5
MOST_STEPS = 40  # of the secant method, which needs 3 to 5
GRID_CHUNK = 8192  # keeps (images, grid) arrays small whatever the span
_NODES = np.arange(TAPS)
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
    Raises BadInput for bodies other than points and spheroids and for speeds of c / 2 and more, LabFailure when something moves faster
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
    here = _bodies(moving, time_s)
    # |dr/dt| <= v bounds the flight time from where the scatterer is at t: r(t) / (c + v) to r(t) / (c - v).
    nearest, farthest = _reach(here, stage.receivers.position_m)
    first = math.floor((time_s.min() - farthest * slowness / (1.0 - mach)) * grid_hz) - TAPS
    last = math.ceil((time_s.max() - nearest * slowness / (1.0 + mach)) * grid_hz) + TAPS
    grid_s = np.arange(first, last + 1) / grid_hz
    bodies = _bodies(moving, grid_s)
    field = bodies.amplitude * _incident(bodies, stage, grid_s, envelope)
    receivers = stage.receivers
    lost = _receive(
        out, time_s, here.pose, float(first), float(grid_hz), bodies.pose, bodies.size_m, field, receivers.position_m, receivers.weight,
        receivers.mirror * receivers.axis, np.asarray(receivers.pattern), carrier.wavenumber, carrier.absorption_np_m, carrier.speed_m_s,
    )  # fmt: skip
    if lost:
        raise LabFailure(f"{moving.name}: moves faster than its top speed of {moving.top_speed_m_s:g} m/s")
    return out


class RetardedEcho:
    """The echo of a steady tone of unit pressure, as a stream from the start of the trial (`Echo`).

    rate_hz: of the envelope; at least 4 v f0 / c, or BadInput. For moments elsewhere call `retarded`.
    """

    def __init__(self, moving: Moving, stage: Stage, rate_hz: int) -> None:
        needed = least_rate_hz(moving.top_speed_m_s, stage.carrier)
        if rate_hz < needed:
            raise BadInput(
                f"rate_hz = {rate_hz}: {moving.name} moves at {moving.top_speed_m_s:.3g} m/s, which needs {needed:.0f} Hz "
                f"about {stage.carrier.frequency_hz:g} Hz"
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


@dataclass(frozen=True, eq=False)
class _Bodies:
    """Points and spheroids alike. pose: (P, T, 6), centre and axis. size_m: (P, 2), radius and half length, 0 of a point.

    amplitude: (P, T), in m of a point, reflection of a spheroid.
    """

    pose: Array
    size_m: Array
    amplitude: Array


def _bodies(moving: Moving, time_s: Array) -> _Bodies:
    pose, size_m, amplitude = [], [], []
    for shape in moving.pose(time_s):
        if isinstance(shape, Points):
            pose.append(np.concatenate([shape.position_m, np.zeros_like(shape.position_m)], axis=2))
            size_m.append(np.zeros((len(shape.position_m), 2)))
            amplitude.append(_over_time(shape.amplitude_m, len(time_s)))
        elif isinstance(shape, Spheroids):
            pose.append(np.concatenate([shape.centre_m, shape.axis], axis=2))
            size_m.append(np.stack([shape.radius_m, shape.half_length_m], axis=1))
            amplitude.append(_over_time(shape.reflection, len(time_s)))
        else:
            raise BadInput(
                f"{moving.name}: {type(shape).__name__} have no retarded rendering; Points and Spheroids have"
            )
    return _Bodies(np.concatenate(pose), np.concatenate(size_m), np.concatenate(amplitude))


def _over_time(value: Array, times: int) -> Array:
    value = np.asarray(value, dtype=np.float64)
    return np.broadcast_to(value if value.ndim == 2 else value[:, None], (len(value), times))


def _reach(bodies: _Bodies, images: Array) -> tuple[float, float]:
    """Bounds of the distance between the surface of any body and any image (E, N, 3)."""
    centre, size = bodies.pose[:, :, :3], bodies.size_m.max()
    low, high = centre.min(axis=(0, 1)), centre.max(axis=(0, 1))
    outside = np.maximum(np.maximum(low - images, images - high), 0.0)
    across = np.maximum(np.abs(images - low), np.abs(images - high))
    return max(float(np.sqrt((outside**2).sum(-1)).min()) - size, 0.0), float(
        np.sqrt((across**2).sum(-1)).max()
    )


def _incident(
    bodies: _Bodies, stage: Stage, grid_s: Array, envelope: Envelope | None
) -> NDArray[np.complex128]:
    """The field F of the loudspeaker and its images at every body and moment of the grid, (P, G)."""
    carrier, source = stage.carrier, stage.source
    field = np.empty(bodies.amplitude.shape, dtype=np.complex128)
    starts = range(0, field.shape[1], GRID_CHUNK)
    for body, start in itertools.product(range(len(field)), starts):
        span = slice(start, start + GRID_CHUNK)
        gain, length = _gains(
            bodies.pose[body, span], bodies.size_m[body], source.position_m[0], source.weight[0], source.mirror, np.asarray(source.axis),
            np.asarray(source.pattern), carrier.wavenumber, carrier.absorption_np_m,
        )  # fmt: skip
        if envelope is not None:
            gain *= envelope(grid_s[span] - length / carrier.speed_m_s)
        field[body, span] = gain.sum(axis=0)
    return field


@compiled
def _path(dx, dy, dz, nx, ny, nz, radius, half_length):
    """Length to the specular point and the support there; d: from the end to the centre."""
    r = max(math.sqrt(dx * dx + dy * dy + dz * dz), NEAREST_M)
    if radius == 0.0:
        return r, 0.0
    cosine = (dx * nx + dy * ny + dz * nz) / r
    h = math.sqrt(radius * radius + (half_length * half_length - radius * radius) * cosine * cosine)
    return max(r - h, NEAREST_M), h


@compiled
def _factor(s, h, radius, half_length):
    """Amplitude of an end: 1 / s of a point, `scattering.end_factor` of a spheroid."""
    if radius == 0.0:
        return 1.0 / s
    a2, c2 = radius * radius, half_length * half_length
    section = s * s / 4.0 / ((1.0 + s * h * h * h / (a2 * c2)) * (1.0 + s * h / a2))
    return math.sqrt(math.sqrt(section)) / s


@compiled
def _directivity(dx, dy, dz, axis, pattern):
    """Amplitude of an end with this axis (3,) in a direction of any length, by straight lines through the pattern."""
    steps = len(pattern) - 1
    cosine = (dx * axis[0] + dy * axis[1] + dz * axis[2]) / math.sqrt(dx * dx + dy * dy + dz * dz)
    at = min(max(0.5 * (cosine + 1.0), 0.0), 1.0) * steps
    low = min(int(at), max(steps - 1, 0))
    return pattern[low] + (at - low) * (pattern[min(low + 1, steps)] - pattern[low])


@compiled
def _gains(path, size_m, position, weight, mirror, axis, pattern, wavenumber, absorption):
    """D w e(s) exp(-(a + jk) s) of every image of a loudspeaker at each pose (G, 6), and s, both (N, G)."""
    images, moments = len(position), len(path)
    gain = np.empty((images, moments), dtype=np.complex128)
    length = np.empty((images, moments))
    for i in range(images):
        facing = axis * mirror[i]
        for g in range(moments):
            p = path[g]
            dx, dy, dz = p[0] - position[i, 0], p[1] - position[i, 1], p[2] - position[i, 2]
            s, h = _path(dx, dy, dz, p[3], p[4], p[5], size_m[0], size_m[1])
            size = (
                _directivity(dx, dy, dz, facing, pattern)
                * weight[i]
                * math.exp(-absorption * s)
                * _factor(s, h, size_m[0], size_m[1])
            )
            gain[i, g] = size * complex(math.cos(wavenumber * s), -math.sin(wavenumber * s))
            length[i, g] = s
    return gain, length


@compiled
def _path_at(path, at, x, y, z, radius, half_length):
    """`_path` to the end (x, y, z) of the pose at a fractional index, by the cubic through four neighbours (Lagrange)."""
    i = math.floor(at)
    u = at - i
    a, b = -u * (u - 1.0) * (u - 2.0) / 6.0, (u + 1.0) * (u - 1.0) * (u - 2.0) / 2.0
    c, d = -(u + 1.0) * u * (u - 2.0) / 2.0, (u + 1.0) * u * (u - 1.0) / 6.0
    dx = a * path[i - 1, 0] + b * path[i, 0] + c * path[i + 1, 0] + d * path[i + 2, 0] - x
    dy = a * path[i - 1, 1] + b * path[i, 1] + c * path[i + 1, 1] + d * path[i + 2, 1] - y
    dz = a * path[i - 1, 2] + b * path[i, 2] + c * path[i + 1, 2] + d * path[i + 2, 2] - z
    nx = a * path[i - 1, 3] + b * path[i, 3] + c * path[i + 1, 3] + d * path[i + 2, 3]
    ny = a * path[i - 1, 4] + b * path[i, 4] + c * path[i + 1, 4] + d * path[i + 2, 4]
    nz = a * path[i - 1, 5] + b * path[i, 5] + c * path[i + 1, 5] + d * path[i + 2, 5]
    return _path(dx, dy, dz, nx, ny, nz, radius, half_length)


@compiled
def _between(values, at, below):
    """Complex values at a fractional index, by the 12-point Lagrange polynomial. below: scratch, (TAPS,)."""
    first = math.floor(at) - (TAPS // 2 - 1)
    u = at - first
    below[0] = 1.0
    for k in range(1, TAPS):
        below[k] = below[k - 1] * (u - (k - 1))
    above = 1.0
    total = 0j
    for k in range(TAPS - 1, -1, -1):
        total += (_LAGRANGE[k] * below[k] * above) * values[first + k]
        above *= u - k
    return total


@compiled
def _receive(
    out,
    time_s,
    here,
    first,
    grid_hz,
    pose,
    size_m,
    field,
    position,
    weight,
    axis,
    pattern,
    wavenumber,
    absorption,
    speed,
):
    """Add to out (M, T) what every image (M, N) hears of every body; returns how many ts were not on the grid."""
    lost = 0
    low, high = TAPS // 2 - 1.0, pose.shape[1] - TAPS // 2 - 1.0
    per_m = grid_hz / speed
    scratch = np.empty(TAPS)
    for body in range(len(pose)):
        path, radius, half_length = pose[body], size_m[body, 0], size_m[body, 1]
        for m in range(position.shape[0]):
            for j in range(position.shape[1]):
                x, y, z = position[m, j, 0], position[m, j, 1], position[m, j, 2]
                for t in range(len(time_s)):
                    now = time_s[t] * grid_hz - first
                    q = here[body, t]
                    s, h = _path(q[0] - x, q[1] - y, q[2] - z, q[3], q[4], q[5], radius, half_length)
                    # The secant method on at + s(at) per_m = now, from t itself and the flight time at t.
                    before, missed = now, s * per_m
                    at = min(max(now - missed, low), high)
                    for _ in range(MOST_STEPS):
                        s, h = _path_at(path, at, x, y, z, radius, half_length)
                        error = at + s * per_m - now
                        # 1e-7 of a step is 1e-7 rad at most. The second term: rounding, for ends thousands of km away.
                        if abs(error) < 1e-7 + 1e-15 * abs(now):
                            break
                        slope = (error - missed) / (at - before) if at != before else 1.0
                        before, missed = at, error
                        at = min(max(at - error / (slope if slope > 0.5 else 1.0), low), high)
                    else:
                        lost += 1
                    # A pattern bends slowly: the pose nearest to the moment of scattering will do.
                    p = path[int(at + 0.5)]
                    heard = _directivity(p[0] - x, p[1] - y, p[2] - z, axis[j], pattern)
                    size = (
                        heard * weight[m, j] * math.exp(-absorption * s) * _factor(s, h, radius, half_length)
                    )
                    phasor = complex(math.cos(wavenumber * s), -math.sin(wavenumber * s))
                    out[m, t] += size * phasor * _between(field[body], at, scratch)
    return lost
