import os
import re

import pytest

from lab.commands.main import call
from lab.commands.rig_check import show
from lab.commands.rig_emulate import set_fault
from lab.errors import BadInput, ExitCode
from rigs.locks import lease
from rigs.rig_file import load_rig
from tests.bench.physical.commands import lab
from tests.bench.physical.sound import needs_sound


@pytest.fixture(autouse=True)
def _own_places(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_list_shows_benches_and_who_holds_them(capsys):
    with lease("loopback", "a measurement of mine"):
        assert call(["rig", "list"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert re.search(r"emulated +emulated .* free", shown)
    assert re.search(rf"loopback +loopback .*process {os.getpid()}.*'a measurement of mine'", shown)


def test_list_names_files_that_are_no_benches(tmp_path, capsys):
    (tmp_path / "mine.toml").write_text('format = "earshot-rig/1"\nid = "mine"\n')
    assert call(["rig", "list", str(tmp_path)]) == ExitCode.BAD_INPUT
    assert "mine.toml: title: is missing" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "monitor", "emulate"])
def test_an_unknown_bench_is_bad_input_that_lists_those_there_are(verb, capsys):
    assert call(["rig", verb, "nowhere"]) == ExitCode.BAD_INPUT
    assert "nowhere: no such rig file (shipped benches: " in capsys.readouterr().err


def test_run_takes_a_bench_by_file_or_name_and_says_what_is_wrong_with_it(tmp_path, capsys):
    path = tmp_path / "bench.toml"
    path.write_text('format = "earshot-rig/1"\nkind = "phisical"\n')
    assert call(["run", "scenarios/second_screen/near.toml", "--rig", str(path)]) == ExitCode.BAD_INPUT
    assert "bench.toml: " in capsys.readouterr().err


def test_a_bench_in_use_is_refused_with_its_holder(capsys):
    with lease("loopback", "lab run --out runs/mine"):
        assert call(["rig", "check", "loopback"]) == ExitCode.LAB_FAILURE
    assert re.search(
        r"loopback is in use by .*process \d+.*'lab run --out runs/mine'", capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lift", "playback", "--rig", "loopback"], "only a person at a terminal at the bench may lift"),
        (["--lift", "gravity", "--rig", "loopback"], "the limits there are: playback"),
        (["--lift", "playback"], "--lift speaks of a bench; name one with --rig"),
        (["--yes"], "--yes speaks of a bench; name one with --rig"),
    ],
)
def test_safety_limits_are_lifted_only_by_a_person_at_a_bench(arguments, said, capsys, tmp_path):
    run = ["run", "scenarios/second_screen/near.toml", "--out", str(tmp_path / "run"), *arguments]
    assert call(run) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_only_an_emulated_bench_can_be_emulated(capsys):
    assert call(["rig", "emulate", "loopback"]) == ExitCode.BAD_INPUT
    assert "kind is 'loopback'; only an emulated bench" in capsys.readouterr().err


class Wires:
    """An emulation that only notes the faults it is asked for."""

    wires = ("relays", "rail", "console")

    def __init__(self):
        self.asked = []

    def set_faults(self, name, faults):
        self.asked.append((name, faults))


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("relays:silence", ("relays", {"silence": True})),
        ("rail:unplug=false", ("rail", {"unplug": False})),
        ("rail:late_s=0.5", ("rail", {"late_s": 0.5})),
        ("console:split=3", ("console", {"split": 3})),
        ("relays:interleave=noise", ("relays", {"interleave": "noise"})),
    ],
)
def test_faults_as_they_are_typed(typed, asked):
    wires = Wires()
    set_fault(wires, typed)
    assert wires.asked == [asked]


def test_none_takes_all_faults_away():
    wires = Wires()
    set_fault(wires, "rail:none")
    ((name, faults),) = wires.asked
    assert name == "rail"
    assert not any(faults.values())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("fan:silence", "no emulated instrument 'fan'; there are: relays, rail, console"),
        ("rail:loud", "no fault 'loud'; there are: silence, late_s, split"),
        ("rail:late_s=soon", "late_s takes a number of seconds, not 'soon'"),
        ("rail:silence=maybe", "silence takes true or false"),
    ],
)
def test_a_fault_that_cannot_be_says_what_can(typed, said):
    with pytest.raises(BadInput, match=re.escape(said)):
        set_fault(Wires(), typed)


def test_one_screen_says_what_to_do(capsys):
    from lab.bench.physical.health import Check, Mark

    checks = [
        Check("rail", Mark.GOOD, "Idle, x 500.0 mm"),
        Check("sensor", Mark.BAD, "silent for 0.5 s", "look at cable and power"),
        Check("device", Mark.BAD, "says \x1b[31m<b>[bold]", "reset it"),
    ]
    show(load_rig("emulated"), checks)
    shown = capsys.readouterr().out
    assert "OK    rail" in shown
    assert "-> look at cable and power" in shown
    assert "2 TO FIX, then check again" in shown
    assert "\x1b[31m" not in shown
    assert "[bold]" in shown  # what a device says is text


def test_a_bench_that_is_not_there_at_all_is_told_piece_by_piece(capsys):
    assert call(["rig", "check", "example_hardware", "--no-sound"]) == ExitCode.LAB_FAILURE
    shown = " ".join(capsys.readouterr().out.split())
    for name in ("rail", "relays", "meter", "sensor", "console"):
        assert f"FIX {name}" in shown
    assert "look at cable, power and USB socket" in shown
    assert re.search(r"\d TO FIX, then check again", shown)


@needs_sound
def test_check_of_the_loopback_bench_is_green(tmp_path):
    done = lab(
        "rig", "check", "loopback", EARSHOT_LOCKS=str(tmp_path / "l"), XDG_STATE_HOME=str(tmp_path / "s")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK    sound        pilot of 70.0 dB SPL heard at 70.0 dB SPL, 21.3 ms later" in done.stdout
    assert "FIT FOR A RUN" in done.stdout


@needs_sound
def test_monitor_shows_levels_for_as_long_as_asked(tmp_path):
    environment = {"EARSHOT_LOCKS": str(tmp_path / "l"), "XDG_STATE_HOME": str(tmp_path / "s")}
    done = lab("rig", "monitor", "loopback", "--seconds", "1", **environment)
    assert done.returncode == 0, done.stderr
    assert "from television" in done.stdout
