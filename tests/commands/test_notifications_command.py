"""`lab notifications` through the command line: list, play, delete."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import soundfile

from detectors.interface import Event
from detectors.sound_events.verifier import Clip, State, Verdict, no_answer
from lab.commands.main import call
from lab.verifier.notifications import keep

RATE = 16_000


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def lab(folder, capsys):
    """`lab("list", ...)` of the folder: exit code, what was said, what went wrong."""

    def _lab(verb, *arguments):
        code = call(["notifications", verb, str(folder), *map(str, arguments)])
        said = capsys.readouterr()
        return int(code), said.out, said.err

    return _lab


def told(folder, label, verdict, days_ago=0.0):
    whole = np.random.default_rng(4).integers(-9000, 9000, 3 * RATE)
    clip = Clip((whole / 32768).astype(np.float32), label, 11.0)
    event = Event(12.0, 14.0, label, 0.875, "sound_events", "cascade")
    now = datetime.now(UTC) - timedelta(days=days_ago)
    return keep(folder, event, clip, verdict, source="hall.wav", now=now).id, clip


def test_a_list_says_what_was_heard_and_who_decided(lab, folder):
    glass, _ = told(folder, "glass_break", Verdict(True, 0.93), 2.0)
    steps, _ = told(folder, "footsteps", Verdict(False, 0.125), 1.0)
    smoke, _ = told(folder, "smoke_alarm", no_answer(State.SLOW, "", sent=True))
    code, said, _ = lab("list")
    head, *lines = said.splitlines()
    assert code == 0 and head.split()[:4] == ["id", "source", "event", "at"]
    assert [line.split()[0] for line in lines] == [glass, steps, smoke]
    for line, words in zip(lines, ("confirmed 0.93", "rejected 0.12", "slow: device alone"), strict=True):
        assert (
            words in line and "hall.wav" in line and "12.0 s" in line and "0.88" in line and "3.0 s" in line
        )
    assert [line.split()[0] for line in lab("list", "--label", "footsteps")[1].splitlines()[1:]] == [steps]


def test_a_clip_can_be_taken_out(lab, folder, tmp_path):
    name, clip = told(folder, "glass_break", None)
    out = tmp_path / "glass.wav"
    assert lab("play", name, "--out", out) == (0, f"{out}: 3.0 s\n", "")
    audio, rate_hz = soundfile.read(out, dtype="float32")
    assert rate_hz == RATE and np.array_equal(audio, clip.audio)
    code, _, wrong = lab("play", name, "--out", tmp_path / "glass.txt")
    assert code == 3 and "glass.txt: cannot be written" in wrong
    code, _, wrong = lab("play", "20200101T000000.000Z_glass_break")
    assert code == 3 and "no notification '20200101T000000.000Z_glass_break'" in wrong


def test_without_a_sound_card_playing_says_what_to_do(lab, folder, monkeypatch):
    sounddevice = pytest.importorskip("sounddevice", exc_type=OSError)

    def refuse(*_, **__):
        raise sounddevice.PortAudioError("Error querying device -1")

    monkeypatch.setattr(sounddevice, "play", refuse)
    name, _ = told(folder, "glass_break", None)
    code, _, wrong = lab("play", name)
    assert code == 4
    assert (
        wrong
        == "lab: no sound card to play on (Error querying device -1); write the clip to a file with --out FILE\n"
    )


def test_deleting_by_id_by_event_by_age_and_altogether(lab, folder):
    glass, _ = told(folder, "glass_break", None, 20.0)
    told(folder, "footsteps", None, 20.0)
    told(folder, "footsteps", None, 1.0)
    told(folder, "smoke_alarm", None, 1.0)
    assert lab("delete", glass)[:2] == (0, f"1 notification deleted from {folder}\n")
    assert not list(folder.glob("*glass_break*"))
    assert lab("delete", "--label", "footsteps", "--older-than-days", 10)[1].startswith("1 notification ")
    assert len(list(folder.glob("*footsteps*"))) == 2
    assert lab("delete", "--all")[1].startswith("2 notifications ")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["20200101T000000.000Z_x", "--all"]])
def test_deleting_wants_one_choice(lab, folder, arguments):
    told(folder, "glass_break", None)
    code, _, wrong = lab("delete", *arguments)
    assert code == 3 and "either the ids of notifications, or --all" in wrong
    assert len(list(folder.iterdir())) == 2


def test_what_cannot_be_found_exits_3(lab, folder):
    code, _, wrong = lab("list")
    assert code == 3 and f"{folder}: no such folder of notifications" in wrong
    told(folder, "glass_break", None)
    code, _, wrong = lab("delete", "../kept")
    assert code == 3 and "no notification '../kept'" in wrong
    assert len(list(folder.iterdir())) == 2


def test_an_unknown_id_among_several_deletes_none_and_an_unknown_event_is_said(lab, folder):
    glass, _ = told(folder, "glass_break", None)
    code, _, wrong = lab("delete", glass, "20200101T000000.000Z_x")
    assert code == 3 and "no notification '20200101T000000.000Z_x'; nothing was deleted" in wrong
    for verb in ("list", "delete"):
        code, _, wrong = lab(verb, "--label", "glasss")
        assert code == 3 and "--label glasss: no such event; there are: smoke_alarm" in wrong
    assert len(list(folder.iterdir())) == 2


def test_old_scores_that_are_missing_are_blank(lab, folder):
    keep(folder, Event(1.0, 2.0, "footsteps"))
    code, said, _ = lab("list")
    assert code == 0 and "nan" not in said
