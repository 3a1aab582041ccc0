"""What goes wrong while a run is on: nothing measured is lost, nothing stays on, each trial is accounted for.

`python -m tests.benchmarks.bench_faults` puts more of them to a bench, one by one, and writes the table.
"""

import json
import os
import re
import signal

import pytest

from tests.bench.physical.commands import lab
from tests.bench.physical.sound import needs_sound
from tests.bench.physical.standing import Running, Standing, lost, relays_off, trials, wait_until

pytestmark = needs_sound

HOSTILE = b"\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\x00\x9b\xff\r\n" + b"A" * 200_000 + b"\n"


@pytest.fixture
def standing():
    emulation = Standing()
    yield emulation
    emulation.kill()


def test_each_trial_is_valid_or_says_why_not(standing, scenario_file, tmp_path):
    run = Running(scenario_file(), tmp_path / "run", 3)
    run.wait_playing(0)
    standing.fault("console:reboot")
    run.wait_log("trial short-00000000-0: INVALID")
    run.wait_playing(1)
    standing.fault("relays:unplug")
    run.wait_log("relays: link lost")
    standing.fault("relays:unplug=false")
    busy = lab("rig", "check", "emulated")
    assert busy.returncode == 4
    assert re.search(rf"emulated is in use by .*process {run.process.pid}", busy.stderr)
    run.wait_log("trial short-00000000-1: INVALID")
    run.wait_playing(2)
    standing.say(HOSTILE)
    assert run.end() == 0, run.said.read_text()
    run.wait_guardian()
    assert standing.at_rest()
    standing.close()
    found = trials(run.out)
    assert found[0] == "virtual device: restarted 1 times during the trial"
    assert "relays: its link was lost during the trial" in found[1]
    assert found[2] is None
    assert lost(run.out) == []
    assert relays_off(run.out)
    kept = sorted(path.name for path in (run.out / "captures").glob("*.flac"))
    assert len(kept) == 3  # invalid captures are kept, too
    note = (run.out / "captures" / "short-00000000-2.json").read_text()
    assert "alert(1)" in note  # it was said, so it is kept, and harmless
    assert all(character.isprintable() or character == "\n" for character in note + run.log)


@pytest.mark.usefixtures("standing")
def test_a_killed_lab_leaves_nothing_on_and_loses_nothing(scenario_file, tmp_path):
    scenario, out = scenario_file(), tmp_path / "run"
    run = Running(scenario, out, 2)
    wait_until((out / "captures" / "short-00000000-1.flac").exists, "the second trial")
    os.kill(run.process.pid, signal.SIGKILL)
    run.end()
    run.wait_guardian()
    records = [json.loads(line) for line in (out / "guardian.jsonl").read_text().splitlines()]
    assert records[-1]["tripped"]
    assert relays_off(out)
    assert trials(out) == {0: None}
    # Another emulation: the sound server of this one waits long for the client that was killed under it.
    elsewhere = {"EARSHOT_LOCKS": str(tmp_path / "locks")}
    arguments = ("--out", out, "--resume", "--yes", "--no-report")
    again = lab("run", scenario, "--rig", "emulated", *arguments, **elsewhere)
    assert again.returncode == 0, again.stderr
    assert trials(out) == {0: None, 1: None}
    assert len(list((out / "captures").glob("short-00000000-1*.flac"))) == 2  # the one cut short is kept


def test_a_lost_block_and_a_full_disk_spoil_one_trial_each_and_a_jumping_clock_none(scenario_file, tmp_path):
    run = Running(scenario_file(), tmp_path / "run", 3, rig="loopback", sabotage="lost=0,disk=1,clock")
    assert run.end() == 0, run.said.read_text()
    found = trials(run.out)
    assert found[0].startswith("lost block: 1024.00 samples (21.33 ms) are missing")
    assert found[1].startswith("disk: recording")
    assert found[2] is None
    assert lost(run.out) == []
    assert len(list((run.out / "captures").glob("*.flac"))) == 3
