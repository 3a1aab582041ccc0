import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest

from detectors.build import Build, DetectorSpec, load_build
from detectors.errors import DetectorError, DetectorFault
from detectors.interface import AUDIBLE, SILENT, Block, ScoreTrack, StreamFormat, alarm_indices
from detectors.stack import Stack
from tests.detectors.level_detector import HOP, RATE_HZ, TONE

FACTORY = "tests.detectors.level_detector:from_spec"


def build(tmp_path, *names, threshold=-30.0, refractory_s=0.5, **settings):
    specs = tuple(
        DetectorSpec(name, (AUDIBLE,), threshold, refractory_s, factory=FACTORY, settings=settings)
        for name in names
    )
    return Build("mine", tmp_path / "mine.toml", "hash", specs)


def feed(stack, samples, size):
    """Emissions after each block."""
    stack.open({AUDIBLE: StreamFormat(RATE_HZ, len(samples))})
    emissions = []
    for start in range(0, samples.shape[1], size):
        part = samples[:, start : start + size]
        emissions.append(stack.feed(Block(start, part.shape[1], RATE_HZ, {AUDIBLE: part})))
    return emissions


@pytest.fixture
def bursts():
    """Two seconds of silence with 50 ms of full-scale noise at 0.5 s and 0.8 s, and at 1.6 s."""
    samples = np.zeros((2, 2 * RATE_HZ), np.float32)
    for at_s in (0.5, 0.8, 1.6):
        start = int(at_s * RATE_HZ)
        samples[:, start : start + HOP] = np.random.default_rng(1).uniform(-1, 1, HOP)
    return samples


def test_events_are_alarms_a_refractory_time_apart(tmp_path, bursts):
    stack = Stack(build(tmp_path, "level"))
    feed(stack, bursts, HOP)
    events = stack.finish().events
    assert [round(e.offset_s, 3) for e in events] == [0.55, 1.65]  # 0.85 s lies within the refractory time
    assert [round(e.onset_s, 3) for e in events] == [0.5, 1.6]
    assert {e.label for e in events} == {"glass_break"}
    assert all(e.score > -30 for e in events)


@pytest.mark.parametrize("size", [1, 333, HOP, RATE_HZ])
def test_block_size_changes_no_bit_of_the_scores(tmp_path, bursts, size):
    stack = Stack(build(tmp_path, "level"))
    feed(stack, bursts, HOP)
    expected = stack.finish().tracks[0].scores
    feed(stack, bursts, size)
    np.testing.assert_array_equal(stack.finish().tracks[0].scores, expected)


def test_wanted_emission_comes_back_after_the_block_that_caused_it(tmp_path, bursts):
    emissions = feed(Stack(build(tmp_path, "level")), bursts, HOP)
    assert emissions[9] == SILENT
    assert emissions[10] == TONE  # the block from 0.50 to 0.55 s holds the first burst
    assert emissions[11] == SILENT


def test_opening_again_forgets_the_session_before(tmp_path, bursts):
    stack = Stack(build(tmp_path, "level"))
    feed(stack, bursts, HOP)
    feed(stack, bursts[:, :HOP], HOP)
    assert len(stack.finish().tracks[0].scores) == 1


def test_needs_of_several_detectors_are_merged(tmp_path):
    stack = Stack(build(tmp_path, "one", "two"))
    assert stack.needs[AUDIBLE].channels == 1
    assert stack.labels == (("one", "glass_break"), ("two", "glass_break"))


def test_unknown_detector_and_broken_factory_are_refused(tmp_path):
    spec = DetectorSpec("sonar", (AUDIBLE,), 1.0, 1.0)
    with pytest.raises(DetectorError, match="no detector named 'sonar'; shipped: watermark"):
        Stack(Build("mine", tmp_path / "mine.toml", "hash", (spec,)))
    spec = DetectorSpec("sonar", (AUDIBLE,), 1.0, 1.0, factory="no.such:thing")
    with pytest.raises(DetectorError, match="factory 'no.such:thing' cannot be loaded"):
        Stack(Build("mine", tmp_path / "mine.toml", "hash", (spec,)))


def test_watermark_settings_of_a_build_are_checked():
    key = load_build()["watermark"].model
    spec = DetectorSpec("watermark", (AUDIBLE,), 6.0, 2.0, model=key, settings={"chanels": 2})
    with pytest.raises(DetectorError, match="unknown settings.chanels; allowed: channels"):
        Stack(Build("mine", key, "hash", (spec,)))


def test_alarm_fires_at_the_threshold_and_never_on_nan():
    scores = np.array([0.0, 5.0, np.nan, 5.0, 5.0, 0.0, 5.0])
    assert alarm_indices(scores, 5.0, 3).tolist() == [1, 4]
    assert alarm_indices(scores, 5.0, 0).tolist() == [1, 3, 4, 6]
    assert alarm_indices(scores, 5.1, 1).tolist() == []


def test_a_detector_with_one_stage_is_scored_on_the_device_and_counts_nothing():
    stack = Stack(load_build())
    assert stack.subjects == (("watermark", "watermark", "device"),)
    assert stack.measured == {}


@pytest.mark.parametrize("method", ["open", "feed", "tracks"])
def test_what_a_detector_raises_names_it_and_keeps_its_trace_across_processes(
    tmp_path, bursts, monkeypatch, method
):
    stack = Stack(build(tmp_path, "level"))

    def broken(*_):
        raise FileNotFoundError(2, "No such file or directory", "weights.bin")

    monkeypatch.setattr(stack.detectors["level"], method, broken)
    with pytest.raises(DetectorFault) as raised:
        feed(stack, bursts, HOP)
        stack.finish()
    crossed = pickle.loads(pickle.dumps(raised.value))
    assert str(crossed).startswith(f"{tmp_path / 'mine.toml'}: detector 'level': FileNotFoundError: ")
    assert crossed.trace.count("Traceback") == 1 and "in broken" in crossed.trace


def test_what_a_detector_says_to_its_user_stays_as_it_is(tmp_path, bursts, monkeypatch):
    stack = Stack(build(tmp_path, "level"))

    def refuses(_):
        raise DetectorError("no calibration")

    monkeypatch.setattr(stack.detectors["level"], "feed", refuses)
    with pytest.raises(DetectorError, match="^no calibration$"):
        feed(stack, bursts, HOP)


def answered(tmp_path, bursts, monkeypatch, tracks):
    stack = Stack(build(tmp_path, "level"))
    feed(stack, bursts, HOP)
    monkeypatch.setattr(stack.detectors["level"], "tracks", lambda: tracks)
    return stack.finish()


SCORES = np.full(40, -120.0, np.float32)
GOOD = ScoreTrack("level", "glass_break", 0.05, 0.05, SCORES)


@pytest.mark.parametrize(
    "track",
    [
        GOOD,
        replace(GOOD, scores=np.full(40, np.nan, np.float32)),
        replace(GOOD, scores=SCORES[:0]),
        replace(GOOD, scores=np.full(41, -120.0)),  # the last hop runs over the end
        replace(GOOD, start_s=1.0, scores=SCORES[:20]),
    ],
)
def test_scores_that_can_be_held_against_time_are_taken(tmp_path, bursts, monkeypatch, track):
    assert answered(tmp_path, bursts, monkeypatch, [track]).tracks == (track,)


@pytest.mark.parametrize(
    ("tracks", "said"),
    [
        ([], "no score track of label 'glass_break', stage 'device'"),
        ([GOOD, GOOD], "label 'glass_break', stage 'device' comes twice"),
        ([{"scores": [1.0]}], "tracks() answers a dict; a ScoreTrack is wanted"),
        ([replace(GOOD, detector="other")], "names detector 'other'"),
        (
            [replace(GOOD, label="smoke_alarm")],
            "is none that it reports; there may be: 'glass_break', stage 'device'",
        ),
        ([replace(GOOD, stage="cascade")], "stage 'cascade' is none that it reports"),
        ([replace(GOOD, scores=SCORES.reshape(2, 20))], "scores of shape (2, 20) and type float32"),
        ([replace(GOOD, scores=np.array(["loud"]))], "(hops,) of float32 are wanted"),
        ([replace(GOOD, hop_s=0.0)], "hop_s = 0: seconds, above 0"),
        ([replace(GOOD, hop_s=-0.1)], "hop_s = -0.1: seconds, above 0"),
        ([replace(GOOD, start_s=-5.0)], "start_s = -5: seconds, at least 0"),
        ([replace(GOOD, start_s=np.nan)], "start_s = nan: seconds, at least 0"),
        ([replace(GOOD, start_s=30.0)], "its last score is of 31.95 s, 2 s were heard"),
        (
            [replace(GOOD, scores=np.append(SCORES[1:], np.float32(np.inf)))],
            "score 39 is inf; numbers are wanted",
        ),
        ([replace(GOOD, scores=-np.append(SCORES[1:], np.float32(np.inf)))], "score 39 is -inf"),
    ],
)
def test_answers_that_cannot_be_scored_are_faults_of_the_detector(
    tmp_path, bursts, monkeypatch, tracks, said
):
    with pytest.raises(DetectorFault, match=r"mine\.toml: detector 'level': ") as raised:
        answered(tmp_path, bursts, monkeypatch, tracks)
    assert said in str(raised.value)


def test_a_detector_that_ends_the_process_is_a_fault(tmp_path, bursts, monkeypatch):
    stack = Stack(build(tmp_path, "level"))
    monkeypatch.setattr(stack.detectors["level"], "feed", lambda _: sys.exit(0))
    with pytest.raises(DetectorFault, match="detector 'level': SystemExit: 0"):
        feed(stack, bursts, HOP)
