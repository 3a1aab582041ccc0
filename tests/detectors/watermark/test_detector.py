import numpy as np
import pytest
from scipy.signal import fftconvolve

from detectors.errors import DetectorError
from detectors.interface import AUDIBLE, Block, StreamFormat
from detectors.watermark.detector import THRESHOLD, WatermarkDetector
from detectors.watermark.embedder import embed
from detectors.watermark.key import load_named
from tests.detectors.watermark.hosts import melody, room, track

KEY, STRANGER = load_named("reference"), load_named("stranger")
RATE_HZ = 16_000


@pytest.fixture(scope="module")
def marked():
    """5.5 s of host with one mark from 2.0 s on, and where it ends."""
    result = embed(melody(5.5), RATE_HZ, KEY, start_s=2.0, duration_s=2.05)
    return result.audio, result.offset_s


def test_a_mark_is_heard_through_a_room_and_noise(marked):
    audio, offset_s = marked
    heard = fftconvolve(audio, room())[: len(audio)]
    heard += 0.1 * np.std(heard) * np.random.default_rng(1).standard_normal(len(heard))
    scores = track(heard, KEY)
    assert np.nanmax(scores.scores) > THRESHOLD
    assert abs(scores.times_s[np.nanargmax(scores.scores)] - offset_s) < 0.05
    assert scores.span_s == pytest.approx(2.048)


def test_a_stranger_does_not_hear_it(marked):
    assert np.nanmax(track(marked[0], STRANGER).scores) < THRESHOLD


@pytest.mark.parametrize("size", [1, 37, 512, 800, 4001])
def test_the_cut_into_blocks_changes_no_bit(marked, size):
    audio = marked[0][:44000] if size > 1 else marked[0][:36000]
    stereo = np.stack([audio, np.roll(audio, 3)])
    whole = track(stereo, KEY).scores
    pieces = track(stereo, KEY, tuple(range(size, stereo.shape[1], size))).scores
    assert np.nanmax(whole) != 0
    assert np.array_equal(whole, pieces, equal_nan=True)


def test_a_score_depends_on_nothing_later(marked):
    audio = marked[0]
    full = track(audio, KEY)
    cut = 4 * RATE_HZ
    early = track(np.concatenate([audio[:cut], np.ones(8000, np.float32)]), KEY)
    known = full.times_s <= cut / RATE_HZ
    assert np.array_equal(full.scores[known], early.scores[known[: len(early.scores)]], equal_nan=True)


def test_loudness_does_not_matter(marked):
    loud, soft = (np.nanmax(track(g * marked[0], KEY).scores) for g in (1.0, 1e-3))
    assert soft == pytest.approx(loud, rel=0.01)


def test_silence_scores_zero():
    assert np.nanmax(np.abs(track(np.zeros(50_000), KEY).scores)) == 0


def test_the_first_score_waits_for_a_whole_mark():
    scores = track(melody(3.0), KEY)
    assert np.all(np.isnan(scores.scores[scores.times_s < 2.047]))
    assert np.all(np.isfinite(scores.scores[scores.times_s > 2.05]))


def test_samples_that_are_no_numbers_count_as_silence_and_the_detector_lives_on(marked):
    audio = marked[0].copy()
    audio[:1000:7] = np.nan
    audio[5000] = np.inf
    scores = track(audio, KEY)
    assert np.all(np.isfinite(scores.scores[scores.times_s > 2.05]))
    assert np.nanmax(scores.scores) > THRESHOLD


def test_a_second_session_starts_from_nothing(marked):
    detector = WatermarkDetector(KEY)
    first = track(marked[0], KEY, detector=detector).scores
    assert np.array_equal(first, track(marked[0], KEY, detector=detector).scores, equal_nan=True)


def test_two_microphones_hear_no_less_than_one(marked):
    rng = np.random.default_rng(3)
    paths = [fftconvolve(marked[0], room(seed=seed))[: len(marked[0])] for seed in (1, 2)]
    noisy = np.stack([path + 0.5 * np.std(path) * rng.standard_normal(len(path)) for path in paths])
    one = max(np.nanmax(track(noise, KEY).scores) for noise in noisy)
    assert np.nanmax(track(noisy, KEY).scores) > one


def test_a_small_clock_difference_costs_little_when_long_lags_are_left_out(marked):
    audio = marked[0]
    positions = np.arange(len(audio)) * (1 + 100e-6)
    drifted = np.interp(positions, np.arange(len(audio)), audio)
    kept = np.nanmax(track(drifted, KEY, detector=WatermarkDetector(KEY, longest_lag=6)).scores)
    assert kept > np.nanmax(track(drifted, KEY).scores)
    assert kept > THRESHOLD


def test_a_stream_of_another_rate_or_too_few_channels_is_refused():
    with pytest.raises(DetectorError, match="16000"):
        WatermarkDetector(KEY).open({AUDIBLE: StreamFormat(48000, 1)})
    with pytest.raises(DetectorError, match="2 channels"):
        WatermarkDetector(KEY, channels=2).open({AUDIBLE: StreamFormat(16000, 1)})
    with pytest.raises(DetectorError, match="audible"):
        WatermarkDetector(KEY).open({})


def test_an_empty_block_is_no_event():
    detector = WatermarkDetector(KEY)
    detector.open({AUDIBLE: StreamFormat(RATE_HZ, 1)})
    detector.feed(Block(0, 0, RATE_HZ, {AUDIBLE: np.zeros((1, 0), np.float32)}))
    assert len(detector.tracks()[0].scores) == 0


def test_all_microphones_are_used_unless_told_otherwise(marked):
    rng = np.random.default_rng(5)
    stereo = np.stack(
        [marked[0] + 0.3 * np.std(marked[0]) * rng.standard_normal(len(marked[0])) for _ in range(2)]
    )
    every = track(stereo, KEY, detector=WatermarkDetector(KEY)).scores
    assert np.array_equal(
        every, track(stereo, KEY, detector=WatermarkDetector(KEY, channels=2)).scores, equal_nan=True
    )
    first = track(stereo, KEY, detector=WatermarkDetector(KEY, channels=1)).scores
    assert np.nanmax(every) > np.nanmax(first)
