import math

import numpy as np
import pytest
from scipy.special import spherical_jn, spherical_yn

from lab.acoustics.ultrasonic.scattering import cross_section_m2, end_factor, support_m

K = 2.0 * math.pi * 34_000.0 / 343.2


def db(value):
    return 10.0 * np.log10(value)


def rigid_sphere(radius, r1, r2, angle=0.0):
    """Exact echo of a rigid sphere between a source at r1 and a microphone at r2 under an angle, both of unit pressure at 1 m.

    jk sum (2n+1) j_n'(ka) / h_n'(ka) h_n(k r1) h_n(k r2) P_n(cos angle), h the Hankel function of the second kind
    (Morse and Ingard, Theoretical Acoustics, 8.2).
    """
    n = np.arange(int(K * radius) + 25)
    h = lambda x, derivative=False: spherical_jn(n, x, derivative) - 1j * spherical_yn(n, x, derivative)
    legendre = np.array([np.polynomial.legendre.Legendre.basis(i)(math.cos(angle)) for i in n])
    ratio = spherical_jn(n, K * radius, True) / h(K * radius, True)
    return 1j * K * np.sum((2 * n + 1) * ratio * h(K * r1) * h(K * r2) * legendre)


@pytest.mark.parametrize(
    ("ka", "tolerance_db"),
    [(3.0, 2.5), (5.0, 1.0), (8.0, 0.7), (12.0, 0.4), (20.0, 0.2), (35.0, 0.1), (60.0, 0.1)],
)
@pytest.mark.parametrize("distance", [0.3, 1.0, 3.0])
def test_a_sphere_echoes_like_the_exact_series(ka, tolerance_db, distance):
    """Residual 2.4 dB at ka = 3 (creeping waves), 0.9 at 5, 0.65 at 8, 0.3 at 12, 0.2 at 20 and below 0.1 dB above 35."""
    a = ka / K
    exact = abs(rigid_sphere(a, a + distance, a + distance))
    ours = end_factor(distance, 0.3, a, a) ** 2
    assert abs(2.0 * db(ours / exact)) < tolerance_db


def test_the_phase_of_a_sphere_is_that_of_its_near_side():
    """Within 1.6 / ka rad from ka = 12 on, over both ends."""
    for ka in (12.0, 30.0, 60.0):
        a = ka / K
        exact = rigid_sphere(a, a + 1.0, a + 1.0)
        assert abs(np.angle(exact * np.exp(2j * K * 1.0))) < 1.6 / ka


@pytest.mark.parametrize(("distance", "strength_db"), [(1.0, -20.4), (1.5, -18.6), (3.0, -15.6)])
def test_a_long_pipe_is_a_cylinder(distance, strength_db):
    """75 mm pipe, the sensor test's target: (r^2 / 4) a / (a + r)."""
    assert db(cross_section_m2(distance, 0.0, 0.0375, 50.0)) == pytest.approx(strength_db, abs=0.05)


@pytest.mark.parametrize("cosine", [0.0, 0.4, 0.9, 1.0])
def test_far_away_it_is_chens_ellipsoid(cosine):
    """Within 0.01 dB of pi a^2 b^2 c^2 / (a^2 sin^2 + c^2 cos^2)^2 over 4 pi with a = b, at 1 km."""
    a, c = 0.07, 0.21
    sine2 = 1.0 - cosine**2
    chen = math.pi * a**4 * c**2 / (a**2 * sine2 + c**2 * cosine**2) ** 2
    assert db(cross_section_m2(1000.0, cosine, a, c) / (chen / (4.0 * math.pi))) == pytest.approx(
        0.0, abs=0.01
    )


def test_large_and_near_it_is_a_mirror():
    """r^2 / 4: +3.5 dB at 3 m."""
    assert db(cross_section_m2(3.0, 0.5, 1e4, 1e4)) == pytest.approx(3.52, abs=0.01)


def test_support_reaches_the_surface_along_and_across():
    np.testing.assert_allclose(support_m([0.0, 1.0, -1.0], 0.07, 0.21), [0.07, 0.21, 0.21])


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_split_over_unequal_distances_keeps_the_level(ratio):
    """Ends in one direction, one twice as far: geometrical acoustics has prod sqrt(R / (r1 R + r2 R + 2 r1 r2)); within 0.5 dB."""
    a, c = 0.1, 0.3
    for cosine in (0.0, 0.5, 1.0):
        h = support_m(cosine, a, c)
        for r1 in (0.5, 1.0, 3.0):
            r2 = ratio * r1
            exact = math.prod(
                math.sqrt(radius / ((r1 + r2) * radius + 2.0 * r1 * r2))
                for radius in (a * a * c * c / h**3, a * a / h)
            )
            split = end_factor(r1, cosine, a, c) * end_factor(r2, cosine, a, c)
            assert abs(2.0 * db(split / exact)) < 0.5


@pytest.mark.parametrize(("angle_deg", "tolerance_db"), [(30.0, 0.3), (60.0, 0.8), (90.0, 1.6)])
def test_split_over_two_directions_keeps_the_level_of_a_sphere(angle_deg, tolerance_db):
    """ka = 40; the path is short by 2 a (1 - cos(angle / 2)), as the docstring says."""
    a, r = 40.0 / K, 2.0
    exact = rigid_sphere(a, r, r, math.radians(angle_deg))
    split = end_factor(r - a, 0.0, a, a) ** 2
    assert abs(2.0 * db(split / abs(exact))) < tolerance_db
    late = 2.0 * a * (1.0 - math.cos(math.radians(angle_deg / 2.0)))
    residual = np.angle(exact * np.exp(1j * K * (2.0 * (r - a) + late)))
    assert abs(residual) < 0.7
