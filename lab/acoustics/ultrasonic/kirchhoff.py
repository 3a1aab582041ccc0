"""The loops of the Kirchhoff integral over facets; see `facets` for the equation.

Everything is laid out for N moments at a time: what a pair of images needs of its two ends stays in the first-level cache, and a pair costs
no sine, root or exponential: those of sums of angles come from those of the ends.
"""

from __future__ import annotations

import math

import numpy as np

from lab.acoustics.compiled import compiled

# Moments at once, and rows of so many numbers in flat buffers: distances between rows are then known when compiling,
# and loops vectorise.
N = 64
X, Y, Z, EU, EV, NORMAL, SQUARE, AREA = (row * N for row in (0, 1, 2, 3, 6, 9, 12, 14))
ALONG_U, ALONG_V, FACING, SIN_U, COS_U, SIN_V, COS_V, BEND_U, BEND_V, RE, IM = (row * N for row in range(11))
GEOMETRY, END = 15 * N, 11 * N


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


@compiled
def leg(k, g, px, py, pz, n, end, near):
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
def hide(end, n):
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
def combine(n, a, b):
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
def hear(turn, gain, slope, n, g, px, py, pz, end, total):
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
def light_from(k, loss, g, at, weight, axis, pattern, n, end, near):
    """One image of the loudspeaker, at (3,), as the facet sees it, into `end`."""
    px, py, pz = at[0], at[1], at[2]
    last = n - 1
    leg(k, g, px, py, pz, n, end, near)
    gain = directed(g[X] - px, g[Y] - py, g[Z] - pz, axis, pattern)
    gain *= weight * math.exp(-loss * near[N])
    after = directed(g[X + last] - px, g[Y + last] - py, g[Z + last] - pz, axis, pattern)
    after *= weight * math.exp(-loss * near[N + last])
    _light(k / (2.0 * math.pi), gain, (after - gain) / max(last, 1), n, near, end)


@compiled
def outline(g, edge_u, edge_v, reflection, nu, nv, k, front, n):
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
def place_part(g, centre, pu, pv, n):
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
            outline(
                g, edge_u[f, :, begin : begin + n], edge_v[f, :, begin : begin + n], reflection[f, begin : begin + n],
                nu, nv, k, front, n,
            )  # fmt: skip
            for part in range(nu * nv):
                pu, pv = part // nv + 0.5 - 0.5 * nu, part % nv + 0.5 - 0.5 * nv
                place_part(g, centre[f, :, begin : begin + n], pu, pv, n)
                for i in range(images):
                    light_from(k, loss, g, source[i], source_weight[i], axis[i], pattern, n, lit[i], near)
                    if sided:
                        hide(lit[i], n)
                for j in range(heard):
                    leg(k, g, middle[j, 0], middle[j, 1], middle[j, 2], n, ear, near)
                    if sided:
                        hide(ear, n)
                    ear[RE : RE + 2 * N] = 0.0
                    for i in range(images):
                        combine(n, lit[i], ear)
                    gain = math.exp(-loss * near[N])
                    slope = (math.exp(-loss * near[N + last]) - gain) / max(last, 1)
                    for m in range(microphones):
                        w = microphone_weight[m, j]
                        px, py, pz = microphone[m, j, 0], microphone[m, j, 1], microphone[m, j, 2]
                        hear(turn, w * gain, w * slope, n, g, px, py, pz, ear, total[m])
        for m in range(microphones):
            for t in range(n):
                out[m, begin + t] += complex(total[m, t], total[m, N + t])
            total[m] = 0.0
