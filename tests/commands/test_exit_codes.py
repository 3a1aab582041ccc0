"""Bad input through the real command line: one message, the promised exit code, no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lab.commands.main import call
from tests.runs.conftest import BUILD, SCENARIO

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EARSHOT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def lab(capsys):
    """`lab("run", ...)`: exit code and what was said on stderr."""

    def _lab(*arguments):
        code = call([str(argument) for argument in arguments])
        return int(code), capsys.readouterr().err

    return _lab


@pytest.fixture
def scenario(tmp_path):
    def _scenario(*change):
        assert not change or change[0] in SCENARIO
        path = tmp_path / "small.toml"
        path.write_text(SCENARIO.replace(*change) if change else SCENARIO)
        return path

    return _scenario


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('id = "small"', "id = = small"), ["small.toml", ":3:6: malformed TOML"]),
        (("rt60_s = 0.2", "rt60 = 0.2"), ["small.toml", "room.rt60", "did you mean", "rt60_s"]),
        (("rt60_s = 0.2", "rt60_s = 20.0"), ["small.toml", "room.rt60_s", "20"]),
        (("sweep = [0.8, 1.1]", "sweep = [0.8, 9.1]"), ["small.toml", "distance_m", "9.1"]),
        (('classes = ["music"]', 'corpus = "no_such"\nclasses = ["music"]'), ["small.toml", "no_such"]),
        (('"two_mic_display"', '"two_mic_dispaly"'), ["two_mic_display"]),
        (("format = ", "# format = "), ["small.toml", 'format must be "earshot-scenario/1"']),
    ],
)
def test_unusable_scenarios_exit_3_naming_file_and_key(lab, scenario, tmp_path, change, said):
    code, message = lab("run", scenario(*change), "--out", tmp_path / "out")
    assert code == 3
    for words in said:
        assert words in message
    assert "Traceback" not in message
    assert not (tmp_path / "out" / "results.json").exists()


def test_usage_errors_exit_3(lab, scenario):
    assert lab("run")[0] == 3
    assert lab("run", scenario(), "--trials", "0")[0] == 3
    assert lab("no_such_verb")[0] == 3
    code, message = lab("run", scenario(), "--resume")
    assert code == 3 and "--resume needs --out" in message


def test_missing_files_exit_3(lab, tmp_path):
    code, message = lab("run", tmp_path / "none.toml")
    assert code == 3 and "none.toml" in message
    code, message = lab("detect", tmp_path / "none.wav")
    assert code == 3 and "none.wav" in message
    code, message = lab("run", tmp_path, "--build", tmp_path / "none.toml")
    assert code == 3 and "none.toml" in message


@pytest.mark.parametrize(
    ("name", "samples", "options", "said"),
    [
        ("empty.wav", np.zeros((0, 4)), [], "holds no samples"),
        ("nan.wav", np.full((800, 4), np.nan), [], "sample 0 is not a finite number"),
        (
            "eight.wav",
            np.zeros((800, 8)),
            ["--device", "four_mic_speaker"],
            "8 channels, but the device has 4",
        ),
    ],
)
def test_unusable_recordings_exit_3_naming_the_file(lab, tmp_path, name, samples, options, said):
    path = tmp_path / name
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    code, message = lab("detect", path, *options)
    assert code == 3
    assert name in message and said in message


def test_what_is_no_audio_at_all_exits_3(lab, tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("this is not audio")
    code, message = lab("detect", path)
    assert code == 3 and "text.wav" in message and "not readable as audio" in message


def test_results_of_a_newer_lab_exit_3(lab, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"format": "earshot-results/99"}))
    code, message = lab("report", tmp_path)
    assert code == 3 and "results.json" in message and "earshot-results/99" in message


def test_full_disk_exits_4_and_keeps_what_was_stored(scenario, tmp_path):
    """A real file system of 1 MiB: the run stops with one message, and its store still opens."""
    mount = tmp_path / "small_disk"
    mount.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a small file system needs root")
    try:
        build = tmp_path / "level.toml"
        build.write_text(BUILD)
        arguments = ["run", scenario(), "--build", build, "--trials", 3000, "--jobs", 1, "--out", mount]
        done = subprocess.run(
            [sys.executable, "-c", "from lab.commands.main import main; main()", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=240,
            check=False,
        )
        assert done.returncode == 4, done.stderr
        assert "Traceback" not in done.stderr
        assert "disk" in done.stderr or "space" in done.stderr
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--head", "door_knock", "--verifier"), "--head, --verifier: one of these at most"),
        (("--evaluate", "--study"), "--evaluate, --study: one of these at most"),
    ],
)
def test_trainings_of_one_part_exclude_each_other(lab, options, said):
    code, message = lab("train", "sound_events", *options)
    assert (code, said in message) == (3, True), message
