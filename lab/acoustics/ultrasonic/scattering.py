"""The echo of a smooth convex body of revolution, from its specular point.

    h(u) = sqrt(a^2 + (c^2 - a^2) (u.n)^2)           support: how far the body reaches towards u
    Rm = a^2 c^2 / h^3,  Rt = a^2 / h                principal radii of curvature where the normal is u
    sigma(s) = (s^2 / 4) Rm Rt / ((Rm + s)(Rt + s))  backscattering cross-section at the distance s = r - h

a is the radius, c the half length, n the axis, u the unit vector from the centre to a transducer, r their distance. The echo
sqrt(sigma) / s^2 is geometrical acoustics with the curvature of the incident wave; far away sigma is Rm Rt / 4, which
is Chen's ellipsoid over 4 pi (The Micro-Doppler Effect in Radar, 2011, eq. 2.45).

For an echo between two ends, path and amplitude are split into one factor per end,

    path = (r1 - h(u1)) + (r2 - h(u2)),   echo = e(s1) e(s2),   e(s) = sqrt(sqrt(sigma(s)) / s^2),

which makes the sum over pairs of images a product of two sums. It is exact for ends in one direction at one distance.
With one direction and other distances (s1 = 2 s2) the amplitude is off by less than 0.5 dB. Ends seen under an angle 2b have
their true specular point at the bisector, with a path 2 h(bisector) cos b shorter: on a sphere the split shortens it by
2 a (1 - cos b) too much, a phase that changes slowly as the body moves. Creeping waves and the shadow (forward) lobe
are left out: an end behind the body as seen from the other still gets an echo.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
# No echo is taken from nearer than this: a body over the transducer itself would give an infinite one.
NEAREST_M = 0.02


def support_m(cosine: ArrayLike, radius_m: ArrayLike, half_length_m: ArrayLike) -> Array:
    """h in m; cosine: u.n, -1 to 1; all shapes broadcast."""
    cosine, a, c = (np.asarray(v, dtype=np.float64) for v in (cosine, radius_m, half_length_m))
    return np.sqrt(a * a + (c * c - a * a) * cosine * cosine)


def cross_section_m2(
    distance_m: ArrayLike, cosine: ArrayLike, radius_m: ArrayLike, half_length_m: ArrayLike
) -> Array:
    """sigma of a rigid spheroid at distance_m from its surface, above 0. Target strength is 10 log10 of it."""
    s, a, c = (np.asarray(v, dtype=np.float64) for v in (distance_m, radius_m, half_length_m))
    h = support_m(cosine, a, c)
    return s * s / 4.0 / ((1.0 + s * h**3 / (a * a * c * c)) * (1.0 + s * h / (a * a)))


def end_factor(
    distance_m: ArrayLike, cosine: ArrayLike, radius_m: ArrayLike, half_length_m: ArrayLike
) -> Array:
    """e(s) in 1/sqrt(m): the echo is the product of both ends' factors, times the reflection."""
    s = np.maximum(np.asarray(distance_m, dtype=np.float64), NEAREST_M)
    return np.sqrt(np.sqrt(cross_section_m2(s, cosine, radius_m, half_length_m))) / s
