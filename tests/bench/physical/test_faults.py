"""What goes wrong while a run is on: nothing measured is lost, nothing stays on, each trial is accounted for."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from lab.store.store import Store
from tests.bench.physical.commands import LONG_S, ROOT, command, lab
from tests.bench.physical.sound import needs_sound

pytestmark = needs_sound


def wait_until(happened, what):
    deadline = time.monotonic() + LONG_S
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return answer


class Standing:
    """`lab rig emulate` in a process of its own."""

    def __init__(self):
        self._process = subprocess.Popen(
            command("rig", "emulate", "emulated"),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._until(" stands; ")

    def fault(self, text):
        """Ask for a fault; in force when this returns."""
        self._process.stdin.write(text + "\n")
        self._until("done")

    def kill(self):
        """Its sound server, its device and its wires end with it."""
        self._process.kill()
        self._process.wait(LONG_S)

    def close(self):
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(LONG_S) == 0

    def _until(self, words):
        for line in self._process.stdout:
            if words in line:
                return
        raise AssertionError(f"the emulation ended before it said {words!r}")


class Running:
    """`lab run` on it, while it runs."""

    def __init__(self, scenario, out, trials):
        arguments = (
            "run",
            scenario,
            "--rig",
            "emulated",
            "--trials",
            trials,
            "--out",
            out,
            "--yes",
            "--no-report",
        )
        self.out = out
        self.process = subprocess.Popen(command(*arguments), cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def wait_log(self, words, times=1):
        def seen():
            path = self.out / "bench.log"
            assert self.process.poll() is None or self.process.returncode == 0, self.process.stderr.read()
            return path.exists() and path.read_text().count(words) >= times

        wait_until(seen, words)


@pytest.fixture
def standing():
    emulation = Standing()
    yield emulation
    emulation.kill()


def trials(out):
    with Store.read(out) as store:
        (run,) = store.runs()
        (scenario,) = store.scenarios(run.id)
        return {record.index: record.invalid for record in store.trials(run.id, scenario.id)}


def test_each_trial_is_valid_or_says_why_not(standing, scenario_file, tmp_path):
    run = Running(scenario_file(), tmp_path / "run", 3)
    run.wait_log("amplifier on", 1)
    standing.fault("console:reboot")
    run.wait_log("amplifier on", 2)
    standing.fault("relays:unplug")
    run.wait_log("relays: link lost")
    standing.fault("relays:unplug=false")
    busy = lab("rig", "check", "emulated")
    assert busy.returncode == 4
    assert re.search(rf"emulated is in use by .*process {run.process.pid}", busy.stderr)
    assert run.process.wait(LONG_S) == 0, run.process.stderr.read()
    standing.close()
    found = trials(tmp_path / "run")
    assert found[0] == "virtual device: restarted 1 times during the trial"
    assert "relays: its link was lost during the trial" in found[1]
    assert found[2] is None
    kept = sorted(path.name for path in (tmp_path / "run" / "captures").glob("*.flac"))
    assert len(kept) == 3  # invalid captures are kept, too


@pytest.mark.usefixtures("standing")
def test_a_killed_lab_leaves_nothing_on_and_loses_nothing(scenario_file, tmp_path):
    scenario, out = scenario_file(), tmp_path / "run"
    run = Running(scenario, out, 2)
    wait_until((out / "captures" / "short-00000000-1.flac").exists, "the second trial")
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait(LONG_S)
    guardian = out / "guardian.jsonl"
    wait_until(lambda: '"ended"' in guardian.read_text(), "the guardian")
    records = [json.loads(line) for line in guardian.read_text().splitlines()]
    assert records[-1]["tripped"]
    last = [line for line in (out / "wires" / "relays.log").read_text().splitlines() if "\ttx\t" in line][-8:]
    assert [line.split("\t")[2] for line in last[:2]] == [r"\xa0\x01\x00\xa1", r"\xa0\x02\x00\xa2"]
    assert trials(out) == {0: None}
    # Another emulation: the sound server of this one waits long for the client that was killed under it.
    elsewhere = {"EARSHOT_LOCKS": str(tmp_path / "locks")}
    arguments = ("--out", out, "--resume", "--yes", "--no-report")
    again = lab("run", scenario, "--rig", "emulated", *arguments, **elsewhere)
    assert again.returncode == 0, again.stderr
    assert trials(out) == {0: None, 1: None}
    assert len(list((out / "captures").glob("short-00000000-1*.flac"))) == 2  # the one cut short is kept
