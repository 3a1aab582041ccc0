"""The clip about a moment: the right samples, however the sound came in, and no more kept than promised."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.errors import DetectorError
from detectors.sound_events.clips import EXCERPTS, RecentAudio, excerpt
from detectors.sound_events.uploads import Uploads
from detectors.sound_events.verifier import Clip, State, Verdict, no_answer

RATE = 16_000


def counting(start_s, end_s):
    """Samples whose value is their number; float32 holds whole numbers to 2^24, 17 minutes."""
    return np.arange(round(start_s * RATE), round(end_s * RATE), dtype=np.float32)


def heard(until_s, hop=1600):
    recent = RecentAudio()
    sound = counting(0, until_s)
    for at in range(0, len(sound), hop):
        recent.push(sound[at : at + hop])
    return recent


@pytest.mark.parametrize("label", ["glass_break", "door_close", "door_knock"])
def test_of_something_sudden_one_second_before_and_two_after(label):
    clip = heard(42.0).cut(label, 40.0)
    assert (clip.label, clip.start_s) == (label, 39.0)
    assert np.array_equal(clip.audio, counting(39.0, 42.0))


@pytest.mark.parametrize(
    ("label", "before_s"),
    [("smoke_alarm", 20.0), ("co_alarm", 20.0), ("legacy_smoke_alarm", 20.0), ("footsteps", 6.0)],
)
def test_of_something_lasting_what_came_before_its_decision(label, before_s):
    clip = heard(90.0).cut(label, 89.9)
    assert np.array_equal(clip.audio, counting(89.9 - before_s, 89.9))


def test_what_follows_a_crash_is_waited_for():
    recent = heard(11.9)
    assert not recent.ready("glass_break", 10.0)
    with pytest.raises(DetectorError, match=r"9\.00 to 12\.00 s is asked, 0\.00 to 11\.90 s is kept"):
        recent.cut("glass_break", 10.0)
    recent.push(counting(11.9, 12.0))
    assert recent.ready("glass_break", 10.0)
    assert recent.cut("glass_break", 10.0).duration_s == 3.0


def test_a_clip_begins_with_the_session_at_the_earliest():
    clip = heard(5.0).cut("smoke_alarm", 5.0)
    assert clip.start_s == 0.0
    assert np.array_equal(clip.audio, counting(0.0, 5.0))


def test_what_is_no_longer_kept_is_refused():
    with pytest.raises(DetectorError, match=r"5\.00 to 30\.00 s is kept"):
        heard(30.0).cut("glass_break", 5.9)


@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=30), st.integers(0, 2**16))
def test_how_the_sound_was_cut_changes_nothing(lengths, seed):
    sound = np.random.default_rng(seed).normal(size=sum(lengths)).astype(np.float32)
    recent = RecentAudio()
    for piece in np.split(sound, np.cumsum(lengths)[:-1]):
        recent.push(piece)
    moment_s = len(sound) / RATE
    if moment_s >= 0.1:
        assert np.array_equal(recent.cut("footsteps", moment_s).audio, sound[-6 * RATE :])


def test_hours_take_no_more_memory_than_seconds():
    recent, hop = heard(30.0), counting(0.0, 0.1)
    tracemalloc.start()
    for _ in range(20_000):
        recent.push(hop)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000
    assert recent.heard_s == pytest.approx(2030.0)


def test_lost_samples_are_silence():
    recent = RecentAudio()
    sound = np.full(1600, 0.5, np.float32)
    sound[[3, 7, 9]] = np.nan, np.inf, -np.inf
    recent.push(sound)
    audio = recent.cut("footsteps", 0.1).audio
    assert audio[[3, 7, 9]].tolist() == [0.0, 0.0, 0.0]
    assert audio.sum() == 0.5 * 1597


def test_only_events_with_a_second_stage_have_clips():
    with pytest.raises(DetectorError, match="'vacancy' has none; allowed: smoke_alarm"):
        excerpt("vacancy")
    assert all(span.before_s + span.after_s <= 20.0 for span in EXCERPTS.values())


@pytest.mark.parametrize(
    ("audio", "label", "said"),
    [
        (np.zeros(1600), "glass_break", "float32"),
        (np.zeros((2, 1600), np.float32), "glass_break", "(2, 1600)"),
        (np.zeros(160, np.float32), "glass_break", "0.1 to 30 s"),
        (np.zeros(31 * RATE, np.float32), "glass_break", "0.1 to 30 s"),
        (np.full(1600, np.nan, np.float32), "glass_break", "finite"),
        (np.zeros(1600, np.float32), "burglar", "'burglar' is none of"),
    ],
)
def test_what_is_no_clip_is_refused(audio, label, said):
    with pytest.raises(DetectorError) as refusal:
        Clip(audio, label, 0.0)
    assert said in str(refusal.value)


def test_only_what_was_sent_counts_as_having_left():
    uploads, three_s = Uploads(), Clip(np.zeros(3 * RATE, np.float32), "glass_break", 0.0)
    uploads.add(three_s, Verdict(True, 0.9), 9.0)
    uploads.add(three_s, Verdict(False, 0.1), 9.0)
    uploads.add(
        Clip(np.zeros(6 * RATE, np.float32), "footsteps", 0.0), no_answer(State.SLOW, "late", True), 9.0
    )
    uploads.add(three_s, no_answer(State.DOWN, "left alone", False), 9.0)
    assert (uploads.clips, uploads.seconds, uploads.unanswered) == (3, 12.0, 2)
    assert uploads.by_label == {"glass_break": 2, "footsteps": 1}
    assert uploads.states == {State.OK: 2, State.SLOW: 1, State.DOWN: 1}
