"""Bad input through the real command line: one message, the promised exit code, no traceback."""

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from rich.text import Text

from lab.commands.faults import trace
from lab.commands.main import VERBS, application, call
from lab.commands.run import exit_code
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


@pytest.mark.parametrize("inside", ["", "sub"])
def test_a_file_for_the_folder_of_a_run_exits_3_in_one_line(lab, scenario, inside):
    path = scenario()
    code, message = lab("run", path, "--trials", 1, "--out", path / inside)
    assert code == 3
    assert message.startswith(f"lab: {path / inside}: ") and message.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "there/page.json"), 3),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "page.partial", None, "there/page.json"), 3),
        (PermissionError(errno.EACCES, "Permission denied", "there/page.json"), 4),
        (OSError(errno.EINVAL, "Invalid argument", "there/page.json"), 4),
    ],
)
def test_what_the_system_says_of_a_path_is_one_line_that_names_it(lab, monkeypatch, raised, code):
    def refuse(_):
        raise raised

    monkeypatch.setattr("lab.commands.schema.as_text", refuse)
    assert lab("schema") == (code, f"lab: there/page.json: {raised.strerror}\n")


@pytest.mark.parametrize(
    "raised",
    [
        TypeError("no such thing"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", str(ROOT / "lab" / "gone.toml")),
    ],
)
def test_a_crash_shows_its_traceback_and_exits_4_not_1(lab, monkeypatch, raised):
    def crash(_):
        raise raised

    monkeypatch.setattr("lab.commands.schema.as_text", crash)
    code, message = lab("schema")
    assert code == 4
    assert message.count("Traceback") == 1 and "in crash" in message
    assert message.splitlines()[-1] == f"lab: a fault of the lab: {type(raised).__name__}: {raised}"


RAISES = """
from tests.detectors.level_detector import LevelDetector

class Raises(LevelDetector):
    def feed(self, block):
        raise ZeroDivisionError("nothing to divide by")

def from_spec(spec):
    return Raises(spec.name)
"""


def test_a_detector_that_raises_in_a_worker_shows_one_traceback_and_exits_4(scenario, tmp_path):
    (tmp_path / "raises.py").write_text(RAISES)
    build = tmp_path / "raises.toml"
    build.write_text(BUILD.replace("tests.detectors.level_detector", "raises"))
    arguments = ["run", scenario(), "--build", build, "--trials", 1, "--jobs", 2, "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-c", "from lab.commands.main import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        timeout=240,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert done.stderr.count("Traceback") == 1 and "raises.py" in done.stderr
    last = (
        f"lab: {build}: detector 'level': ZeroDivisionError: nothing to divide by; "
        "in scenario small, cell distance_m=0.8, trial 0, seed 1; to hear it: lab render "
    )
    assert done.stderr.splitlines()[-1].startswith(last)


def test_a_crash_in_a_worker_shows_the_traceback_of_the_worker_alone():
    with ProcessPoolExecutor(1) as pool, pytest.raises(ValueError) as raised:
        pool.submit(int, "x").result()
    told = trace(raised.value)
    assert told.count("Traceback") == 1 and told.endswith("invalid literal for int() with base 10: 'x'")


def test_a_count_that_no_chosen_scenario_takes_exits_3(lab, scenario):
    code, message = lab("run", scenario(), "--hours", "1")
    assert code == 3 and "--hours 1: no scenario here counts hours" in message
    code, message = lab("run", scenario("trials = 6", "hours = 1.0"), "--trials", "2")
    assert code == 3 and "--trials 2: no scenario here counts trials" in message


@pytest.mark.parametrize("verb", ["run", "render"])
def test_a_corpus_that_is_no_folder_exits_3_even_where_no_recording_is_played(lab, scenario, tmp_path, verb):
    code, message = lab(verb, scenario(), "--corpus", tmp_path / "gone", "--out", tmp_path / "out")
    assert (code, message) == (3, f"lab: --corpus {tmp_path / 'gone'}: no such folder\n")


def test_a_render_that_cannot_be_written_exits_3_naming_the_file(lab, scenario, tmp_path):
    (tmp_path / "small-0.wav").mkdir()
    assert lab("render", scenario()) == (3, "lab: small-0.wav: Is a directory\n")


def test_sound_that_does_not_fit_on_the_disk_is_the_labs_failure(lab, scenario, monkeypatch):
    def full(*_):
        raise AssertionError  # as soundfile has it

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    code, message = lab("render", scenario())
    assert (code, message) == (4, "lab: small-0.wav: cannot be written: the disk is full\n")


def test_a_schema_that_cannot_be_written_exits_3_naming_the_file(lab, tmp_path):
    path = tmp_path / "gone" / "schema.json"
    assert lab("schema", "--out", path) == (3, f"lab: {path}: No such file or directory\n")


def test_no_help_loses_words_to_markup():
    def texts(command):
        yield command.help or ""
        for parameter in command.params:
            yield getattr(parameter, "help", None) or ""
        for inner in getattr(command, "commands", {}).values():
            yield from texts(inner)

    found = list(texts(typer.main.get_command(application(VERBS))))
    assert any("[[accept]]" in Text.from_markup(text).plain for text in found)
    assert [text for text in found if Text.from_markup(text).spans] == []


@pytest.mark.parametrize(
    ("verdict", "whole", "code"),
    [
        ("pass", True, 0),
        ("reported", True, 0),
        ("fail", True, 1),
        ("inconclusive", True, 2),
        ("reported", False, 4),
        ("inconclusive", False, 4),
        ("fail", False, 1),
    ],
)
def test_a_run_that_fails_says_so_also_where_trials_are_missing(verdict, whole, code):
    assert exit_code(verdict, whole) == code
