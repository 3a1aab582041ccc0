"""A body in the way of a static path."""

from __future__ import annotations

import numpy as np
import pytest

from lab.acoustics.shoebox import Climate
from lab.acoustics.ultrasonic.images import lattice
from lab.acoustics.ultrasonic.shadow import Shadow, legs
from lab.acoustics.ultrasonic.stage import Carrier, Stage, make_stage

SIZE = (5.0, 4.0, 2.7)
CARRIER = Carrier.in_air(34_000.0, Climate())
SPEAKER = np.array([1.0, 1.9, 1.2])
IMAGES = lattice(0, 2)
EAST, WEST, UP = (
    int(np.flatnonzero((IMAGES.cell == cell).all(axis=1))[0]) for cell in ([1, 0, 0], [-1, 0, 0], [0, 0, 1])
)


def stage() -> Stage:
    microphone = SPEAKER + [[0.02, 0.03, 0.06]]
    return make_stage(
        SIZE, np.ones(6), CARRIER, SPEAKER, microphone, [1.0, 0.0, 0.0], np.ones(3), image_order=2
    )


def left(image: int, foot_xy: np.ndarray, radius_m: float = 0.2, height_m: float = 1.75) -> np.ndarray | None:
    foot = np.concatenate([foot_xy, np.zeros((len(foot_xy), 1))], axis=1)
    shadow = Shadow(stage(), np.array([image]), [lambda time_s: (foot, radius_m, height_m)])
    gain = shadow.gain(np.zeros(len(foot)))
    return None if gain is None else gain[0]


def test_legs_are_what_a_mirror_makes_of_the_straight_line() -> None:
    """Corners on walls, whole length that of the image's distance to 1e-12 m, angle in = angle out."""
    for image in range(1, len(IMAGES.order)):
        corner, way = legs(stage(), image)
        steps = np.diff(corner, axis=0)
        assert len(corner) == IMAGES.order[image] + 2
        assert np.linalg.norm(steps, axis=1) == pytest.approx(np.diff(way))
        assert corner[-1] == pytest.approx(SPEAKER)
        on_wall = np.minimum(np.abs(corner[1:-1]), np.abs(corner[1:-1] - SIZE)).min(axis=1)
        assert on_wall == pytest.approx(0.0, abs=1e-12)
        direction = np.abs(steps / np.linalg.norm(steps, axis=1, keepdims=True))
        assert direction == pytest.approx(np.tile(direction[0], (len(direction), 1)))


def test_behind_a_body_is_what_is_left_of_the_wave_beside_and_above_it() -> None:
    """Against a numerical Fresnel integral over what a screen of 0.4 x 1.75 m leaves open, 0.15 dB; once per leg."""
    foot = np.array([[3.0, 1.9]])
    corner, way = legs(stage(), EAST)
    expected = 1.0
    for a, b, before in zip(corner[:-1], corner[1:], way[:-1], strict=True):
        part = (3.0 - a[0]) / (b[0] - a[0])
        first = before + part * np.linalg.norm(b - a)
        rho = first * (way[-1] - first) / way[-1]
        height = a[2] + part * (b[2] - a[2])
        # Small losses make the integral over an open half plane converge.
        x = np.linspace(-60.0, 60.0, 1_000_001)
        wave = np.exp(-1j * np.pi / (CARRIER.wavelength_m * rho) * x**2 - (x / 20.0) ** 2)
        aside = 1.9 - (a[1] + part * (b[1] - a[1]))
        across, up = np.abs(x - aside) < 0.2, x < 1.75 - height
        blocked = (wave[across].sum() / wave.sum()) * (wave[up].sum() / wave.sum())
        expected *= abs(1.0 - blocked)
    expected = np.sqrt(expected**2 * 0.99 + 0.01)
    assert 20 * np.log10(left(EAST, foot)[0] / expected) == pytest.approx(0.0, abs=0.15)


def test_a_body_across_a_path_takes_six_to_twenty_decibels() -> None:
    x = np.linspace(1.8, 4.2, 25)
    level = 20 * np.log10(left(EAST, np.stack([x, np.full_like(x, 1.9)], axis=-1)))
    assert np.all(level < -6.0) and np.all(level >= -20.0)


def test_walking_across_a_path_dips_smoothly_and_leaves_it_as_it_was() -> None:
    y = np.arange(0.3, 3.7, 1.2 / 200)
    gain = left(EAST, np.stack([np.full_like(y, 3.0), y], axis=-1))
    assert gain[0] == 1.0 and gain[-1] == pytest.approx(1.0)
    assert gain.min() < 0.3 and gain.max() < 1.6
    assert np.abs(np.diff(gain)).max() < 0.25
    dark = np.flatnonzero(gain < 0.5)
    assert 0.2 < np.ptp(y[dark]) < 0.6


def test_only_paths_through_the_body_are_shaded() -> None:
    foot = np.array([[3.0, 1.9]])
    assert left(WEST, foot)[0] == 1.0
    assert left(UP, foot)[0] == 1.0
    low = left(EAST, foot, radius_m=0.2, height_m=0.3)
    assert low[0] == pytest.approx(1.0, abs=0.1)


def test_a_body_outside_the_room_shades_nothing() -> None:
    assert left(EAST, np.array([[6.0, 1.9]])) is None
    nobody = Shadow(stage(), np.array([EAST]), [lambda time_s: None])
    assert nobody.gain(np.zeros(3)) is None
