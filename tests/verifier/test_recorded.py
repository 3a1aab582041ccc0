"""What was told of a recording, kept with the right stretch of it."""

import numpy as np
import pytest
import soundfile

from detectors.interface import Event
from detectors.sound_events.uploads import Asked
from detectors.sound_events.verifier import State, Verdict, no_answer
from lab.errors import BadInput
from lab.verifier.notifications import clip_file
from lab.verifier.recorded import keep_told, stretch

RATE = 16_000


@pytest.fixture
def recording(tmp_path):
    """A minute of two microphones of which one hears nothing."""
    path = tmp_path / "hall.wav"
    one = np.random.default_rng(6).integers(-9000, 9000, 60 * RATE) * 2 / 32768
    soundfile.write(path, np.stack([one, np.zeros_like(one)], axis=1), RATE, subtype="PCM_16")
    return path


def sound_of(recording, start_s, end_s):
    return soundfile.read(recording, dtype="float32")[0].mean(axis=1)[
        round(start_s * RATE) : round(end_s * RATE)
    ]


def test_a_device_alone_gives_the_stretch_about_its_event(recording, tmp_path):
    glass = Event(20.0, 20.4, "glass_break", 0.9, "sound_events", "device")
    steps = Event(30.0, 34.0, "footsteps", 0.8, "sound_events", "device")
    mark = Event(1.0, 3.0, "watermark", 8.0, "watermark", "device")
    kept = keep_told(tmp_path / "kept", recording, [mark, glass, steps])
    assert [(one.label, one.verifier, one.source) for one in kept] == [
        ("glass_break", "none", "hall.wav"),
        ("footsteps", "none", "hall.wav"),
    ]
    for one, (start_s, end_s) in zip(kept, [(19.0, 22.0), (28.0, 34.0)], strict=True):
        audio, _ = soundfile.read(clip_file(tmp_path / "kept", one.id), dtype="float32")
        assert np.array_equal(audio, sound_of(recording, start_s, end_s))


def test_with_a_verifier_the_clip_is_the_one_it_judged(recording, tmp_path):
    def question(start_s, verdict):
        return Asked("glass_break", start_s, 3.0, start_s + 3.0, verdict)

    rejected, confirmed = Verdict(False, 0.1), Verdict(True, 0.95)
    asked = [
        question(9.0, rejected),
        question(19.0, confirmed),
        question(39.0, no_answer(State.DOWN, "", False)),
    ]
    device = [Event(s, s + 0.4, "glass_break", 0.7, "sound_events", "device") for s in (10.0, 20.0, 40.0)]
    cascade = [Event(s, s + 1.0, "glass_break", 0.95, "sound_events", "cascade") for s in (21.0, 41.0)]
    first, second = keep_told(
        tmp_path / "kept", recording, [*device, *cascade], asked, twice={"sound_events"}
    )
    assert (first.confirmed, first.verifier_score, first.device_score) == (True, 0.95, 0.7)
    assert (first.clip_start_s, first.clip_duration_s) == (19.0, 3.0)
    assert (second.confirmed, second.verifier, second.clip_start_s) == (None, "down", 39.0)
    audio, _ = soundfile.read(clip_file(tmp_path / "kept", first.id), dtype="float32")
    assert np.array_equal(audio, sound_of(recording, 19.0, 22.0))


def test_what_a_cascade_told_is_kept_once_also_where_nothing_was_asked(recording, tmp_path):
    """Steps are decided on the device and told in both stages; glass whose clip the recording did not complete is told in none."""
    steps = [Event(30.0, 34.0, "footsteps", 0.8, "sound_events", stage) for stage in ("device", "cascade")]
    glass = Event(58.5, 58.9, "glass_break", 0.9, "sound_events", "device")
    (kept,) = keep_told(tmp_path / "kept", recording, [*steps, glass], twice={"sound_events"})
    assert (kept.label, kept.stage, kept.verifier) == ("footsteps", "cascade", "none")


def test_a_stretch_ends_with_the_recording(recording, tmp_path):
    clip = stretch(recording, "glass_break", 58.0, 61.0)
    assert (clip.start_s, clip.duration_s) == (58.0, 2.0)
    assert stretch(recording, "glass_break", 59.95, 62.0) is None
    assert stretch(recording, "glass_break", 70.0, 72.0) is None
    (tmp_path / "text.wav").write_text("text")
    with pytest.raises(BadInput, match=r"text\.wav: not readable as audio"):
        stretch(tmp_path / "text.wav", "glass_break", 0.0, 1.0)


def test_other_rates_come_out_at_16_khz(tmp_path):
    path, t = tmp_path / "fast.flac", np.arange(10 * 48_000) / 48_000
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 1000.0 * t), 48_000)
    clip = stretch(path, "smoke_alarm", 4.0, 8.0)
    assert (clip.start_s, clip.duration_s) == (4.0, 4.0)
    expected = 0.5 * np.sin(2 * np.pi * 1000.0 * (4.0 + np.arange(4 * RATE) / RATE))
    assert np.max(np.abs(clip.audio - expected)[RATE:-RATE]) < 1e-3
