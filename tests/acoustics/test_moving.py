"""Sources that move: against tones solved sample by sample, against the library's images, and against what people would hear."""

from __future__ import annotations

import numpy as np
import pytest

from lab.acoustics.early import early_responses, images_of
from lab.acoustics.moving import CHUNK, Course, MovingSource
from lab.acoustics.paths import impulse_responses
from lab.acoustics.room import RoomSpec, calibrate
from lab.acoustics.shoebox import image_responses, trace
from lab.acoustics.tails import tails_along
from lab.errors import BadInput, LabFailure
from tests.acoustics.moving_reference import Tones, reference, residual_db, tones

RATE = 16_000
MICROPHONES = np.array([3.0, 2.5, 0.8]) + [[0.035, 0, 0.05], [0, 0.035, 0.05], [-0.035, 0, 0.05]]


@pytest.fixture(scope="module")
def room():
    return calibrate(RoomSpec(size_m=(5, 4, 2.7), rt60_s=0.4), 3)


def straight(speed_m_s, start_m=(0.6, 1.0, 1.5), towards=0.3, seconds=1.0):
    """Along a line over the floor; it was on that line before the trial, too."""
    step = speed_m_s * np.array([np.cos(towards), np.sin(towards), 0.0])

    def at(time_s):
        return np.asarray(start_m) + np.maximum(np.asarray(time_s), -0.05)[:, None] * step

    return Course(at, at(np.linspace(0.0, seconds, 20)), max(speed_m_s, 0.01))


def noise(seconds=1.0, seed=0):
    samples, position = np.random.default_rng(seed).standard_normal(round(seconds * RATE)), 0

    def read(n):
        nonlocal position
        position += n
        return samples[position - n : position]

    return read


def early(room, course, source, order, samples, microphones=MICROPHONES):
    moving = MovingSource(room, course, microphones, RATE, source.reader(RATE), 1, order=order, tail=False)
    return moving.read(samples)


@pytest.mark.parametrize(("speed_m_s", "limit_db"), [(0.0, -66.0), (0.3, -66.0), (1.5, -66.0), (2.4, -65.0)])
def test_early_images_are_those_solved_sample_by_sample(room, speed_m_s, limit_db):
    """The moving part alone, order 3, tones from 60 Hz to 7.4 kHz: -68.4 dB at 1.5 m/s, -67.4 dB at 2.4 m/s."""
    course, source = straight(speed_m_s), tones(40, 60.0, 7400.0, 1)
    heard = early(room, course, source, 3, 12_000, MICROPHONES[:2])
    at = np.arange(6000, 12_000, 7)
    wanted = reference(room, course, MICROPHONES[:2], source, at / RATE, 3, RATE)
    assert residual_db(heard[:, at], wanted) < limit_db


def test_a_tone_is_heard_higher_as_its_source_approaches(room):
    """1 kHz at 1.5 m/s straight to the microphone: 1000 c / (c - v) = 1004.39 Hz; 995.65 Hz on the way back."""
    speed, c = 1.5, room.climate.speed_m_s
    for sign, expected in ((1.0, 1000.0 * c / (c - speed)), (-1.0, 1000.0 * c / (c + speed))):
        towards = 0.0 if sign > 0.0 else np.pi
        course = straight(speed, (0.5, 2.0, 1.0) if sign > 0.0 else (2.3, 2.0, 1.0), towards)
        heard = early(
            room, course, Tones(np.array([1000.0]), np.zeros(1)), 0, RATE, np.array([[4.0, 2.0, 1.0]])
        )
        part = heard[0, RATE // 4 :].astype(np.float64)
        turns = np.exp(-2j * np.pi * expected / RATE * np.arange(len(part)))
        beat = (part * turns).reshape(12, -1).mean(axis=1)
        drift_hz = np.polyfit(np.arange(12) / 16.0, np.unwrap(np.angle(beat)), 1)[0] / (2.0 * np.pi)
        assert drift_hz == pytest.approx(0.0, abs=0.01)


def test_nothing_clicks_where_blocks_meet(room):
    """The largest sample of what is left of a tone after the reference, over several chunks: 60 dB below its peak."""
    course, source = straight(1.5, seconds=1.2), Tones(np.array([3100.0]), np.zeros(1))
    heard = early(room, course, source, 0, 4 * CHUNK, MICROPHONES[:1])[0, 2000:]
    wanted = reference(room, course, MICROPHONES[:1], source, np.arange(2000, 4 * CHUNK) / RATE, 0, RATE)[0]
    assert np.abs(heard - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_a_level_rises_as_one_over_distance(room):
    course, source = straight(1.5, (0.4, 2.0, 1.0), 0.0), Tones(np.array([500.0]), np.zeros(1))
    heard = early(room, course, source, 0, RATE, np.array([[4.0, 2.0, 1.0]]))[0]
    levels = (
        np.sqrt(2.0 * (heard.reshape(-1, 320)[10:].astype(np.float64) ** 2).mean(axis=1)) / source.amplitude
    )
    middle_s = (np.arange(10, 50) + 0.5) * 0.02
    away = 3.6 - 1.5 * middle_s
    away = away * (1.0 + 1.5 / room.climate.speed_m_s)  # where it was when it sounded
    assert levels == pytest.approx(1.0 / away, rel=0.005)


def test_reads_change_no_bit(room):
    whole = MovingSource(room, straight(1.0), MICROPHONES, RATE, noise(), 1).read(12_000)
    parts = MovingSource(room, straight(1.0), MICROPHONES, RATE, noise(), 1)
    np.testing.assert_array_equal(
        whole, np.concatenate([parts.read(n) for n in (1, 7999, 0, 3, 3997)], axis=1)
    )


def test_one_microphone_is_the_first_of_all(room):
    every = MovingSource(room, straight(1.0), MICROPHONES, RATE, noise(), 1).read(6000)
    first = MovingSource(room, straight(1.0), MICROPHONES, RATE, noise(), 1, channels=1).read(6000)
    assert first.shape == (1, 6000)
    assert residual_db(first[0].astype(np.float64), every[0].astype(np.float64)) < -110.0


def test_images_lose_what_the_library_has_them_lose(room):
    """Damping of all 63 images in all octaves, to the single precision of the library."""
    place = (1.0, 1.2, 1.5)
    traced = trace(room.shoebox, place, MICROPHONES, RATE, 0.1, 1, 100)
    ours = images_of(room, MICROPHONES, RATE)
    lengths = np.sort(np.linalg.norm(ours.position_m[0] - place, axis=1))
    theirs = np.linalg.norm(traced.sources[0].images - MICROPHONES[0][:, None], axis=0)
    order = np.argsort(theirs)
    assert lengths == pytest.approx(theirs[order], abs=1e-5)
    mine = ours.reflection[np.argsort(np.linalg.norm(ours.position_m[0] - place, axis=1))]
    assert mine == pytest.approx(traced.sources[0].damping[:, order].T, rel=1e-4)


def test_a_source_at_rest_sounds_as_its_impulse_response(room):
    place, c = np.array([1.0, 1.2, 1.5]), room.climate.speed_m_s
    responses = early_responses(images_of(room, MICROPHONES, RATE), place, c, RATE)
    source = tones(40, 60.0, 7000.0, 2)
    resting = Course(lambda t: np.broadcast_to(place, (len(t), 3)), place[None], 0.01)
    heard = early(room, resting, source, 3, 8000)
    dry = source.at(np.arange(8000) / RATE)
    convolved = np.array([np.convolve(dry, response)[:8000] for response in responses])
    assert residual_db(heard[:, 4000:], convolved[:, 4000:]) < -62.0
    theirs = image_responses(trace(room.shoebox, place, MICROPHONES, RATE, 0.1, 1, 100))
    spectra = [np.abs(np.fft.rfft(one, 16_384, axis=1)) ** 2 for one in (responses, theirs)]
    for low, high in ((177, 355), (355, 710), (710, 1420), (1420, 2840), (2840, 5680)):
        ours, library = (one[:, low * 16_384 // RATE : high * 16_384 // RATE].sum() for one in spectra)
        assert 10.0 * np.log10(ours / library) == pytest.approx(0.0, abs=0.25)


def test_a_source_at_rest_has_the_level_of_one_that_stands(room):
    """Early images and tail together, against the responses of static sources: 0.0 dB +/- 0.3."""
    place = np.array([1.0, 1.2, 1.5])
    resting = Course(lambda t: np.broadcast_to(place, (len(t), 3)), place[None], 0.01)
    heard = MovingSource(room, resting, MICROPHONES, RATE, noise(2.0), 5).read(2 * RATE)
    responses = impulse_responses(room, place, MICROPHONES, RATE, 5)
    dry = noise(2.0)(2 * RATE)
    standing = np.array([np.convolve(dry, one)[: 2 * RATE] for one in responses])
    levels = [(one[:, RATE // 2 :].astype(np.float64) ** 2).mean() for one in (heard, standing)]
    assert 10.0 * np.log10(levels[0] / levels[1]) == pytest.approx(0.0, abs=0.3)


def test_tails_share_a_course_with_constant_power(room):
    points = np.stack([np.linspace(0.5, 4.5, 33), np.full(33, 1.0), np.full(33, 1.5)], axis=1)
    tails = tails_along(room, points, MICROPHONES, RATE, 1)
    assert 2 <= len(tails.places_m) <= 4
    shares = tails.shares(points)
    assert (shares**2).sum(axis=0) == pytest.approx(1.0)
    assert np.abs(np.diff(shares, axis=1)).max() < 0.15
    assert tails.responses.shape[:2] == (3, len(tails.places_m))
    first, second = tails.responses[0, 0], tails.responses[0, 1]
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("course", "words"),
    [
        (
            straight(1.0, (4.5, 1.0, 1.5), 0.0),
            r"the source at \[5\..* is not inside the room of 5 x 4 x 2\.7 m",
        ),
        (straight(1.0, (2.5, 2.5, 0.85), 0.0), "nearest allowed is 0.05 m"),
        (straight(3.0), r"moves at 3 m/s: it must be above 0, at most 2\.5 m/s"),
    ],
)
def test_a_course_that_cannot_be_is_bad_input(room, course, words):
    with pytest.raises(BadInput, match=words):
        MovingSource(room, course, MICROPHONES, RATE, noise(), 1)


def test_a_course_faster_than_it_says_is_no_sound(room):
    course = straight(1.5)
    slow = Course(course.at, course.passes_m, 0.5)
    with pytest.raises(LabFailure, match=r"moves at 1\.50 m/s, and said 0\.50 m/s at most"):
        MovingSource(room, slow, MICROPHONES, RATE, noise(), 1).read(CHUNK)
