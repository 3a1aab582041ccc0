"""`lab detect` on any recording: what listens without being asked, what is left out, and what is refused before the first hour is heard."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from lab.commands.main import call

RATE = 16_000


@pytest.fixture
def lab(capsys):
    def _lab(*arguments):
        code = call(["detect", *map(str, arguments)])
        said = capsys.readouterr()
        return int(code), said.out, said.err

    return _lab


def recording(path, alarm_s: float, seconds: float = 16.0, right: bool = False):
    """A smoke alarm of 3.1 kHz from the beginning, above noise. right: in one of two channels, the other silent."""
    t = np.arange(round(seconds * RATE)) / RATE
    on = (t < alarm_s) & (t % 4.0 < 3.0) & (t % 1.0 < 0.5)
    sound = 1e-3 * np.random.default_rng(1).standard_normal(len(t)) + 0.1 * on * np.sin(
        2.0 * np.pi * 3_100.0 * t
    )
    soundfile.write(path, np.stack([0.0 * sound, sound], axis=1) if right else sound, RATE)
    return path


@pytest.mark.parametrize("right", [False, True])
def test_without_a_build_all_that_a_recording_holds_is_listened_for(lab, tmp_path, right):
    code, said, _ = lab(recording(tmp_path / "hall.wav", alarm_s=15.0, right=right))
    assert code == 0
    assert said.startswith("build household: watermark, smoke_alarm, co_alarm")
    assert "left out: presence (needs baseband, playback)" in said
    assert "smoke_alarm" in said.partition("\n")[2]


def test_where_nothing_is_found_each_detector_says_how_near_it_came(lab, tmp_path):
    code, said, _ = lab(recording(tmp_path / "quiet.wav", alarm_s=0.0, seconds=6.0))
    assert code == 0
    assert "nothing detected (highest score: watermark " in said
    assert " of 6.5, sound_events 0.0" in said and said.rstrip().endswith("of 0.5)")


def test_a_detector_that_is_named_and_cannot_hear_a_recording_is_refused(lab, tmp_path):
    code, _, wrong = lab(recording(tmp_path / "hall.wav", 0.0, 2.0), "--detectors", "presence")
    assert code == 3 and "a recording has the audible stream only" in wrong


def test_one_bad_file_among_several_and_a_file_for_a_folder_are_said_first(lab, tmp_path):
    good = recording(tmp_path / "good.wav", 0.0, 2.0)
    code, said, wrong = lab(good, tmp_path / "none.wav", "--out", tmp_path / "found.tsv")
    assert code == 3 and "none.wav" in wrong and "good.wav" not in said
    code, said, wrong = lab(good, "--notifications", good)
    assert code == 3 and "--notifications" in wrong and "a folder is wanted" in wrong
