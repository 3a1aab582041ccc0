"""The loops behind a rotor's table: facets turned to where they were when they scattered, and the table read."""

from __future__ import annotations

import math

import numpy as np

from lab.acoustics.compiled import fused
from lab.acoustics.ultrasonic.field import ROUND_64
from lab.acoustics.ultrasonic.kirchhoff import (
    END,
    EU,
    EV,
    GEOMETRY,
    PLACE,
    RE,
    SIGHT,
    N,
    X,
    Y,
    Z,
    combine,
    hear,
    leg,
    light_from,
    outline,
    place_part,
)

LANES = 8  # numbers read at once: real and imaginary parts of four microphones


@fused
def _sincos(turns):
    """Sine and cosine of 2 pi turns, to 1e-9. Two Taylor series on half the angle: no branch, so loops vectorise."""
    half = math.pi * (turns - ((turns + ROUND_64) - ROUND_64))
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


@fused
def _turn(theta, lag, origin, frame, c, u, v, px, py, pz, n, swing, edges, middle):
    """Where a facet was when it scattered what microphone image p hears at angles theta (n,); lag: W / c in rad/m."""
    over = 1.0 / (2.0 * math.pi)
    ox, oy, oz = origin[0] - px, origin[1] - py, origin[2] - pz
    hub = math.sqrt(ox * ox + oy * oy + oz * oz)
    sine, cosine = swing[0], swing[1]
    for t in range(n):
        angle = theta[t] - lag * hub
        # Two of Newton's steps on angle + lag r(angle) = theta, from 0.1 rad to 1e-8.
        for _ in range(2):
            si, co = _sincos(angle * over)
            x, y = c[0] * co - c[1] * si, c[0] * si + c[1] * co
            dx = ox + frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * c[2]
            dy = oy + frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * c[2]
            dz = oz + frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * c[2]
            r = math.sqrt(dx * dx + dy * dy + dz * dz)
            along = (
                dx * (frame[0, 1] * x - frame[0, 0] * y)
                + dy * (frame[1, 1] * x - frame[1, 0] * y)
                + dz * (frame[2, 1] * x - frame[2, 0] * y)
            )
            angle -= (angle - theta[t] + lag * r) * r / (r + lag * along)
        sine[t], cosine[t] = _sincos(angle * over)
    for axis in range(3):
        e0, e1, e2 = frame[axis, 0], frame[axis, 1], frame[axis, 2]
        for t in range(n):
            si, co = sine[t], cosine[t]
            middle[axis, t] = (
                origin[axis] + e0 * (c[0] * co - c[1] * si) + e1 * (c[0] * si + c[1] * co) + e2 * c[2]
            )
            edges[0, axis, t] = e0 * (u[0] * co - u[1] * si) + e1 * (u[0] * si + u[1] * co) + e2 * u[2]
            edges[1, axis, t] = e0 * (v[0] * co - v[1] * si) + e1 * (v[0] * si + v[1] * co) + e2 * v[2]


@fused
def _shear(at, g, lag, origin, frame, px, py, pz, n):
    """Points of a facet that lie farther from the microphone scattered earlier: edges e - v (u.e) / (c + u.v), v = W x arm."""
    ax, ay, az = lag * frame[0, 2], lag * frame[1, 2], lag * frame[2, 2]
    for t in range(n):
        x, y, z = at[X + t] - origin[0], at[Y + t] - origin[1], at[Z + t] - origin[2]
        vx, vy, vz = ay * z - az * y, az * x - ax * z, ax * y - ay * x
        ux, uy, uz = at[X + t] - px, at[Y + t] - py, at[Z + t] - pz
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


@fused
def revolve(
    theta, lag, origin, frame, centre, edge_u, edge_v, reflection, k, loss, source, source_weight, axis, pattern,
    middle, microphone, microphone_weight, pairs, begins, out,
):  # fmt: skip
    """The echo by image of the microphone array, out (M, J, T), at angles theta (T,) of arrival."""
    heard, microphones = len(middle), len(microphone)
    turn = k / (2.0 * math.pi)
    both = np.zeros(3)
    at, path = np.zeros(PLACE), np.zeros(N)
    g, sight = np.zeros(GEOMETRY, np.float32), np.zeros(SIGHT, np.float32)
    lit, ear = np.zeros(END, np.float32), np.zeros(END, np.float32)
    total = np.zeros((microphones, 2 * N), np.float32)
    swing, edges, centres, strength = np.zeros((2, N)), np.zeros((2, 3, N)), np.zeros((3, N)), np.zeros(N)
    for begin in range(0, len(theta), N):
        n = min(N, len(theta) - begin)
        last = n - 1
        for j in range(heard):
            total[:] = np.float32(0.0)
            for f in range(len(centre)):
                px, py, pz = middle[j, 0], middle[j, 1], middle[j, 2]
                _turn(
                    theta[begin : begin + n], lag, origin, frame, centre[f], edge_u[f], edge_v[f], px, py, pz, n,
                    swing, edges, centres,
                )  # fmt: skip
                strength[:] = reflection[f]
                outline(g, edges[0], edges[1], strength, 1, 1, k, both, n)
                place_part(at, g, centres, 0.0, 0.0, n)
                _shear(at, g, lag, origin, frame, px, py, pz, n)
                leg(k, at, g, px, py, pz, n, ear, path, sight)
                ear[RE : RE + 2 * N] = np.float32(0.0)
                gain = math.exp(-loss * path[0])
                slope = (math.exp(-loss * path[last]) - gain) / max(last, 1)
                for pair in range(begins[j], begins[j + 1]):
                    i = pairs[pair]
                    light_from(
                        k, loss, at, g, source[i], source_weight[i], axis[i], pattern, n, lit, path, sight
                    )
                    combine(n, lit, ear)
                # The lights have used path and sight since.
                leg(k, at, g, px, py, pz, n, lit, path, sight)
                hear(
                    turn, gain, slope, n, g, middle[j], microphone[:, j], microphone_weight[:, j], ear, path, sight, total
                )  # fmt: skip
            for m in range(microphones):
                for t in range(n):
                    out[m, j, begin + t] = complex(total[m, t], total[m, N + t])


@fused
def read_table(rows, taps, phases, first, head_step, head, angle, step, out):
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
