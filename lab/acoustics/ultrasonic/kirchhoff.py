"""The loops of the Kirchhoff integral over facets; see `facets` for the equation.

Everything is laid out for N moments at a time: what a pair of images needs of its two ends stays in the first-level cache, and a pair costs
no sine, root or exponential: those of sums of angles come from those of the ends.
"""

from __future__ import annotations

import math

import numpy as np

from lab.acoustics.compiled import fused
from lab.acoustics.ultrasonic.field import ROUND_32, ROUND_64, unit_turn

# Moments at once, and rows of so many numbers in flat buffers: distances between rows are then known when compiling,
# and loops vectorise. Positions and paths are double, all else is single.
N = 64
X, Y, Z = (row * N for row in range(3))
EU, EV, NORMAL, SQUARE, AREA = (row * N for row in (0, 3, 6, 9, 11))
ALONG_U, ALONG_V, FACING, SIN_U, COS_U, SIN_V, COS_V, BEND_U, BEND_V, RE, IM = (row * N for row in range(11))
RAY, OVER, EXTRA, TURNS, LATER, LEVEL = (row * N for row in (0, 3, 4, 5, 6, 7))
PLACE, GEOMETRY, END, SIGHT = 3 * N, 12 * N, 11 * N, 8 * N
ONE, HALF, SIXTH, SIXTIETH = (np.float32(1.0 / n) for n in (1, 2, 6, 60))
BEND = np.float32(1.0 / 24.0)
FLAT = np.float32(0.05)
TINY = np.float32(1e-12)
RAMP = np.arange(N, dtype=np.float32)


@fused
def leg(k, at, g, px, py, pz, n, end, path, sight):
    """Of one end: half k times its direction along the edges, their sines and cosines, direction along the normal, bends.

    Leaves r in path (n,), in sight the direction as a unit vector, 1/r and what the mean over the facet adds to r.
    """
    for t in range(n):
        dx, dy, dz = at[X + t] - px, at[Y + t] - py, at[Z + t] - pz
        r = math.sqrt(dx * dx + dy * dy + dz * dz)
        path[t] = r
        sight[RAY + t] = np.float32(dx)
        sight[RAY + N + t] = np.float32(dy)
        sight[RAY + 2 * N + t] = np.float32(dz)
        sight[OVER + t] = np.float32(r)
    half = np.float32(0.5 * k)
    turn = np.float32(0.5 * k / (2.0 * math.pi))
    for t in range(n):
        over = ONE / sight[OVER + t]
        x, y, z = sight[RAY + t] * over, sight[RAY + N + t] * over, sight[RAY + 2 * N + t] * over
        sight[RAY + t] = x
        sight[RAY + N + t] = y
        sight[RAY + 2 * N + t] = z
        sight[OVER + t] = over
        u = x * g[EU + t] + y * g[EU + N + t] + z * g[EU + 2 * N + t]
        v = x * g[EV + t] + y * g[EV + N + t] + z * g[EV + 2 * N + t]
        turns_u, turns_v = u * turn, v * turn
        su, cu = unit_turn(turns_u - ((turns_u + ROUND_32) - ROUND_32))
        sv, cv = unit_turn(turns_v - ((turns_v + ROUND_32) - ROUND_32))
        end[ALONG_U + t] = half * u
        end[ALONG_V + t] = half * v
        end[FACING + t] = x * g[NORMAL + t] + y * g[NORMAL + N + t] + z * g[NORMAL + 2 * N + t]
        square_u, square_v = g[SQUARE + t] - u * u, g[SQUARE + N + t] - v * v
        end[BEND_U + t] = half * square_u * over
        end[BEND_V + t] = half * square_v * over
        end[SIN_U + t] = su
        end[COS_U + t] = cu
        end[SIN_V + t] = sv
        end[COS_V + t] = cv
        sight[EXTRA + t] = (square_u + square_v) * over * BEND


@fused
def _turns(turn, n, path, sight):
    """The path in turns, whole ones left out, into sight."""
    for t in range(n):
        turns = path[t] * turn
        sight[TURNS + t] = np.float32(turns - ((turns + ROUND_64) - ROUND_64))


@fused
def hide(end, n):
    """Ends behind a one-sided facet neither light nor hear it."""
    for t in range(n):
        end[FACING + t] = min(end[FACING + t], np.float32(0.0))


@fused
def _light(turn, gain, slope, n, path, sight, end):
    """The field of one image, the slow part of its level linear in time."""
    _turns(turn, n, path, sight)
    first, rise, single = np.float32(gain), np.float32(slope), np.float32(turn)
    for t in range(n):
        turns = sight[TURNS + t] + sight[EXTRA + t] * single
        s, c = unit_turn(turns - ((turns + ROUND_32) - ROUND_32))
        level = (first + rise * RAMP[t]) * sight[OVER + t]
        end[RE + t] = level * c
        end[IM + t] = -level * s


@fused
def combine(n, a, b):
    """Adds obliquity x integrals along u and v x field of one pair of images to the sums of the hearing end b."""
    for t in range(n):
        pu, pv = a[ALONG_U + t] + b[ALONG_U + t], a[ALONG_V + t] + b[ALONG_V + t]
        su = a[SIN_U + t] * b[COS_U + t] + a[COS_U + t] * b[SIN_U + t]
        cu = a[COS_U + t] * b[COS_U + t] - a[SIN_U + t] * b[SIN_U + t]
        sv = a[SIN_V + t] * b[COS_V + t] + a[COS_V + t] * b[SIN_V + t]
        cv = a[COS_V + t] * b[COS_V + t] - a[SIN_V + t] * b[SIN_V + t]
        ca, cb = a[FACING + t], b[FACING + t]
        flat_u, flat_v = abs(pu) < FLAT, abs(pv) < FLAT
        qu, qv = ONE if flat_u else pu, ONE if flat_v else pv
        facing = abs(ca) + abs(cb) + TINY
        inverse = ONE / (facing * qu * qv)
        over_u, over_v = inverse * facing * qv, inverse * facing * qu
        su = ONE - SIXTH * pu * pu if flat_u else su * over_u
        sv = ONE - SIXTH * pv * pv if flat_v else sv * over_v
        # The bend of the front over the facet, to first order and without its mean.
        bu = SIXTH * su + (SIXTIETH * pu * pu - SIXTH if flat_u else HALF * (cu - su) * over_u * over_u)
        bv = SIXTH * sv + (SIXTIETH * pv * pv - SIXTH if flat_v else HALF * (cv - sv) * over_v * over_v)
        oblique = ca * cb * inverse * qu * qv
        re = oblique * su * sv
        im = -oblique * (
            (a[BEND_U + t] + b[BEND_U + t]) * bu * sv + (a[BEND_V + t] + b[BEND_V + t]) * bv * su
        )
        b[RE + t] += re * a[RE + t] - im * a[IM + t]
        b[IM + t] += re * a[IM + t] + im * a[RE + t]


@fused
def hear(turn, gain, slope, n, g, away, microphone, weight, end, path, sight, total):
    """Adds what the microphones around a hearing end hear of its sums to total (M, 2 N).

    path, sight: of that end, as `leg` left them. away, (3,): its position; microphone (M, 3): theirs.
    """
    _turns(turn, n, path, sight)
    single, two = np.float32(turn), np.float32(2.0)
    for m in range(len(microphone)):
        ox, oy, oz = microphone[m, 0] - away[0], microphone[m, 1] - away[1], microphone[m, 2] - away[2]
        square = np.float32(ox * ox + oy * oy + oz * oz)
        ox, oy, oz = np.float32(ox), np.float32(oy), np.float32(oz)
        first, rise = np.float32(weight[m] * gain), np.float32(weight[m] * slope)
        out = total[m]
        for t in range(n):
            r = ONE / sight[OVER + t]
            x, y, z = sight[RAY + t] * r, sight[RAY + N + t] * r, sight[RAY + 2 * N + t] * r
            # r_m - r = (r_m^2 - r^2) / (r_m + r): nothing cancels.
            more = square - two * (x * ox + y * oy + z * oz)
            away_m = math.sqrt(r * r + more)
            over = ONE / away_m
            x, y, z = (x - ox) * over, (y - oy) * over, (z - oz) * over
            u = x * g[EU + t] + y * g[EU + N + t] + z * g[EU + 2 * N + t]
            v = x * g[EV + t] + y * g[EV + N + t] + z * g[EV + 2 * N + t]
            extra = (g[SQUARE + t] + g[SQUARE + N + t] - u * u - v * v) * over * BEND
            sight[LATER + t] = sight[TURNS + t] + (more / (r + away_m) + extra) * single
            sight[LEVEL + t] = (first + rise * RAMP[t]) * over * g[AREA + t]
        for t in range(n):
            turns = sight[LATER + t]
            s, c = unit_turn(turns - ((turns + ROUND_32) - ROUND_32))
            level = sight[LEVEL + t]
            # j (re + j im)(c - j s)
            out[t] += level * (end[RE + t] * s - end[IM + t] * c)
            out[N + t] += level * (end[RE + t] * c + end[IM + t] * s)


@fused
def directed(dx, dy, dz, axis, pattern):
    """Amplitude of a loudspeaker in a direction of any length; axis: (3,), pattern: over the cosine."""
    cells = len(pattern) - 1
    cosine = (dx * axis[0] + dy * axis[1] + dz * axis[2]) / math.sqrt(dx * dx + dy * dy + dz * dz)
    at = (0.5 + 0.5 * cosine) * cells
    cell = min(max(int(at), 0), cells - 1)
    return pattern[cell] + (pattern[cell + 1] - pattern[cell]) * (at - cell)


@fused
def light_from(k, loss, at, g, image, weight, axis, pattern, n, end, path, sight):
    """One image of the loudspeaker, at (3,), as the facet sees it, into `end`."""
    px, py, pz = image[0], image[1], image[2]
    last = n - 1
    leg(k, at, g, px, py, pz, n, end, path, sight)
    gain = directed(at[X] - px, at[Y] - py, at[Z] - pz, axis, pattern)
    gain *= weight * math.exp(-loss * path[0])
    after = directed(at[X + last] - px, at[Y + last] - py, at[Z + last] - pz, axis, pattern)
    after *= weight * math.exp(-loss * path[last])
    _light(k / (2.0 * math.pi), gain, (after - gain) / max(last, 1), n, path, sight, end)


@fused
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


@fused
def place_part(at, g, centre, pu, pv, n):
    """Middle of one part: centre (3, n) and so many edges off it."""
    for axis in range(3):
        for t in range(n):
            at[axis * N + t] = centre[axis, t] + pu * g[EU + axis * N + t] + pv * g[EV + axis * N + t]


@fused
def render(
    centre, edge_u, edge_v, reflection, split, k, loss, front, source, source_weight, axis, pattern, middle,
    microphone, microphone_weight, pairs, begins, out,
):  # fmt: skip
    """Adds the echoes of F facets at T moments to out (M, T), complex.

    centre, edge_u, edge_v: (F, 3, T). reflection: (F, T). split: (F, 2), into how many parts each edge is cut. front: (3,),
    the side that is seen, or zeros for both. The rest as in `Images`.
    """
    facets, _, steps = centre.shape
    images, heard, microphones = len(source), len(middle), len(microphone)
    turn = k / (2.0 * math.pi)
    sided = front[0] != 0.0 or front[1] != 0.0 or front[2] != 0.0
    at, path = np.zeros(PLACE), np.zeros(N)
    g, sight = np.zeros(GEOMETRY, np.float32), np.zeros(SIGHT, np.float32)
    lit, ear = np.zeros((images, END), np.float32), np.zeros(END, np.float32)
    total = np.zeros((microphones, 2 * N), np.float32)
    for begin in range(0, steps, N):
        n = min(N, steps - begin)
        last = n - 1
        for f in range(facets):
            nu, nv = split[f, 0], split[f, 1]
            outline(
                g, edge_u[f, :, begin : begin + n], edge_v[f, :, begin : begin + n], reflection[f, begin : begin + n],
                nu, nv, k, front, n,
            )  # fmt: skip
            total[:] = np.float32(0.0)
            for part in range(nu * nv):
                pu, pv = part // nv + 0.5 - 0.5 * nu, part % nv + 0.5 - 0.5 * nv
                place_part(at, g, centre[f, :, begin : begin + n], pu, pv, n)
                for i in range(images):
                    light_from(
                        k, loss, at, g, source[i], source_weight[i], axis[i], pattern, n, lit[i], path, sight
                    )
                    if sided:
                        hide(lit[i], n)
                for j in range(heard):
                    leg(k, at, g, middle[j, 0], middle[j, 1], middle[j, 2], n, ear, path, sight)
                    if sided:
                        hide(ear, n)
                    ear[RE : RE + 2 * N] = np.float32(0.0)
                    for pair in range(begins[j], begins[j + 1]):
                        combine(n, lit[pairs[pair]], ear)
                    gain = math.exp(-loss * path[0])
                    slope = (math.exp(-loss * path[last]) - gain) / max(last, 1)
                    hear(
                        turn, gain, slope, n, g, middle[j], microphone[:, j], microphone_weight[:, j], ear, path, sight,
                        total,
                    )  # fmt: skip
            for m in range(microphones):
                for t in range(n):
                    out[m, begin + t] += complex(total[m, t], total[m, N + t])
