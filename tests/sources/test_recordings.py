"""Recordings as sources: the clip that was asked for, whole, at its level, with the event that its corpus says it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.errors import BadInput
from lab.sources.loudness import active_rms
from lab.sources.recordings import RecordingSpec, open_recording
from tests.sources.recordings import write_corpus

RATE_HZ = 16_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    file = write_corpus(tmp_path)
    file.write_text(file.read_text() + '\n[events]\ndoor_knock = ["word"]\n')
    return file


def play(corpus: Path, duration_s: float = 8.0, split: str = "test", **keys):
    spec = RecordingSpec(kind="recording", name="r", rule="table", corpus=str(corpus), **keys)
    stream = open_recording(
        spec, seed=3, rate_hz=RATE_HZ, duration_s=duration_s, split=split, folder=corpus.parent / "audio"
    )
    return stream, np.concatenate(list(stream.chunks(RATE_HZ)))


def test_numbers_go_through_the_class_round_and_round(corpus: Path) -> None:
    heard = [play(corpus, classes=["speech"], number=n)[0].segments[0].recording for n in range(5)]
    assert heard == ["talk_1.wav", "talk_2.wav", "word_1.wav", "word_2.wav", "talk_1.wav"]


def test_an_event_lasts_while_it_is_heard_at_the_level_asked(corpus: Path) -> None:
    stream, audio = play(corpus, classes=["wake_word"], number=0, start_s=1.5, level_db_spl=64.0)
    (event,) = stream.truth
    assert event.label == "door_knock" and event.onset_s == 1.5
    assert 0.4 < event.offset_s - event.onset_s < 0.75  # 0.6 s of voice, silence around it cut off
    assert not audio[: int(1.5 * RATE_HZ)].any()
    assert 20 * np.log10(active_rms(audio, RATE_HZ) / 20e-6) == pytest.approx(64.0, abs=0.3)
    assert stream.segments[0].author == "A. Nobody" and stream.segments[0].at_s == 1.5


def test_several_times_running_are_one_event(corpus: Path) -> None:
    stream, _ = play(corpus, classes=["wake_word"], number=1, start_s=1.0, times=5, every_s=0.8)
    (event,) = stream.truth
    assert event.onset_s == 1.0 and event.offset_s == pytest.approx(1.0 + 4 * 0.8 + 0.6, abs=0.5)
    assert len(stream.segments) == 5


def test_what_is_no_event_tells_none(corpus: Path) -> None:
    assert play(corpus, classes=["household"])[0].truth == ()


def test_a_split_without_recordings_is_refused(corpus: Path) -> None:
    with pytest.raises(BadInput, match="classes music have no recording in split 'train'"):
        play(corpus, classes=["music"], split="train")
