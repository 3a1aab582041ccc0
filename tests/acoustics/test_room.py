import numpy as np
import pytest
from pydantic import ValidationError

from lab.acoustics.cache import DiskCache
from lab.acoustics.calibration import measuring_positions
from lab.acoustics.paths import impulse_responses
from lab.acoustics.room import RoomSpec, calibrate
from lab.acoustics.rt60 import CALIBRATED_HZ, OCTAVES_HZ, schroeder
from lab.errors import BadInput

RATE = 16000


# Volumes 20 to 200 m3. Seeds are those of no calibration: positions, images, rays and tails are all new.
@pytest.mark.parametrize(
    ("size_m", "rt60_s"),
    [
        ((3.2, 2.5, 2.5), 0.2),
        ((3.2, 2.5, 2.5), 0.9),
        ((5.0, 4.0, 2.7), 0.5),
        ((8.0, 5.0, 2.7), 0.3),
        ((10.0, 8.0, 2.5), 0.2),
        ((7.0, 6.0, 4.75), 0.9),
    ],
)
def test_reverberation_is_within_10_percent_at_12_positions_it_was_not_calibrated_at(size_m, rt60_s):
    room = calibrate(RoomSpec(size_m=size_m, rt60_s=rt60_s), seed=11)
    read = []
    for index, (source, microphones) in enumerate(
        measuring_positions(size_m, rt60_s, np.random.default_rng(99))
    ):
        for response in impulse_responses(room, source, microphones, RATE, seed=500 + index):
            read.append([schroeder(response, RATE, octave) for octave in CALIBRATED_HZ])
    assert len(read) == 12
    np.testing.assert_allclose(np.mean(read, axis=0), rt60_s, rtol=0.10)


def test_measuring_positions_keep_off_walls_and_sources():
    size, rt60_s = np.array([8.0, 5.0, 2.7]), 0.5
    for source, microphones in measuring_positions(tuple(size), rt60_s, np.random.default_rng(0)):
        everything = np.vstack([source, microphones])
        assert np.all(everything >= 0.5) and np.all(everything <= size - 0.5)
        assert np.linalg.norm(microphones - source, axis=1).min() >= 2.0 * np.sqrt(108.0 / (343.0 * rt60_s))


@pytest.fixture(scope="module")
def spec():
    return RoomSpec(size_m=[3.5, 3.0, 2.5], rt60_s=0.3)


def test_one_seed_is_one_room_and_another_seed_another(spec):
    one, again, other = calibrate(spec, 1), calibrate(spec, 1), calibrate(spec, 2)
    np.testing.assert_array_equal(one.absorption, again.absorption)
    assert one.id == again.id != other.id
    assert np.abs(one.absorption - other.absorption).max() > 0.02


def test_a_room_is_calibrated_once_and_then_read(spec, tmp_path, monkeypatch):
    cache = DiskCache(tmp_path)
    first = calibrate(spec, 1, cache)
    monkeypatch.setattr("lab.acoustics.room._walls", lambda *_: pytest.fail("calibrated again"))
    second = calibrate(spec, 1, cache)
    np.testing.assert_array_equal(first.absorption, second.absorption)
    np.testing.assert_array_equal(first.rt60_s, second.rt60_s)
    assert first.id == second.id


def test_bank_and_placements_do_not_make_it_another_room(spec, tmp_path, monkeypatch):
    cache = DiskCache(tmp_path)
    first = calibrate(spec, 1, cache)
    monkeypatch.setattr("lab.acoustics.room._walls", lambda *_: pytest.fail("calibrated again"))
    assert calibrate(spec.model_copy(update={"bank": 3, "placements": 9}), 1, cache).id == first.id


def test_a_reverberation_that_air_alone_forbids_is_bad_input():
    with pytest.raises(
        BadInput,
        match=r"rt60_s = 1\.9 .*4 x 3 x 2\.5 m at 20 C and 10 %: the longest at 4000 Hz is 1\.[3-6]\d s",
    ):
        calibrate(RoomSpec(size_m=[4, 3, 2.5], rt60_s=1.9, humidity_percent=10.0), 1)


def test_a_reverberation_too_short_for_any_wall_is_bad_input():
    with pytest.raises(BadInput, match=r"rt60_s = 0\.1 .*the shortest at"):
        calibrate(RoomSpec(size_m=[20, 15, 4], rt60_s=0.1), 1)


def test_materials_give_the_walls_their_absorption_and_are_measured():
    spec = RoomSpec(
        size_m=(4, 3, 2.5),
        materials={"walls": "brickwork", "floor": "carpet_hairy", "ceiling": "gypsum_board"},
    )
    room = calibrate(spec, 1)
    from pyroomacoustics.parameters import materials_absorption_table

    carpet = materials_absorption_table["carpet_hairy"]["coeffs"]
    np.testing.assert_allclose(room.absorption[4, : len(carpet)], carpet)
    np.testing.assert_array_equal(room.absorption[0], room.absorption[3])
    assert np.all(np.isfinite(room.rt60_s))
    # Carpet swallows high frequencies; brick and plaster do not care.
    assert room.rt60_s[OCTAVES_HZ.index(4000.0)] < room.rt60_s[OCTAVES_HZ.index(250.0)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size_m": (4, 3, 2.5)}, "exactly one of rt60_s and materials"),
        ({"size_m": (4, 3), "rt60_s": 0.3}, "size_m"),
        ({"size_m": (4, 3, 1.0), "rt60_s": 0.3}, "greater than or equal to 1.5"),
        ({"size_m": (4, 3, 2.5), "rt60_s": 9.0}, "less than or equal to 2"),
        ({"size_m": (4, 3, 2.5), "rt60_s": "0.3"}, "valid number"),
        ({"size_m": (4, 3, 2.5), "rt60_s": 0.3, "humidity_percent": 2.0}, "humidity_percent"),
        ({"size_m": (4, 3, 2.5), "rt60_s": 0.3, "bank": 0}, "bank"),
        (
            {
                "size_m": (4, 3, 2.5),
                "materials": {"walls": "brickwrk", "floor": "brickwork", "ceiling": "brickwork"},
            },
            "did you mean 'brickwork'",
        ),
    ],
)
def test_a_bad_room_is_refused_with_what_is_allowed(given, words):
    with pytest.raises(ValidationError, match=words):
        RoomSpec(**given)
