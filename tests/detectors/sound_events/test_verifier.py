"""The verifier in this process, on a network that can be worked out by hand."""

import math
import struct

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.sound_events import features
from detectors.sound_events.questions import DirectQuestions, questions_to
from detectors.sound_events.verifier import Clip, OnnxVerifier, State, Verdict, no_answer
from tests.verifier import little_verifier

RATE = 16_000


def tone(duration_s, frequency_hz=3100.0):
    t = np.arange(round(duration_s * RATE)) / RATE
    noise = np.random.default_rng(3).normal(size=len(t))
    return (0.1 * np.sin(2 * np.pi * frequency_hz * t) + 1e-4 * noise).astype(np.float32)


def clip(audio, label="smoke_alarm", start_s=0.0):
    return Clip(audio, label, start_s)


@pytest.fixture(scope="module")
def verifier():
    return OnnxVerifier(little_verifier.FILE)


@pytest.mark.parametrize("duration_s", [0.1, 1.0, 3.0, 20.0])
def test_scores_are_those_of_the_network_for_clips_of_any_length(verifier, duration_s):
    audio = tone(duration_s)
    mean = features.of(audio).reshape(-1, 128).mean(axis=0, dtype=np.float64)
    logits = mean @ little_verifier.WEIGHTS.astype(np.float64) + little_verifier.BIAS
    expected = dict(zip(little_verifier.LABELS, 1.0 / (1.0 + np.exp(-logits)), strict=True))
    assert verifier.scores(clip(audio)) == pytest.approx(expected, abs=1e-5)


def test_a_clip_is_judged_by_its_own_label(verifier):
    steady, noise = tone(4.0), np.random.default_rng(1).normal(0.0, 0.05, 4 * RATE).astype(np.float32)
    assert verifier.judge(clip(steady)).confirmed is True
    assert verifier.judge(clip(noise)).confirmed is False
    assert verifier.judge(clip(noise, "glass_break")) == Verdict(True, pytest.approx(0.7773, abs=1e-4))
    assert verifier.judge(clip(steady, "footsteps")).confirmed is False


def test_a_label_the_network_does_not_know_is_refused(verifier):
    with pytest.raises(
        DetectorError, match="'door_knock' is unknown to it; it knows smoke_alarm, glass_break"
    ):
        verifier.judge(clip(tone(1.0), "door_knock"))


def test_networks_for_other_features_and_other_files_are_refused(tmp_path):
    old = tmp_path / "old.onnx"
    old.write_bytes(little_verifier.FILE.read_bytes().replace(b"log-mel/1", b"log-mel/0"))
    with pytest.raises(DetectorError, match=r"old\.onnx: made for features 'log-mel/0'"):
        OnnxVerifier(old)
    text = tmp_path / "text.onnx"
    text.write_text("no network")
    with pytest.raises(DetectorError, match=r"text\.onnx: not a network"):
        OnnxVerifier(text)
    with pytest.raises(DetectorError, match=r"none\.onnx: not a network"):
        OnnxVerifier(tmp_path / "none.onnx")


def test_a_network_that_answers_no_number_gives_no_answer(tmp_path):
    broken, bias = tmp_path / "broken.onnx", little_verifier.BIAS.tobytes()
    content = little_verifier.FILE.read_bytes()
    assert content.count(bias) == 1
    broken.write_bytes(content.replace(bias, struct.pack("<3f", math.nan, 1.0, 1.0)))
    verdict = OnnxVerifier(broken).judge(clip(tone(1.0)))
    assert (verdict.answered, verdict.state) == (False, State.RUBBISH)


def test_without_an_answer_the_device_decides():
    assert Verdict(False, 0.2).or_device(0.9) == 0.2
    assert no_answer(State.DOWN, "", sent=False).or_device(0.9) == 0.9


def test_in_this_process_answers_count_at_once_and_once():
    questions = questions_to("in_process", little_verifier.FILE)
    assert isinstance(questions, DirectQuestions)
    questions.ask(clip(tone(2.0), start_s=5.0))
    questions.ask(clip(tone(3.0), "footsteps", start_s=4.5))
    first, second = questions.answers(7.5)
    assert (first.answered_s, first.verdict.confirmed) == (7.0, True)
    assert (second.answered_s, second.clip.label, second.verdict.confirmed) == (7.5, "footsteps", False)
    assert questions.answers(8.0) == []
    assert (questions.uploads.clips, questions.uploads.seconds) == (2, 5.0)


def test_a_verifier_that_is_no_choice_is_refused():
    assert questions_to("none", None) is None
    with pytest.raises(DetectorError, match="allowed are none, in_process, http://host:port"):
        questions_to("cloud", None)
    with pytest.raises(DetectorError, match="needs a model"):
        questions_to("in_process", None)
