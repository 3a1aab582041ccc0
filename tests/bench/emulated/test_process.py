"""The virtual device as the bench has it: a process at a real sound card (JACK), a console on a real pty."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soxr

from detectors.build import load_build
from detectors.interface import AUDIBLE, Block, StreamFormat
from detectors.stack import Stack
from lab.bench.emulated.__main__ import main
from lab.bench.emulated.process import VirtualDeviceProcess
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone, Wiring
from lab.errors import BadInput, LabFailure
from rigs.console import DeviceConsole
from rigs.emulators.jack import JackServer, JackSpec, missing
from rigs.errors import AudioFault
from rigs.links import LinkSpec, open_link
from rigs.profile import load_profile
from tests.bench.conftest import SCENE

WIRING = Wiring((Loudspeaker(1, 110.0),), (TestMicrophone(5, 1, 120.0),))
PATIENCE_S = 60.0  # a deadline, never a measure: the machine may be busy


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("emulated")


@pytest.fixture(scope="module")
def server():
    if reason := missing():
        pytest.skip(f"no JACK server: {reason}")
    try:
        with JackServer(JackSpec(rate_hz=48_000, period=1024, channels=8)) as running:
            yield running
    except AudioFault as fault:
        pytest.skip(f"no JACK server: {fault}")


@pytest.fixture(scope="module")
def device(server, folder):
    with VirtualDeviceProcess(
        WIRING, environment=server.environment(), cache=folder / "rooms", timeout_s=PATIENCE_S
    ) as process:
        yield process


@pytest.fixture(scope="module")
def console(device):
    with open_link(LinkSpec(device.console_url)) as link:
        yield DeviceConsole(link, load_profile("earshot_console", "console"), name="virtual device")


@pytest.fixture(scope="module")
def scenario(folder) -> Path:
    path = folder / "scene.toml"
    path.write_text(SCENE)
    return path


def test_it_runs_the_build_it_was_given(console):
    identity = console.identify(PATIENCE_S)
    build = load_build()
    assert (identity.build_id, identity.build_hash) == (build.id, build.hash)


def test_a_marked_programme_played_through_the_sound_card_is_reported(
    server, device, console, scenario, folder
):
    """Head and tail agree to a sample, and the stack on the recording finds what the device reported."""
    device.place(scenario, trial=0, plays={"tv": 1})
    mark = console.mark()
    out = folder / "capture.npy"
    played = subprocess.run(
        [sys.executable, Path(__file__).with_name("player.py"), scenario, folder / "rooms", out],
        env={**os.environ, **server.environment(), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    facts = json.loads(played.stdout)
    assert facts["valid"], facts["reason"]
    assert abs(facts["change"]) < 0.1
    console.read_clock(PATIENCE_S)  # everything reported so far has been read
    (event,) = console.events_since(mark)
    assert console.boots_since(mark) == 0
    stack = Stack(load_build())
    stack.open({AUDIBLE: StreamFormat(16_000, 1)})
    recorded = soxr.resample(np.load(out)[0], 48_000, 16_000)[None, :]
    stack.feed(Block(0, recorded.shape[1], 16_000, {AUDIBLE: recorded}))
    (expected,) = stack.finish().events
    # An alarm carries the score at which it fired: the first hop above the threshold, which noise may shift.
    assert event.label == expected.label == "watermark"
    assert min(event.score, expected.score) >= load_build()["watermark"].threshold
    assert device.status()["lost_samples"] == 0


def test_its_clock_runs_with_the_sound_card(device, console):
    first = console.read_clock(PATIENCE_S)
    before = device.status()["heard_s"]
    while device.status()["heard_s"] < before + 0.5:
        time.sleep(0.02)
    assert console.read_clock(PATIENCE_S).device_time_s >= first.device_time_s + 0.5


def test_it_is_reset_and_its_power_is_cycled(device, console):
    assert console.reset(PATIENCE_S)[-1].endswith("ready")

    def cycle():
        device.power(False)
        device.power(True)

    cycled = DeviceConsole(console._link, load_profile("earshot_console"), power=cycle)
    assert cycled.power_cycle(PATIENCE_S)[-1].endswith("ready")


def test_its_console_misbehaves_on_request(device, console):
    mark = console.mark()
    device.say(b"\x1b[2J<b>\r\n" + b"A" * 100_000 + b"\r\n")
    console.read_clock(PATIENCE_S)  # a reboot forgets what has not been sent yet
    device.reboot()
    device.set_faults(split=5)
    console.read_clock(PATIENCE_S)
    device.set_faults(split=0)
    lines = [line.text for line in console.lines_since(mark)]
    assert lines[0] == r"\x1b[2J\x3cb>" and lines[1].startswith("AAAA")
    assert console.boots_since(mark) == 1
    with pytest.raises(BadInput, match="request not understood"):
        device.set_faults(gremlins=True)


def test_what_cannot_be_placed_is_said_and_it_goes_on(device, console, scenario):
    with pytest.raises(BadInput, match="no source 'radio' to play"):
        device.place(scenario, plays={"radio": 1})
    with pytest.raises(BadInput, match="has no cell distance_m=9"):
        device.place(scenario, cell="distance_m=9")
    with pytest.raises(BadInput, match="nowhere.toml"):
        device.place(scenario.with_name("nowhere.toml"))
    assert console.identify(PATIENCE_S).version == "1.0.0"


def test_a_sound_card_that_is_not_there_is_said_with_those_that_are(server):
    elsewhere = Wiring(WIRING.loudspeakers, WIRING.microphones, device="no such card")
    with pytest.raises(
        LabFailure, match=r'"no such card" of JACK is not there. This machine has: .*loopback'
    ):
        VirtualDeviceProcess(elsewhere, environment=server.environment(), timeout_s=PATIENCE_S)


def test_a_build_that_is_not_there_is_bad_input(capsys):
    assert main(["--loudspeaker", "1=110", "--microphone", "5=1:120", "--build", "nothing"]) == 3
    assert "virtual device: nothing: no such build file" in capsys.readouterr().err


def test_it_ends_when_the_lab_does(device):
    """The pipe to the lab ends with the lab, however it ends; console and socket are gone with the process."""
    assert Path(device.console_url).exists()
    device._process.stdin.close()
    assert device._process.wait(PATIENCE_S) == 0
    assert not Path(device.console_url).exists()
    with pytest.raises(LabFailure, match="power refused: it has ended"):
        device.power(True)
