"""However the lab ends, every instrument ends with its safe bytes, and hears nothing after them."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from rigs.errors import RigBusy
from rigs.locks import lease
from tests.rigs.guardian.waiting import (
    LONG_S,
    SAFE_END,
    heard_until_now,
    is_safe,
    records,
    wait_until_free,
    wait_until_going,
)


@pytest.mark.parametrize(
    ("end", "reason", "options"),
    [
        (lambda process: process.send_signal(signal.SIGKILL), "the lab has", ()),
        (lambda process: process.send_signal(signal.SIGTERM), "the lab has", ()),
        (lambda process: os.killpg(process.pid, signal.SIGINT), "KeyboardInterrupt", ()),
        (lambda process: process.send_signal(signal.SIGSTOP), "no heartbeat", ("beat",)),
    ],
    ids=["killed", "terminated", "Ctrl-C", "stopped"],
)
def test_rig_is_safe_when_the_lab_is(lab, stage, relays, tmp_path, end, reason, options):
    process = lab(*options)
    wait_until_going(process)
    end(process)
    assert is_safe(stage)
    assert is_safe(relays)
    process.kill()
    wait_until_free(tmp_path)
    assert stage.received.endswith(SAFE_END)
    (safe, *_) = [record for record in records(tmp_path) if record["what"] == "safe"]
    assert reason in safe["reason"]
    assert set(safe["safe_after_ms"]) == {"stage", "relays"}


@pytest.mark.parametrize("option", ["hang", "leave", "fork"])
def test_rig_is_safe_when_the_lab_does(lab, stage, relays, tmp_path, option):
    """hang: its main thread is stuck. leave: it ends in mid-work. fork: a child of it lives on."""
    process = lab(option)
    if option == "fork":
        sleeper = int(process.stdout.readline())
    wait_until_going(process)
    if option == "fork":
        process.kill()
    assert is_safe(stage)
    assert is_safe(relays)
    if option == "fork":
        os.kill(sleeper, signal.SIGKILL)


def test_kills_at_ten_random_points(lab, stage, relays, tmp_path):
    """From before the guardian exists to the middle of work: nothing was sent, or the end is safe."""
    chance = random.Random(20)
    for number in range(10):
        stage.received.clear()
        relays.received.clear()
        process = lab()
        if number % 2:
            wait_until_going(process)
        time.sleep(chance.uniform(0.0, 0.1 if number % 2 else 0.3))
        process.kill()
        process.wait()
        wait_until_free(tmp_path)
        for server in (stage, relays):
            heard = heard_until_now(server)
            assert heard.endswith(SAFE_END) or (heard == b"" and number % 2 == 0)


def test_an_instrument_unplugged_at_that_moment_is_made_safe_when_it_is_back(lab, stage, relays, tmp_path):
    process = lab()
    wait_until_going(process)
    stage.unplug()
    process.kill()
    assert is_safe(relays)
    with pytest.raises(RigBusy, match="its guardian is still making the rig safe"):
        lease("bench", "checking", tmp_path)
    stage.received.clear()
    stage.plug()
    assert is_safe(stage)
    assert stage.received == SAFE_END
    wait_until_free(tmp_path)


def test_a_hung_lab_that_does_not_stop_playing_is_ended(lab, stage):
    process = lab("hang", "deaf", "end-hung")
    wait_until_going(process)
    assert is_safe(stage)
    assert process.wait(LONG_S) == -signal.SIGKILL


def test_a_hung_lab_that_stopped_playing_is_left_alone(lab, stage, tmp_path):
    """Three chances, for a machine that is held up itself."""
    for _ in range(3):
        process = lab("hang", "end-hung")
        wait_until_going(process)
        assert is_safe(stage)
        process.send_signal(signal.SIGTERM)  # the guardian sees it only after it has decided
        ended_by = -process.wait(LONG_S)
        wait_until_free(tmp_path)
        stage.received.clear()
        if ended_by == signal.SIGTERM:
            break
    assert ended_by == signal.SIGTERM


def test_a_lab_that_plays_on_after_an_emergency_stop_is_ended(lab, stage, relays):
    """Its heart beats, but it does not say that it has stopped its sound."""
    process = lab("beat", "deaf", "end-hung", "button")
    wait_until_going(process)
    relays.say(b"ESTOP\n")
    assert is_safe(stage)
    assert process.wait(LONG_S) == -signal.SIGKILL


def test_a_lab_that_stops_its_sound_at_an_emergency_stop_is_told_and_lives(lab, stage, relays, tmp_path):
    process = lab("end-hung", "button")
    wait_until_going(process)
    relays.say(b"ESTOP\n")
    assert is_safe(stage)
    assert process.wait(LONG_S) == 1  # by the error that its next beat raised
    wait_until_free(tmp_path)
    assert "ended the lab" not in [record["what"] for record in records(tmp_path)]
