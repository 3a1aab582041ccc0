import numpy as np
import pytest

from lab.acoustics.ultrasonic.images import joined, lattice

SIZE = np.array([5.0, 4.0, 2.7])
POINT = np.array([2.4, 0.3, 0.8])


@pytest.fixture(scope="module")
def library():
    """Image sources of pyroomacoustics up to order 3, six different walls."""
    import pyroomacoustics as pra

    absorption = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    names = ("west", "east", "south", "north", "floor", "ceiling")
    walls = {name: pra.Material(energy) for name, energy in zip(names, absorption, strict=True)}
    room = pra.ShoeBox(SIZE, fs=16000, materials=walls, max_order=3)
    room.add_source(POINT)
    room.add_microphone([1.0, 1.0, 1.0])
    room.image_source_model()
    return room.sources[0], np.sqrt(1.0 - absorption)


def test_positions_and_reflections_are_those_of_pyroomacoustics(library):
    """Largest difference 2e-7 m (its images are single precision), reflections 2e-8."""
    source, walls = library
    images = lattice(0, 3)
    position, reflection = images.position_m(SIZE, POINT), images.reflection(walls)
    assert len(position) == source.images.shape[1] == 63
    distance = np.linalg.norm(position[:, None] - source.images.T, axis=2)
    twin = distance.argmin(axis=1)
    assert len(set(twin)) == 63
    assert distance.min(axis=1).max() < 2e-6
    np.testing.assert_allclose(reflection, source.damping[0, twin], rtol=1e-6)
    np.testing.assert_array_equal(images.order, source.orders[twin])


@pytest.mark.parametrize(("order", "count"), [(0, 1), (1, 7), (2, 25), (3, 63), (10, 1561)])
def test_number_of_images(order, count):
    assert len(lattice(0, order).cell) == count


def test_the_first_image_is_the_point_itself_and_orders_rise():
    images = lattice(0, 3)
    np.testing.assert_array_equal(images.position_m(SIZE, POINT)[0], POINT)
    assert images.order[0] == 0 and np.all(np.diff(images.order) >= 0)
    assert images.reflection(np.full(6, 0.5))[0] == 1.0


def test_mirror_is_how_an_image_moves_with_its_point():
    images = lattice(0, 3)
    step = np.array([0.01, 0.02, 0.03])
    moved = images.position_m(SIZE, POINT + step) - images.position_m(SIZE, POINT)
    np.testing.assert_allclose(moved, images.mirror * step, atol=1e-12)


def test_several_points_share_a_lattice():
    points = np.stack([POINT, POINT + 0.1])
    positions = lattice(0, 2).position_m(SIZE, points)
    assert positions.shape == (2, 25, 3)
    np.testing.assert_array_equal(positions[1], lattice(0, 2).position_m(SIZE, points[1]))


def test_orders_split_into_shells():
    whole = joined(lattice(0, 2), lattice(3, 3))
    np.testing.assert_array_equal(whole.cell, lattice(0, 3).cell)
