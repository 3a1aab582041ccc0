"""The echo of points and spheroids by the factorised product: the field that reaches a body times the one that returns.

    E_m(t) = sum over bodies of reflection x [sum_i D_i w_i e(s_i) exp(-a s_i - jk s_i)] [sum_j w_mj e(s_mj) exp(-a s_mj - jk s_mj)]

with s the path to the specular point (a point: to its centre) and e the amplitude of that end, see `scattering`. It is
quasi-static: everything is where it is at t, while an echo of 6 m returns 17 ms later. That shifts the waveform (residual
+0.5 dB against exact retarded time, `retarded`), not its statistics: for swinging limbs at up to 2 m/s the power is 0.15 dB
low and bins of the Doppler spectrum within 40 dB of its peak differ by 0.5 dB in the mean, 2 dB at most.
Poses are taken at knots, at most KNOT_M of travel apart, and path lengths interpolated by cubics: against the same
formula in double at every sample -85 dB for limbs with poses at 250 Hz, -106 dB with poses at every sample.

Bodies that are slow during a chunk, a trunk beside its legs or somebody who stands, are worked out at every second, fourth or
eighth sample and interpolated, which leaves -97 dB or less of them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.ultrasonic.bodies import Array, Facets, Moving, Points, Shape, Spheroids
from lab.acoustics.ultrasonic.field import KNOTS, TILE, field_product
from lab.acoustics.ultrasonic.resample import OVER_BAND, STRIDES, TAPS, interpolated
from lab.acoustics.ultrasonic.stage import Carrier, Stage
from lab.errors import BadInput

CONTROL_RATES_HZ = (2_000, 4_000, 8_000, 16_000)
# Of the fastest part between two knots: at 0.3 m from an image the cubic is then off by 2e-6 m, 1e-3 rad.
KNOT_M = 0.03
# Samples per interval at most: beyond it the accumulators would leave the nearest caches.
MOST_STEPS = 16
# Intervals rendered before and after those of a chunk, which interpolation looks at.
REACH = 6
CHUNK = TILE - 2 * REACH


def least_rate_hz(top_speed_m_s: float, carrier: Carrier) -> float:
    """Below it the Doppler shifts of +-2 v f0 / c fold: 4 v f0 / c."""
    return 4.0 * top_speed_m_s * carrier.frequency_hz / carrier.speed_m_s


def control_rate_hz(top_speed_m_s: float, carrier: Carrier) -> int:
    """The lowest of 2, 4, 8 and 16 kHz with a margin of 1.3, else the highest that still carries the speed."""
    least = least_rate_hz(top_speed_m_s, carrier)
    for rate in CONTROL_RATES_HZ:
        if rate >= OVER_BAND * least:
            return rate
    if least <= CONTROL_RATES_HZ[-1]:
        return CONTROL_RATES_HZ[-1]
    raise BadInput(
        f"top_speed_m_s = {top_speed_m_s:g}: at {carrier.frequency_hz:g} Hz the highest control rate of "
        f"{CONTROL_RATES_HZ[-1]} Hz carries {CONTROL_RATES_HZ[-1] / least * top_speed_m_s:.3g} m/s"
    )


class ProductEcho:
    """The echo of one moving thing on one stage; implements `echo.Echo`.

    rate_hz: integer, at least 4 v f0 / c of the mover's top speed; 1.3 times that is the rule. Facets of the mover are left to the
    facet renderer; one with neither points nor spheroids is refused with BadInput.
    Time is sample index over rate, so that bits do not depend on block lengths; memory does not grow.
    """

    def __init__(self, moving: Moving, stage: Stage, rate_hz: int):
        least = least_rate_hz(moving.top_speed_m_s, stage.carrier)
        if rate_hz < least:
            raise BadInput(
                f"rate_hz = {rate_hz} carries {rate_hz / least * moving.top_speed_m_s:.3g} m/s at "
                f"{stage.carrier.frequency_hz:g} Hz; {moving.name} moves at up to {moving.top_speed_m_s:g} m/s"
            )
        self.rate_hz = rate_hz
        self._moving = moving
        self._stage = stage
        knots_hz = max(moving.pose_rate_hz, moving.top_speed_m_s / KNOT_M)
        self._steps = min(max(1, math.floor(rate_hz / knots_hz)), MOST_STEPS)
        self._axis = stage.source.mirror * stage.source.axis
        self._pattern = stage.source.pattern.astype(np.float32)
        heard = stage.receivers
        self._facing = heard.mirror * heard.axis
        self._hearing = np.ones(1, np.float32) if heard.even else heard.pattern.astype(np.float32)
        self._chunk = 0
        self._parked_key = b""
        self._parked_echo = np.zeros((stage.channels, 1), np.complex128)
        self._rest = np.zeros((stage.channels, 0), np.complex128)
        _bodies(self._pose(2))

    def read(self, samples: int) -> NDArray[np.complex128]:
        """The next samples, (M, samples)."""
        parts, length = [self._rest], self._rest.shape[1]
        while length < samples:
            parts.append(self._next())
            length += parts[-1].shape[1]
        joined = np.concatenate(parts, axis=1)
        self._rest = joined[:, samples:].copy()
        return joined[:, :samples]

    def _pose(self, knots: int) -> tuple[Shape, ...]:
        """At the knots of this chunk, the first one before its first interval."""
        index = self._chunk * CHUNK - REACH - 1 + np.arange(knots)
        return self._moving.pose(index * self._steps / self.rate_hz)

    def _next(self) -> NDArray[np.complex128]:
        pose, scale, radius, half = _bodies(self._pose(KNOTS))
        self._chunk += 1
        there = scale.any(axis=1)
        still = there & (pose == pose[:, :, :1]).all(axis=(1, 2)) & (scale == scale[:, :1]).all(axis=1)
        strides = np.where(there & ~still, self._strides(pose, scale, np.maximum(radius, half)), 0)
        echo = np.zeros((self._stage.channels, CHUNK * self._steps), np.complex128)
        for stride in np.unique(strides[strides > 0]):
            which = strides == stride
            steps = self._steps // int(stride)
            part = self._sum(pose[which], scale[which], radius[which], half[which], steps)
            echo += _cut(part, steps, int(stride))
        if still.any():
            echo += self._parked(pose[still], scale[still], radius[still], half[still])
        return echo

    def _strides(self, pose: Array, scale: Array, size: Array) -> NDArray[np.int64]:
        """Of each body (S,), at how many samples one it is worked out, by its speed in this chunk."""
        step = np.diff(pose, axis=2)
        moved = np.linalg.norm(step[:, :3], axis=1) + size[:, None] * np.linalg.norm(step[:, 3:], axis=1)
        speed = moved * self.rate_hz / self._steps
        needed = OVER_BAND * least_rate_hz(1.0, self._stage.carrier) * speed.max(axis=1)
        fits = [
            (self.rate_hz >= stride * needed)
            & (self._steps % stride == 0 and stride * TAPS // 2 <= REACH * self._steps)
            for stride in STRIDES
        ]
        # Interpolated coarsely, what starts or comes would be heard before it does.
        sudden = (speed.min(axis=1) == 0.0) | (scale != scale[:, :1]).any(axis=1)
        return np.where(sudden, 1, np.select(fits, STRIDES, default=1)).astype(np.int64)

    def _parked(self, pose: Array, scale: Array, radius: Array, half: Array) -> NDArray[np.complex128]:
        """Of what stands still for a whole chunk, (M, 1): computed at one moment, and once until it moves on."""
        key = pose[:, :, 0].tobytes() + scale[:, 0].tobytes() + radius.tobytes() + half.tobytes()
        if key != self._parked_key:
            self._parked_echo = self._sum(pose, scale, radius, half, 1)[:, :1]
            self._parked_key = key
        return self._parked_echo

    def _sum(
        self, pose: Array, scale: Array, radius: Array, half: Array, steps: int
    ) -> NDArray[np.complex128]:
        stage, carrier = self._stage, self._stage.carrier
        out = np.zeros((2, stage.channels, steps, TILE), np.float32)
        field_product(
            pose,
            scale,
            radius,
            half,
            stage.source.position_m[0],
            stage.source.weight[0],
            self._axis,
            self._pattern,
            stage.receivers.position_m,
            stage.receivers.weight,
            self._facing,
            self._hearing,
            1.0 / carrier.wavelength_m,
            carrier.absorption_np_m,
            out,
        )
        echo = np.empty((stage.channels, TILE, steps), np.complex128)
        echo.real, echo.imag = out.swapaxes(2, 3)
        return echo.reshape(stage.channels, -1)


def _cut(part: NDArray[np.complex128], steps: int, stride: int) -> NDArray[np.complex128]:
    """The chunk of a rendered tile (M, TILE steps), at every sample."""
    first, count = REACH * steps, CHUNK * steps
    if stride == 1:
        return part[:, first : first + count]
    return interpolated(part[:, first - TAPS // 2 + 1 :], count * stride, stride)


def _bodies(shapes: tuple[Shape, ...]) -> tuple[Array, Array, Array, Array]:
    """Centre and axis (S, 6, T), scale (S, T), radius (S,), half length (S,); a point has no size."""
    pose, scale, radius, half = [], [], [], []
    for shape in shapes:
        if isinstance(shape, Points):
            centre, strength = shape.position_m, shape.amplitude_m
            axis, a, c = np.zeros_like(centre), np.zeros(len(centre)), np.zeros(len(centre))
        elif isinstance(shape, Spheroids):
            centre, strength, axis = shape.centre_m, shape.reflection, shape.axis
            a, c = shape.radius_m, shape.half_length_m
        else:
            assert isinstance(shape, Facets)
            continue
        pose.append(np.concatenate([centre, axis], axis=2).transpose(0, 2, 1))
        strength = np.asarray(strength, dtype=np.float64)
        scale.append(np.broadcast_to(strength.reshape(len(centre), -1), centre.shape[:2]))
        radius.append(a)
        half.append(c)
    if not pose:
        raise BadInput("the product renderer needs points or spheroids; facets are rendered by FacetEcho")
    return (
        np.ascontiguousarray(np.concatenate(pose)),
        np.concatenate(scale),
        np.concatenate(radius).astype(np.float64),
        np.concatenate(half).astype(np.float64),
    )
