"""The loop that sums fields: every scatterer, every image, every moment.

Path lengths and amplitudes are computed at knots (path in double). Over the interval to the next knot the phase in turns
is a cubic and the amplitude a straight line (single), so that a sample costs a sine and a cosine but no square root.
Single precision leaves 1e-6 of each image's field. Arrays are flat, with rows at constant offsets: only so does the
compiler see that they do not overlap, and vectorises. `tests/benchmarks/bench_ultrasonic_field.py` holds the speed.
"""

from __future__ import annotations

import math

import numpy as np

from lab.acoustics.compiled import fused
from lab.acoustics.ultrasonic.scattering import NEAREST_M

# Intervals worked on at once; with 8 steps their four accumulators fill 32 KiB of the L1 cache.
TILE = 256
# Knots needed are TILE + 3, one before and two after for the cubic; more, to fill whole vectors: a rest costs 20 %.
KNOTS = TILE + 16

# Adding and taking away 1.5 * 2^23 or 1.5 * 2^52 rounds to the nearest integer.
ROUND_32 = np.float32(12582912.0)
ROUND_64 = 6755399441055744.0
A_THIRD, A_SIXTH = 1.0 / 3.0, 1.0 / 6.0


def _series(function, powers: range) -> tuple[np.float32, ...]:
    """Polynomial in t^2, t -0.5 to 0.5 turns, by least squares at Chebyshev nodes: within 1e-6."""
    t = 0.5 * np.cos(np.pi * (np.arange(200) + 0.5) / 200)
    basis = t[:, None] ** np.array(powers)
    return tuple(np.float32(c) for c in np.linalg.lstsq(basis, function(2.0 * math.pi * t), rcond=None)[0])


C0, C2, C4, C6, C8, C10 = _series(np.cos, range(0, 12, 2))
S1, S3, S5, S7, S9, S11 = _series(np.sin, range(1, 13, 2))
HALF, THIRD, QUARTER, FIFTH = (np.float32(1.0 / n) for n in (2, 3, 4, 5))
ONE, ZERO = np.float32(1.0), np.float32(0.0)


@fused
def unit_turn(t):
    """Sine and cosine of t, -0.5 to 0.5 turns, within 1e-6."""
    q = t * t
    cosine = C0 + q * (C2 + q * (C4 + q * (C6 + q * (C8 + q * C10))))
    return t * (S1 + q * (S3 + q * (S5 + q * (S7 + q * (S9 + q * S11))))), cosine


@fused
def field_product(
    pose,
    scale,
    radius,
    half,
    source,
    source_weight,
    source_axis,
    pattern,
    mics,
    mic_weight,
    mic_axis,
    mic_pattern,
    turns_per_m,
    loss,
    out,
):
    """Adds the echo of all scatterers to out, (2, M, steps, TILE) float32: real, imaginary; by step in an interval.

    pose: (S, 6, KNOTS), centre and axis at the knots, the first one before the first sample. scale: (S, KNOTS). radius, half: (S,), 0
    for a point. source: (N, 3), source_weight (N,), source_axis (N, 3), as mirrored; pattern (K,) float32. mics: (M, N, 3), mic_weight
    (M, N), mic_axis (N, 3); mic_pattern like pattern, one value for none. turns_per_m: 1 / wavelength. loss: Np/m.
    """
    channels, steps = out.shape[1:3]
    size = steps * TILE
    path = np.empty(KNOTS)
    level = np.empty(4 * KNOTS, np.float32)
    index = np.empty(KNOTS, np.int32)
    line = np.empty(6 * TILE, np.float32)
    incident_re, incident_im = np.empty(size, np.float32), np.empty(size, np.float32)
    field_re, field_im = np.empty(size, np.float32), np.empty(size, np.float32)
    for s in range(len(pose)):
        knot = pose[s].ravel()
        a2, c2 = radius[s] * radius[s], half[s] * half[s]
        incident_re[:] = ZERO
        incident_im[:] = ZERO
        for i in range(len(source)):
            if a2 > 0.0:
                spheroid_end(knot, source[i], source_axis[i], a2, c2, turns_per_m, loss, path, level)
            else:
                point_end(knot, source[i], source_axis[i], turns_per_m, loss, path, level)
            shape_level(level, pattern, source_weight[i], index)
            add_image(path, level, line, steps, incident_re, incident_im)
        for k in range(TILE):
            line[k] = np.float32(scale[s, k + 1])
            line[TILE + k] = np.float32(scale[s, k + 2] - scale[s, k + 1])
        weigh(line, steps, incident_re, incident_im)
        for m in range(channels):
            field_re[:] = ZERO
            field_im[:] = ZERO
            for i in range(mics.shape[1]):
                if a2 > 0.0:
                    spheroid_end(knot, mics[m, i], mic_axis[i], a2, c2, turns_per_m, loss, path, level)
                else:
                    point_end(knot, mics[m, i], mic_axis[i], turns_per_m, loss, path, level)
                if len(mic_pattern) > 1:
                    shape_level(level, mic_pattern, mic_weight[m, i], index)
                else:
                    weight = np.float32(mic_weight[m, i])
                    for k in range(KNOTS):
                        level[k] = level[k] * weight
                add_image(path, level, line, steps, field_re, field_im)
            add_product(incident_re, incident_im, field_re, field_im, out[0, m].ravel(), out[1, m].ravel())


@fused
def point_end(knot, end, axis, turns_per_m, loss, path, level):
    """At each knot the path in turns, the level exp(-loss r) / r, and behind it the cosine to the loudspeaker's axis."""
    decay = np.float32(-loss / 64.0)
    nearest = np.float32(NEAREST_M)
    # Two loops: in the second all numbers are single, so that twice as many fit into a vector.
    for k in range(KNOTS):
        x = knot[k] - end[0]
        y = knot[KNOTS + k] - end[1]
        z = knot[2 * KNOTS + k] - end[2]
        r = math.sqrt(x * x + y * y + z * z)
        path[k] = r * turns_per_m
        level[k] = np.float32(r)
        level[KNOTS + k] = np.float32(x * axis[0] + y * axis[1] + z * axis[2])
    for k in range(KNOTS):
        r = max(level[k], nearest)
        near = ONE / r
        level[KNOTS + k] = level[KNOTS + k] * near
        e = r * decay
        e = ONE + e * (ONE + e * HALF * (ONE + e * THIRD * (ONE + e * QUARTER * (ONE + e * FIFTH))))
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        level[k] = e * near


@fused
def spheroid_end(knot, end, axis, a2, c2, turns_per_m, loss, path, level):
    """The same over the specular point of a spheroid, `scattering.support_m` and `scattering.end_factor`."""
    decay = np.float32(-loss / 64.0)
    tangential = np.float32(1.0 / a2)
    meridional = np.float32(1.0 / (a2 * c2))
    base, stretch = np.float32(a2), np.float32(c2 - a2)
    four = np.float32(4.0)
    nearest = np.float32(NEAREST_M)
    for k in range(KNOTS):
        x = knot[k] - end[0]
        y = knot[KNOTS + k] - end[1]
        z = knot[2 * KNOTS + k] - end[2]
        r = math.sqrt(x * x + y * y + z * z)
        path[k] = r
        level[k] = np.float32(r)
        level[KNOTS + k] = np.float32(x * axis[0] + y * axis[1] + z * axis[2])
        level[2 * KNOTS + k] = np.float32(
            x * knot[3 * KNOTS + k] + y * knot[4 * KNOTS + k] + z * knot[5 * KNOTS + k]
        )
    for k in range(KNOTS):
        r = max(level[k], nearest)
        near = ONE / r
        level[KNOTS + k] = level[KNOTS + k] * near
        cosine = level[2 * KNOTS + k] * near
        h2 = base + stretch * cosine * cosine
        h = math.sqrt(h2)
        level[2 * KNOTS + k] = h
        d = max(r - h, nearest)
        dh = d * h
        inverse = four * d * d * (ONE + dh * h2 * meridional) * (ONE + dh * tangential)
        e = d * decay
        e = ONE + e * (ONE + e * HALF * (ONE + e * THIRD * (ONE + e * QUARTER * (ONE + e * FIFTH))))
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        e = e * e
        level[k] = e / math.sqrt(math.sqrt(inverse))
    for k in range(KNOTS):
        path[k] = (path[k] - level[2 * KNOTS + k]) * turns_per_m


@fused
def shape_level(level, pattern, weight, index):
    """Multiplies the level by the pattern at the cosine behind it, straight lines between the table's values."""
    span = np.float32(0.5 * (len(pattern) - 1))
    top = np.float32(len(pattern) - 1.001)
    weight = np.float32(weight)
    # The look-up is the only loop that is not vectorised.
    for k in range(KNOTS):
        at = min(max((level[KNOTS + k] + ONE) * span, ZERO), top)
        index[k] = np.int32(at)
        level[KNOTS + k] = at - np.float32(np.int32(at))
    for k in range(KNOTS):
        i = np.uint32(index[k])
        level[2 * KNOTS + k] = pattern[i]
        level[3 * KNOTS + k] = pattern[i + np.uint32(1)]
    for k in range(KNOTS):
        low = level[2 * KNOTS + k]
        level[k] = level[k] * weight * (low + level[KNOTS + k] * (level[3 * KNOTS + k] - low))


@fused
def add_image(path, level, line, steps, sum_re, sum_im):
    """Adds level exp(-2 pi j path) at every step of every interval: cubic through four knots, straight line for the level."""
    for k in range(TILE):
        before, here, after, second = path[k], path[k + 1], path[k + 2], path[k + 3]
        line[k] = np.float32(here - ((here + ROUND_64) - ROUND_64))
        line[TILE + k] = np.float32(after - before * A_THIRD - here * 0.5 - second * A_SIXTH)
        line[2 * TILE + k] = np.float32((before + after) * 0.5 - here)
        line[3 * TILE + k] = np.float32((second - before) * A_SIXTH + (here - after) * 0.5)
        line[4 * TILE + k] = level[k + 1]
        line[5 * TILE + k] = level[k + 2] - level[k + 1]
    for j in range(steps):
        x = np.float32(j) / np.float32(steps)
        row = j * TILE
        for k in range(TILE):
            t = line[k] + x * (line[TILE + k] + x * (line[2 * TILE + k] + x * line[3 * TILE + k]))
            t = t - ((t + ROUND_32) - ROUND_32)
            sine, cosine = unit_turn(t)
            amplitude = line[4 * TILE + k] + x * line[5 * TILE + k]
            sum_re[row + k] += amplitude * cosine
            sum_im[row + k] -= amplitude * sine


@fused
def weigh(line, steps, field_re, field_im):
    """Multiplies the field by a straight line per interval."""
    for j in range(steps):
        x = np.float32(j) / np.float32(steps)
        for k in range(TILE):
            scale = line[k] + x * line[TILE + k]
            field_re[j * TILE + k] *= scale
            field_im[j * TILE + k] *= scale


@fused
def add_product(a_re, a_im, b_re, b_im, out_re, out_im):
    for k in range(len(a_re)):
        out_re[k] += a_re[k] * b_re[k] - a_im[k] * b_im[k]
        out_im[k] += a_re[k] * b_im[k] + a_im[k] * b_re[k]
