"""A mover outside the room: behind the wall, at an open door, in the doorway."""

from __future__ import annotations

import numpy as np
import pytest

from lab.acoustics.ultrasonic.passage import Opening, aperture, passage_gain
from lab.errors import BadInput

SIZE = (5.0, 4.0, 2.7)
DEVICE = (1.0, 2.0, 1.2)
WAVELENGTH = 343.2 / 34_000.0
DOOR = Opening("east", along_m=2.0)


def gain(points, openings=(DOOR,), **options) -> np.ndarray:
    return passage_gain(points, SIZE, DEVICE, openings, WAVELENGTH, **options)


def test_inside_the_room_all_is_heard() -> None:
    assert np.array_equal(gain([[1.0, 1.0, 1.0], [4.99, 3.99, 0.0]]), [1.0, 1.0])


def test_behind_the_wall_the_loss_counts_there_and_back() -> None:
    behind = [[2.0, 6.0, 1.0], [-1.0, 2.0, 1.0]]
    assert 20 * np.log10(gain(behind, openings=(), wall_loss_db=40.0)) == pytest.approx(-80.0)
    assert np.array_equal(
        gain([[6.0, 2.0, 1.0]], (Opening("east", 2.0, open=False),)), gain([[6.0, 2.0, 1.0]], ())
    )


def test_in_the_line_of_sight_through_the_door_nearly_all_is_heard() -> None:
    """A door of 0.9 m is 9 Fresnel radii wide at 2 m: within 1.5 dB of no wall at all."""
    level = 20 * np.log10(gain([[x, 2.0, 1.0] for x in np.linspace(5.01, 8.0, 60)]))
    assert np.all(np.abs(level) < 1.5)


def test_a_body_half_behind_the_jamb_gives_half_its_echo() -> None:
    """-3 dB by rays; edge diffraction takes a little more."""
    wide = Opening("east", along_m=1.0, width_m=2.0, height_m=2.7)
    level = 20 * np.log10(gain([[9.0, 2.0, 1.2]], (wide,)))
    assert -5.0 < level[0] < -3.0


def test_aside_of_the_door_it_falls_smoothly_into_the_wall() -> None:
    y = np.linspace(2.0, 5.9, 800)
    level = 20 * np.log10(gain(np.stack([np.full_like(y, 7.0), y, np.full_like(y, 1.0)], axis=-1)))
    assert level[0] > -1.5 and level[-1] < -60.0
    shade = level[y > 2.9]
    assert np.abs(np.diff(level[: np.argmax(level < -30.0)])).max() < 2.0
    assert shade[:200].mean() > shade[200:400].mean() > shade[-200:].mean() >= -90.0


def test_walking_out_through_the_door_has_no_jump() -> None:
    x = np.linspace(4.5, 5.5, 2001)
    walked = gain(np.stack([x, np.full_like(x, 2.1), np.ones_like(x)], axis=-1))
    assert np.abs(np.diff(walked)).max() < 0.05


def test_a_slit_without_end_is_no_screen_and_half_a_plane_is_a_half() -> None:
    edge = np.array([1e6])
    assert aperture(-edge, edge) == pytest.approx(1.0, abs=1e-5)
    assert np.abs(aperture(np.zeros(1), edge)) == pytest.approx(0.5, abs=1e-5)


def test_a_wall_that_is_not_there_and_a_negative_loss_are_refused() -> None:
    outside = [[6.0, 2.0, 1.0]]
    with pytest.raises(BadInput, match="opening.wall = 'up': one of west, east, south, north"):
        gain(outside, (Opening("up", 1.0),))
    with pytest.raises(BadInput, match="wall_loss_db = -3: 20 to 120"):
        gain(outside, wall_loss_db=-3.0)
