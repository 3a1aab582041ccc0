"""A fan read from its angle table, against its surface integral with retarded time at every point."""

import math
from functools import cache

import numpy as np
import pytest

from lab.acoustics.compiled import compiled
from lab.acoustics.ultrasonic.rotor import RotorEcho
from lab.movers.blades import Fan, Run, Spinning, flat_blades
from tests.acoustics.ultrasonic.oracles import CARRIER, check, level_db, residual_db, stage

RATE_HZ, SAMPLES = 8000, 130  # a third of a turn
C, K = CARRIER.speed_m_s, CARRIER.wavenumber


def fan():
    blades = flat_blades(3, 0.03, 0.11, 0.05, 0.06, math.radians(25.0))
    run = Run(2.0 * math.pi * 20.0, 0.3)
    return Fan(
        "fan", Spinning(blades, run, np.array([2.6, 2.3, 1.1]), 0.05, math.radians(200.0), math.radians(5.0))
    )


def nodes(blades, wavelength_m):
    """Gauss-Legendre nodes (P, 3), normals (P, 3) and weights (P,) over all facets, at most 1/8 wavelength apart.

    Midpoints as close would be wrong by x / sin x, x = k d: 1 dB where a blade is seen from its edge.
    """
    places, normals, weights = [], [], []
    for c, u, v, r in zip(blades.centre_m, blades.edge_u_m, blades.edge_v_m, blades.reflection, strict=True):
        normal = np.cross(u, v)
        area = np.linalg.norm(normal)
        counts = [math.ceil(math.pi / 2 * 8 * np.linalg.norm(edge) / wavelength_m) for edge in (u, v)]
        (a, wa), (b, wb) = (np.polynomial.legendre.leggauss(count) for count in counts)
        places.append((c + 0.5 * a[:, None, None] * u + 0.5 * b[None, :, None] * v).reshape(-1, 3))
        normals.append(np.tile(normal / area, (counts[0] * counts[1], 1)))
        weights.append((r * area * 0.25 * wa[:, None] * wb).ravel())
    return np.concatenate(places), np.concatenate(normals), np.concatenate(weights)


@compiled
def surface_integral(
    time_s, place, normal, weight, origin, frame, speed, phase, source, source_weight, axis, mics, mic_weight, k, loss, c, out
):  # fmt: skip
    """out (T,) += (jk / 4 pi) sum q exp(-(a + jk)(r_i + r_j)) / (r_i r_j) dA, each point where it was at its own ts."""
    x, n = np.empty(3), np.empty(3)
    for t in range(len(time_s)):
        for p in range(len(place)):
            for j in range(len(mics)):
                back = 0.0
                for _ in range(9):
                    angle = phase + speed * (time_s[t] - back / c)
                    co, si = math.cos(angle), math.sin(angle)
                    px, py = place[p, 0] * co - place[p, 1] * si, place[p, 0] * si + place[p, 1] * co
                    nx, ny = normal[p, 0] * co - normal[p, 1] * si, normal[p, 0] * si + normal[p, 1] * co
                    for e in range(3):
                        x[e] = origin[e] + frame[e, 0] * px + frame[e, 1] * py + frame[e, 2] * place[p, 2]
                        n[e] = frame[e, 0] * nx + frame[e, 1] * ny + frame[e, 2] * normal[p, 2]
                    back = math.sqrt(
                        (x[0] - mics[j, 0]) ** 2 + (x[1] - mics[j, 1]) ** 2 + (x[2] - mics[j, 2]) ** 2
                    )
                cj = (
                    (x[0] - mics[j, 0]) * n[0] + (x[1] - mics[j, 1]) * n[1] + (x[2] - mics[j, 2]) * n[2]
                ) / back
                for i in range(len(source)):
                    dx, dy, dz = x[0] - source[i, 0], x[1] - source[i, 1], x[2] - source[i, 2]
                    r = math.sqrt(dx * dx + dy * dy + dz * dz)
                    ci = (dx * n[0] + dy * n[1] + dz * n[2]) / r
                    beam = 0.5 + 0.5 * (dx * axis[i, 0] + dy * axis[i, 1] + dz * axis[i, 2]) / r
                    size = (
                        4.0 * ci * cj / (abs(ci) + abs(cj) + 1e-30) * beam * source_weight[i] * mic_weight[j]
                    )
                    size *= weight[p] * k / (4.0 * math.pi) * math.exp(-loss * (r + back)) / (r * back)
                    turn = k * (r + back)
                    out[t] += complex(size * math.sin(turn), size * math.cos(turn))


STEP = {0: 1, 1: 13}  # every so many samples of a third of a turn


@cache
def integral(order):
    """The stage with images of this order, and the surface integral at every STEP-th sample."""
    place, rotor = stage(order), fan().rotor
    time_s = np.arange(0, SAMPLES, STEP[order]) / RATE_HZ
    expected = np.zeros(len(time_s), dtype=np.complex128)
    surface_integral(
        time_s, *nodes(rotor.blades, CARRIER.wavelength_m), *rotor.hub(0.0), rotor.speed_rad_s, rotor.run.phase_rad,
        place.source.position_m[0], place.source.weight[0], place.source.mirror * place.source.axis,
        place.receivers.position_m[0], place.receivers.weight[0], K, CARRIER.absorption_np_m, C, expected,
    )  # fmt: skip
    return place, expected


@pytest.mark.parametrize(
    ("oracle", "order", "edge_rad"),
    [("fan, fine facets, free field", 0, 1e-4), ("fan, fine facets, images", 1, 3e-4)],
)
def test_a_fan_of_small_enough_facets_is_its_surface_integral_with_retarded_time(oracle, order, edge_rad):
    place, expected = integral(order)
    found = RotorEcho(fan(), place, RATE_HZ, edge_rad=edge_rad).read(SAMPLES)[0, :: STEP[order]]
    check(oracle, residual_db(found, expected))


def test_a_fan_as_it_is_rendered_has_the_power_of_its_surface_integral():
    place, expected = integral(0)
    found = RotorEcho(fan(), place, RATE_HZ).read(SAMPLES)[0]
    check("fan as rendered, waveform", residual_db(found, expected), 6.0)
    check(
        "fan as rendered, power",
        abs(level_db(found - found.mean()) - level_db(expected - expected.mean())),
        0.2,
    )
