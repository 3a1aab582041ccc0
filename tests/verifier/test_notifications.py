"""What is kept of a notification, for how long, for whose eyes, and that deleted means gone."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import soundfile

from detectors.interface import Event
from detectors.sound_events.verifier import Clip, State, Verdict, no_answer
from lab.errors import BadInput
from lab.verifier.notifications import clip_file, delete, forget_old, keep, kept

RATE = 16_000
NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
EVENT = Event(40.0, 42.5, "glass_break", 0.93, "sound_events", "cascade")


def clip(duration_s=3.0):
    whole = np.random.default_rng(2).integers(-20_000, 20_000, round(duration_s * RATE))
    return Clip((whole / 32768).astype(np.float32), "glass_break", 39.0)


def test_everything_about_a_notification_is_kept_with_its_clip(tmp_path):
    folder = tmp_path / "home" / "kept"
    told = keep(
        folder, EVENT, clip(), Verdict(True, 0.93), source="kitchen", device_score=0.71, now=NOON, keep_days=7
    )
    assert kept(folder, NOON) == ([told], [])
    assert (told.id, told.told, told.source) == ("20260301T120000.250Z_glass_break", NOON, "kitchen")
    assert (told.label, told.onset_s, told.decided_s, told.score) == ("glass_break", 40.0, 42.5, 0.93)
    assert (told.detector, told.stage, told.device_score) == ("sound_events", "cascade", 0.71)
    assert (told.verifier, told.confirmed, told.verifier_score) == ("ok", True, 0.93)
    assert (told.clip_start_s, told.clip_duration_s) == (39.0, 3.0)
    assert told.keep_until == NOON + timedelta(days=7)
    audio, rate_hz = soundfile.read(clip_file(folder, told.id), dtype="float32")
    assert rate_hz == RATE
    assert np.array_equal(audio, clip().audio)


def test_only_the_owner_may_look(tmp_path):
    folder = tmp_path / "kept"
    keep(folder, EVENT, clip(), now=NOON)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600, 0o600]


def test_a_decision_of_the_device_alone_says_so(tmp_path):
    down = keep(tmp_path, EVENT, clip(), no_answer(State.DOWN, "nobody there", sent=False), now=NOON)
    assert (down.verifier, down.confirmed, down.verifier_score) == ("down", None, None)
    none = keep(tmp_path, EVENT, now=NOON)
    assert (none.verifier, none.confirmed, none.clip_duration_s) == ("none", None, None)
    with pytest.raises(BadInput, match="has no clip"):
        clip_file(tmp_path, none.id)


def test_notifications_of_one_moment_do_not_overwrite_each_other(tmp_path):
    ids = [keep(tmp_path, EVENT, clip(), now=NOON).id for _ in range(3)]
    assert ids == [ids[0], ids[0] + "-2", ids[0] + "-3"]
    assert len(list(tmp_path.glob("*.flac"))) == 3


def test_times_of_other_zones_are_one_order(tmp_path):
    west = NOON.astimezone(datetime.strptime("-0700", "%z").tzinfo)
    first, second = keep(tmp_path, EVENT, now=west), keep(tmp_path, EVENT, now=NOON + timedelta(seconds=1))
    assert [one.id for one in kept(tmp_path, NOON)[0]] == [first.id, second.id]
    assert first.id.startswith("20260301T120000")


def test_deleting_removes_note_and_clip(tmp_path):
    told = keep(tmp_path, EVENT, clip(), now=NOON)
    other = keep(tmp_path, EVENT, clip(), now=NOON + timedelta(hours=1))
    delete(tmp_path, told.id)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{other.id}.flac", f"{other.id}.json"]
    with pytest.raises(BadInput, match="no notification"):
        delete(tmp_path, told.id)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "notes", "20260301T120000.250Z_glass_break"])
def test_only_notifications_can_be_deleted(tmp_path, name):
    folder = tmp_path / "kept"
    folder.mkdir()
    for other in (tmp_path / "secret.json", folder / "notes.json"):
        other.write_text("{}")
    for act in (delete, clip_file):
        with pytest.raises(BadInput, match="no notification"):
            act(folder, name)
    assert (tmp_path / "secret.json").exists() and (folder / "notes.json").exists()


def test_what_is_over_goes_by_itself_and_nothing_else_does(tmp_path):
    short = keep(tmp_path, EVENT, clip(), now=NOON, keep_days=1)
    long = keep(tmp_path, EVENT, clip(), now=NOON, keep_days=30)
    (tmp_path / "photo.json").write_text("{}")
    (tmp_path / "photo.flac").write_text("")
    assert forget_old(tmp_path, NOON + timedelta(hours=23)) == 0
    later = keep(tmp_path, EVENT, clip(), now=NOON + timedelta(days=2))  # looking or keeping is enough
    assert not (tmp_path / f"{short.id}.flac").exists() and not (tmp_path / f"{short.id}.json").exists()
    assert kept(tmp_path, NOON + timedelta(days=29))[0] == [long, later]
    assert kept(tmp_path, NOON + timedelta(days=99)) == ([], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.flac", "photo.json"]


def test_a_note_that_cannot_be_read_is_named_and_can_be_deleted(tmp_path):
    told = keep(tmp_path, EVENT, clip(), now=NOON)
    other = keep(tmp_path, EVENT, clip(), now=NOON)
    (tmp_path / f"{told.id}.json").write_text('{"format": "earshot-notification/1"')  # a power cut
    assert kept(tmp_path, NOON) == ([other], [told.id])
    delete(tmp_path, told.id)
    assert kept(tmp_path, NOON) == ([other], [])
    assert not (tmp_path / f"{told.id}.flac").exists()


def test_folders_that_are_none_are_refused(tmp_path):
    with pytest.raises(BadInput, match="no such folder of notifications"):
        kept(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="this is a file"):
        keep(tmp_path / "file", EVENT)


def test_a_score_that_is_no_number_leaves_no_unreadable_note(tmp_path):
    told = keep(tmp_path, Event(1.0, 2.0, "footsteps", math.nan), now=NOON)
    assert kept(tmp_path, NOON) == ([told], [])
    assert told.score is None
