"""Phases of paths in moving and warming air."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from pydantic import ValidationError

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.stage import Carrier
from lab.acoustics.ultrasonic.turbulence import (
    AIRS,
    KNOT_HZ,
    AirSpec,
    Climbing,
    Turbulence,
    correlation,
    phase_share,
    phase_variance,
    shaping,
)

CARRIER = Carrier.in_air(34_000.0, Climate())
K = CARRIER.wavenumber


def index_variance(air: str) -> float:
    return AIRS[air].index_variance(293.15, CARRIER.speed_m_s)


def made(spec: AirSpec, length_m: list[float], seconds: int, seed: int = 1) -> np.ndarray:
    direction = np.eye(3)[np.arange(len(length_m)) % 3]
    air = Turbulence(spec, CARRIER, direction, np.array(length_m), np.random.default_rng(seed))
    return np.concatenate([air.frame() for _ in range(seconds)], axis=1)


@pytest.mark.parametrize(
    ("air", "far_rad", "near_dbc"), [("quiet", 0.11, -43), ("hvac", 0.54, -29), ("fan_jet", 1.5, -19)]
)
def test_the_three_airs_have_the_phases_of_the_literature(air: str, far_rad: float, near_dbc: float) -> None:
    """RMS on 6 m within 1 dB, power on a direct path of 10 cm within 1.5 dB; the share of phase is then 0.89."""
    far, near = phase_variance(K, index_variance(air), np.array([6.0, 0.1]))
    assert 20 * np.log10(np.sqrt(far) / far_rad) == pytest.approx(0.0, abs=1.0)
    assert 10 * np.log10(near) == pytest.approx(near_dbc, abs=1.5)


def test_variance_is_that_of_the_sum_over_the_path() -> None:
    """Against the double integral, 0.01 dB; against the law of long paths, sqrt(pi) k^2 m^2 L l, 0.1 dB at 10 m."""
    for length in (0.05, 0.3, 2.0):
        s = (np.arange(2000) + 0.5) / 2000 * length
        overlap = np.mean(np.exp(-(((s[:, None] - s[None]) / 0.2) ** 2))) * length**2
        formula = float(phase_variance(K, 1e-8, length)) / float(phase_share(K, length, 0.2))
        assert 10 * np.log10(formula / (K**2 * 1e-8 * overlap)) == pytest.approx(0.0, abs=0.01)
    long = float(phase_variance(K, 1e-8, 10.0)) / (np.sqrt(np.pi) * K**2 * 1e-8 * 10.0 * 0.2)
    assert 10 * np.log10(long / float(phase_share(K, 10.0, 0.2))) == pytest.approx(0.0, abs=0.1)
    assert phase_share(K, 1e-3, 0.2) == pytest.approx(1.0, abs=1e-3) and 0.5 < phase_share(K, 1e3, 0.2) < 0.52


@pytest.mark.parametrize("corner_hz", [0.3, 0.8, 3.0])
def test_spectrum_has_the_corner_and_falls_with_eight_thirds(corner_hz: float) -> None:
    """Within 0.3 dB of (1 + (f / fc)^2)^(-4/3) up to an eighth of the rate, 1.4 dB up to a quarter."""
    frequency = np.geomspace(corner_hz / 20, KNOT_HZ / 4, 200)
    _, response = scipy.signal.sosfreqz(shaping(corner_hz, 1e4), worN=frequency, fs=KNOT_HZ)
    level = 20 * np.log10(np.abs(response))
    formula = -40.0 / 3.0 * np.log10(1.0 + (frequency / corner_hz) ** 2)
    difference = np.abs(level - formula - np.median(level - formula))
    assert difference[frequency < KNOT_HZ / 8].max() < 0.3 and difference.max() < 1.4
    tail = (frequency > 8.0 * corner_hz) & (frequency < KNOT_HZ / 8)
    if np.count_nonzero(tail) > 10:
        slope = np.polyfit(np.log10(frequency[tail]), level[tail] / 10.0, 1)[0]
        assert slope == pytest.approx(-8 / 3, abs=0.06)


def test_small_eddies_die_so_still_air_makes_nothing_far_from_the_carrier() -> None:
    _, response = scipy.signal.sosfreqz(shaping(0.5, 40.0), worN=[10.0, 90.0], fs=KNOT_HZ)
    _, uncut = scipy.signal.sosfreqz(shaping(0.5, 1e4), worN=[10.0, 90.0], fs=KNOT_HZ)
    loss = 20 * np.log10(np.abs(response / uncut))
    assert loss[0] == pytest.approx(0.0, abs=0.3) and loss[1] < -14.0


def test_what_is_made_has_variance_and_spectrum_of_the_formula() -> None:
    """Over half an hour: variance within 0.8 dB, density at 2 to 20 Hz within 1 dB of the formula."""
    spec = AirSpec(air="hvac", drift_k_per_h=0.0)
    phase = made(spec, [6.0, 6.0, 0.1], 1800)
    expected = phase_variance(K, index_variance("hvac"), np.array([6.0, 6.0, 0.1]))
    assert 10 * np.log10(phase.var(axis=1) / expected) == pytest.approx(np.zeros(3), abs=0.8)
    frequency, density = scipy.signal.welch(phase[:2], KNOT_HZ, nperseg=8192)
    corner = AIRS["hvac"].flow_m_s / (2 * np.pi * 0.2)
    shape = (1 + (frequency / corner) ** 2) ** (-4 / 3)
    # Integral of (1 + x^2)^(-4/3) over x > 0.
    formula = expected[0] * shape / (corner * 1.1203)
    band = (frequency > 2.0) & (frequency < 20.0)
    assert 10 * np.log10(density.mean(axis=0)[band].sum() / formula[band].sum()) == pytest.approx(
        0.0, abs=1.0
    )


def test_neighbouring_paths_move_together_and_distant_ones_do_not() -> None:
    angle = np.array([0.0, 0.01, 0.5])
    direction = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    shared = correlation(direction, np.array([6.0, 6.0, 6.0]), 0.2)
    assert shared[0, 1] > 0.95 and shared[0, 2] < 0.1
    assert np.diag(shared) == pytest.approx(1.0)
    ways = np.random.default_rng(0).normal(size=(60, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    assert np.linalg.eigvalsh(correlation(ways, np.linspace(0.05, 30.0, 60), 0.1)).min() > -1e-10


def test_a_kelvin_turns_a_path_of_six_metres_by_a_whole_turn() -> None:
    """6.4 rad per K (k L / 2T), found in a day of drift."""
    warming = K * 6.0 / (2 * 293.15)
    assert warming == pytest.approx(6.4, abs=0.05)
    spec = AirSpec(drift_k_per_h=2.0)
    still = AirSpec(drift_k_per_h=0.0)
    turned = made(spec, [6.0], 1200) - made(still, [6.0], 1200)
    climate, *_ = np.random.default_rng(1).spawn(3)
    climbing = Climbing(spec, climate)
    kelvin = [climbing.step()[0] for _ in range(1200)]
    assert np.abs(kelvin[-1]) > 0.05
    assert turned[0, KNOT_HZ - 1 :: KNOT_HZ] == pytest.approx(warming * np.array(kelvin), abs=1e-3)


def test_a_day_of_sun_and_a_switching_system_stays_bounded() -> None:
    spec = AirSpec(air="hvac", cycle_min=15.0, on_fraction=0.3, swing_k=1.0, drift_k_per_h=0.5, sun_k=4.0)
    climbing = Climbing(spec, np.random.default_rng(3))
    kelvin, gate = np.array([climbing.step() for _ in range(86_400)]).T
    assert np.abs(kelvin).max() < 8.0 and np.ptp(kelvin) > 1.0
    assert gate.mean() == pytest.approx(0.3, abs=0.06)
    assert gate.min() < 0.01 and gate.max() > 0.99
    switches = np.count_nonzero(np.diff(gate > 0.5))
    assert 2 * 96 * 0.8 < switches < 2 * 96 * 1.25
    assert np.abs(np.diff(kelvin)).max() < 0.02  # nothing jumps


def test_the_system_blows_in_turns() -> None:
    spec = AirSpec(air="hvac", cycle_min=2.0, on_fraction=0.5, swing_k=0.0, drift_k_per_h=0.0)
    phase = made(spec, [6.0], 1200)[0].reshape(-1, 10 * KNOT_HZ)
    variance = np.sort(phase.var(axis=1))
    quarter = len(variance) // 4
    assert variance[-quarter:].mean() > 8.0 * variance[:quarter].mean()


def test_the_same_seed_gives_two_tones_the_same_air() -> None:
    other = Carrier.in_air(38_000.0, Climate())
    both = [
        Turbulence(AirSpec(), carrier, np.eye(3), np.array([1.0, 3.0, 9.0]), np.random.default_rng(5)).frame()
        for carrier in (CARRIER, other)
    ]
    ratio = (both[1] / both[0]).mean(axis=1)
    assert ratio == pytest.approx(38 / 34, rel=0.02)


def test_air_out_of_range_is_refused() -> None:
    for wrong in ({"air": "storm"}, {"eddy_m": 0.0}, {"cycle_min": -1.0}, {"on_fraction": 1.0}):
        with pytest.raises(ValidationError):
            AirSpec(**wrong)
