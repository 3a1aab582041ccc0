"""Scenes: what is labelled where, what is taught to nobody, and which splits are read."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from detectors.interface import Event
from detectors.sound_events.features import FRAME_S, RATE_HZ
from lab.corpora.catalogue import load_corpus
from lab.errors import BadInput
from lab.training.sound_events import colour, drawing, scenes
from lab.training.sound_events.recordings import CORPUS, Recordings, Sample, open_recordings
from lab.training.sound_events.rooms import Room, rooms
from lab.training.sound_events.scenes import TARGETS, UNSURE, draw_scene


@pytest.fixture(scope="module")
def room() -> Room:
    decay = 10.0 ** (-3.0 * np.arange(4800) / 4800)
    response = np.random.default_rng(0).standard_normal(4800) * 0.05 * decay
    response[8] = 1.0
    return Room(0.3, (4.0, 3.0, 2.5), (2.0,) * 5, (response.astype(np.float32),) * 5)


def _labelled(event: Event, audio: np.ndarray, *, tonal: bool, family: str = "") -> np.ndarray:
    labels = np.zeros((len(audio) // 320, len(TARGETS)), np.int8)
    scenes._label(labels, event, audio, 1.0, tonal, family)
    return labels[:, TARGETS.index(event.label)]


def _burst(start_s: float, end_s: float, level: float, seconds: float = 4.0) -> np.ndarray:
    audio = np.zeros(round(seconds * RATE_HZ), np.float32)
    first, last = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
    audio[first:last] = level * np.random.default_rng(1).standard_normal(last - first)
    return audio


def test_a_short_sound_is_labelled_while_it_sounds_and_a_little_longer():
    marks = _labelled(Event(1.0, 1.2, "glass_break"), _burst(1.0, 1.2, 10.0), tonal=False)
    assert (marks[:50] == 0).all()
    assert (marks[50:72] == 1).all()
    assert (marks[int(1.2 / FRAME_S) + scenes.HELD + 1 + round(scenes.AFTER_S / FRAME_S) :] == 0).all()


def test_pauses_of_an_alarm_are_left_open():
    audio = _burst(1.0, 1.5, 10.0) + _burst(3.0, 3.5, 10.0)
    marks = _labelled(Event(1.0, 3.5, "smoke_alarm"), audio, tonal=True)
    assert (marks[50:75] == 1).all()
    assert (marks[80:145] == UNSURE).all()
    assert (marks[150:175] == 1).all()


def test_what_the_background_covers_is_taught_to_nobody():
    covered = 10.0 ** ((scenes.COVERED_DB[False] - 3.0) / 20.0)
    marks = _labelled(Event(1.0, 1.2, "door_close"), _burst(1.0, 1.2, covered), tonal=False)
    assert not (marks == 1).any()
    assert (marks[50:60] == UNSURE).all()


def test_a_telephone_is_no_appliance_and_no_other():
    marks = _labelled(
        Event(1.0, 1.5, "appliance_beep"), _burst(1.0, 1.5, 9.0), tonal=True, family="notification"
    )
    assert not marks.any()
    labels = np.zeros((200, len(TARGETS)), np.int8)
    scenes._unsure(labels, _burst(1.0, 1.5, 9.0), 1.0, scenes.UNSAID["notification"])
    beep = TARGETS.index("appliance_beep")
    assert (labels[50:75, beep] == UNSURE).all()
    assert not np.delete(labels, beep, axis=1).any()


def test_what_nobody_says_is_a_family_or_a_label_of_the_corpus():
    labels = {one.label for one in load_corpus(CORPUS).by_path.values()}
    assert set(scenes.UNSAID) <= labels | set(drawing.FAMILIES)
    assert "reversing_beeper" in labels, "recorded; computed ones are drawn as `endless`, which is a beep"
    assert drawing.FAMILIES["endless"].label == "appliance_beep"


@pytest.mark.parametrize("label", ["reversing_beeper", "notification", "door_close_vehicle"])
def test_a_recording_of_which_nobody_says_what_it_is_is_taught_to_nobody(room, label):
    audio = _burst(0.0, 2.0, 1.0, 2.0)
    sample = Sample(audio, SimpleNamespace(path="p", label=label, origin="o"), None)
    labels = scenes.play(sample, "tune", 0, 3, [room], Recordings()).labels
    columns = [TARGETS.index(one) for one in scenes.UNSAID[label]]
    assert (labels[:, columns] == UNSURE).any(axis=0).all()
    assert not np.delete(labels, columns, axis=1).any()


def test_a_scene_is_a_function_of_its_arguments(room):
    one, two, other = (draw_scene("train", index, 3, [room], Recordings()) for index in (5, 5, 6))
    assert np.array_equal(one.audio, two.audio)
    assert np.array_equal(one.labels, two.labels)
    assert one.audio.shape != other.audio.shape or not np.array_equal(one.audio, other.audio)
    assert len(one.labels) == len(one.audio) // 320


def test_clutter_bears_no_label(room):
    for index in range(6):
        assert not (draw_scene("train", index, 3, [room], Recordings(), clutter=True).labels == 1).any()


def test_every_family_can_be_heard(room, monkeypatch):
    for name, family in drawing.FAMILIES.items():
        monkeypatch.setattr(scenes, "draw_families", lambda rng, clutter, name=name: [name])
        monkeypatch.setattr(scenes, "SNR_DB", (30.0, 30.0))
        labelled = any(
            (draw_scene("train", index, 3, [room], Recordings()).labels == 1).any() for index in range(2)
        )
        assert labelled == (family.label is not None), name


@pytest.mark.parametrize("split", ["test", "all"])
def test_the_test_split_is_refused(split, tmp_path):
    with pytest.raises(BadInput, match=f'"{split}".*train, tune'):
        open_recordings(split, tmp_path)
    with pytest.raises(BadInput, match=f'"{split}".*train, tune'):
        rooms(split, tmp_path, 1)


def test_without_recordings_there_are_none_and_a_named_folder_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_CORPUS", str(tmp_path / "nowhere"))
    assert open_recordings("train").count == 0
    with pytest.raises(BadInput, match="no such folder"):
        open_recordings("train", tmp_path / "nowhere")


def test_a_capture_clips_and_is_quantised_and_keeps_its_length():
    tone = np.sin(2.0 * np.pi * 1000.0 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    peaks = []
    for seed in range(100):
        stored = colour.captured(tone, np.random.default_rng(seed))
        assert stored.dtype == np.int16
        assert stored.shape == tone.shape
        peaks.append(np.abs(stored.astype(int)).max() / 2.0**15)
    assert max(peaks) == 1.0
    assert min(peaks) < 0.05
