"""Alignment and verdict of whole captures whose path is computed: skew, losses of any size anywhere, noise, level."""

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from rigs.audio.pilot import Pilot
from rigs.audio.playback import Clip, Feed
from rigs.audio.recording import Recording
from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import Defect

RATE_HZ = 16_000
BLOCK = 512
SPEC = AudioSpec(
    rate_hz=RATE_HZ,
    block=BLOCK,
    pilot=Pilot(silence_s=0.2, duration_s=0.1, listen_s=0.2),
    lag_samples=(0, 2000),
    lag_tolerance=8.0,
    path_gain_db=-20.0,
)
BODY = (0.1 * np.random.default_rng(0).standard_normal((1, 3 * RATE_HZ))).astype(np.float32)


def capture(path, spec=SPEC, sink=None):
    """The verdict on a path: a function of all that is played, shape (n,), to what is recorded."""
    feed = Feed(spec, Clip(BODY))
    feed.begin()
    recording = Recording(spec, feed, None, [sink] if sink else [])
    # Once to know what is heard in the end, once more block by block.
    whole = Feed(spec, Clip(BODY))
    whole.begin()
    sound = []
    while not whole.over:
        sound.append(whole.take(BLOCK)[0])
    heard = np.asarray(path(np.concatenate(sound)), np.float32)
    start = 0
    while not feed.over:
        played = feed.take(BLOCK)
        recorded = heard[start : start + BLOCK]
        recording.feed(np.pad(recorded, (0, BLOCK - len(recorded)))[None, :], played)
        start += BLOCK
    return *recording.finish(), recording


def room(sound, lag=300):
    noise = 1e-4 * np.random.default_rng(1).standard_normal(len(sound))
    return 0.1 * np.pad(sound, (lag, 0))[: len(sound)] + noise


def test_a_quiet_path_with_a_delay_is_valid_and_its_body_is_cut_where_it_begins():
    heard = []
    alignment, verdict, recording = capture(room, sink=heard.append)
    assert verdict.valid, verdict.reason
    assert alignment.lag_samples == pytest.approx(300.0, abs=0.01)
    assert alignment.gain_db == pytest.approx(-20.0, abs=0.05)
    body = np.concatenate(heard, axis=1)
    assert body.shape == BODY.shape
    np.testing.assert_allclose(body, 0.1 * BODY, atol=6e-4)
    assert recording.delivered == BODY.shape[1]


@pytest.mark.parametrize("ppm", [-200.0, -20.0, 50.0, 300.0])
def test_a_recorder_with_a_clock_of_its_own_shows_its_skew(ppm):
    def path(sound):
        # Resampling by spectrum: the recorder takes (1 + ppm) samples for every one played.
        padded = np.pad(room(sound), (0, 500_000 - len(sound)))
        return scipy.signal.resample(padded, round(500_000 * (1.0 + ppm * 1e-6)))[: len(sound)]

    free = AudioSpec(**{**SPEC.__dict__, "max_skew_ppm": 400.0, "lag_tolerance": 1.0})
    alignment, verdict, _ = capture(path, free)
    assert verdict.valid, verdict.reason
    assert alignment.skew_ppm == pytest.approx(ppm, abs=1.0)
    strict = capture(path, AudioSpec(**{**SPEC.__dict__, "lag_tolerance": 0.5}))[1]
    assert Defect.LOST_BLOCK in strict


@settings(deadline=None, max_examples=25)
@given(lost=st.integers(9, 3000), where=st.integers(12_000, 53_000), doubled=st.booleans())
def test_samples_lost_or_doubled_anywhere_in_the_body_are_found_and_counted(lost, where, doubled):
    def path(sound):
        heard = room(sound)
        if doubled:
            return np.concatenate([heard[:where], heard[where - lost : where], heard[where:]])
        return np.concatenate([heard[:where], heard[where + lost :]])

    alignment, verdict, _ = capture(path)
    assert Defect.LOST_BLOCK in verdict, verdict
    if not math.isnan(alignment.tail_lag_samples):
        assert alignment.change_samples == pytest.approx(lost if doubled else -lost, abs=0.05)


@pytest.mark.parametrize(
    ("path", "defect"),
    [
        (lambda sound: 1e-4 * np.random.default_rng(2).standard_normal(len(sound)), Defect.NO_ACOUSTIC_PATH),
        (np.zeros_like, Defect.NO_ACOUSTIC_PATH),
        (lambda sound: room(sound, lag=2500), Defect.WRONG_LAG),
        (lambda sound: 0.3 * room(sound), Defect.WRONG_LEVEL),
        (lambda sound: np.clip(100.0 * room(sound), -1.0, 1.0), Defect.CLIPPED),
        (lambda sound: np.where(np.arange(len(sound)) // 700 == 40, 0.0, room(sound)), Defect.LOST_BLOCK),
        (lambda sound: room(sound) * (np.arange(len(sound)) < 45_000), Defect.LOST_BLOCK),
    ],
)
def test_each_fault_of_a_path_is_named(path, defect):
    assert defect in capture(path)[1]


def test_a_capture_stopped_halfway_is_invalid():
    feed = Feed(SPEC, Clip(BODY))
    feed.begin()
    recording = Recording(SPEC, feed, None, [])
    for _ in range(40):
        recording.feed(feed.take(BLOCK), np.zeros((1, BLOCK), np.float32))
    feed.stop()
    _, verdict = recording.finish()
    assert "interrupted: after 1.3 s" in verdict.reason
