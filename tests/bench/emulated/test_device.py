"""The virtual device without a sound card: sound is handed to it, its console is read."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest

from detectors.build import load_build
from detectors.interface import AUDIBLE, Block, StreamFormat
from detectors.stack import Stack
from lab.bench.emulated import device as module
from lab.bench.emulated.device import VirtualDevice
from lab.bench.emulated.wiring import Loudspeaker, TestMicrophone, Wiring, full_scale_pa
from lab.bench.simulated.scene import Scene
from lab.errors import BadInput
from rigs.console_patterns import ConsolePatterns
from rigs.profile import load_profile

RATE_HZ = 16_000
PATTERNS: ConsolePatterns = load_profile("earshot_console", "console")
FULL_SCALE_PA = full_scale_pa(110.0)
TONE = (np.sqrt(2.0) / FULL_SCALE_PA) * np.sin(2 * np.pi * 1000.0 * np.arange(RATE_HZ) / RATE_HZ)  # 94 dB SPL


def play(device, sound, block=1024):
    """Play to the end, and let the stack listen; what the bench's microphones recorded."""
    sound = np.atleast_2d(np.asarray(sound, np.float32))
    recorded = []
    for at in range(0, sound.shape[1], block):
        recorded.append(device.hear(sound[:, at : at + block]))
        device.work()
    return np.concatenate(recorded, axis=1)


def said(device):
    return device.console.tick().decode().splitlines()


def events(device):
    return [event for line in said(device) if (event := PATTERNS.event(line, 0)) is not None]


def test_it_boots_and_says_which_build_it_runs(device):
    assert "boot: firmware 1.0.0 build loud" in said(device)[1]
    identity = PATTERNS.identity_in(device.console.feed(b"version\n").decode().strip())
    assert (identity.build_id, identity.build_hash) == ("loud", device.build.hash)


def test_without_an_amplifier_nothing_is_heard(device):
    device.amplifier(False)
    assert not play(device, TONE).any()
    device.amplifier(True)
    assert play(device, TONE).any()


def test_what_it_hears_it_reports_on_its_own_clock(device):
    silence = np.zeros(2 * RATE_HZ)
    play(device, np.concatenate([silence, TONE, silence]))
    found = events(device)
    # 1024 samples of the twin come before the sound, 50 ms of the detector after its onset.
    assert 2.0 < found[0].device_time_s < 2.0 + 0.064 + 0.1 + 0.01
    assert {event.label for event in found} == {"glass_break"} and len(found) in (5, 6)


def test_the_benchs_microphone_records_the_same_sound(device):
    recorded = play(device, TONE)
    assert recorded.shape == (1, RATE_HZ)
    level_db = 20 * np.log10(np.std(recorded[0, RATE_HZ // 2 :]) * full_scale_pa(120.0) / 20e-6)
    assert level_db == pytest.approx(94.0, abs=0.05)


def test_its_clock_counts_what_it_heard(device):
    play(device, np.zeros(RATE_HZ // 2))
    assert PATTERNS.clock_in(device.console.feed(b"clock\n").decode().splitlines()[-1]) == 0.5


def test_a_threshold_set_on_the_console_is_used(device):
    said(device)
    assert device.console.feed(b"threshold glass_break -10\n").strip() == b"threshold glass_break = -10"
    play(device, TONE)
    assert events(device) == []


def test_after_a_reset_time_and_settings_start_over(device):
    device.console.feed(b"threshold glass_break -10\n")
    play(device, np.zeros(RATE_HZ))
    assert b"ready" in device.console.feed(b"reset\n")
    play(device, np.concatenate([TONE, TONE]))
    found = events(device)
    assert found and 0.0 < found[0].device_time_s < 0.3


def test_without_power_it_is_dead_and_with_power_it_boots(device):
    play(device, TONE)
    device.power(False)
    said(device)
    play(device, np.concatenate([TONE, np.zeros(RATE_HZ)]))
    assert device.console.feed(b"version\n") == b"" and said(device) == []
    device.power(True)
    assert said(device)[-1].endswith("ready")
    play(device, np.zeros(RATE_HZ))
    play(device, TONE)
    found = events(device)
    assert found and 1.0 < found[0].device_time_s < 1.3


def test_sound_that_the_stack_is_too_slow_for_is_said_and_keeps_the_time(device, monkeypatch):
    monkeypatch.setattr(module, "BACKLOG_S", 0.5)
    for _ in range(4):
        device.hear(TONE[None, : RATE_HZ // 2].astype(np.float32))
    assert device.lost_samples == RATE_HZ
    device.work()
    play(device, np.concatenate([np.zeros(RATE_HZ), TONE]))
    lines = said(device)
    assert any(re.search(r"ERR lost \d+ samples", line) for line in lines)
    times_s = [event.device_time_s for line in lines if (event := PATTERNS.event(line, 0))]
    assert 3.0 < min(at_s for at_s in times_s if at_s > 2.5) < 3.2


def test_it_reports_what_the_stack_says_of_the_same_capture(draw, cache):
    """The mark of a trial: device and stack on the bench's recording agree on time and score."""
    trial = draw()
    wiring = Wiring((Loudspeaker(1, 110.0),), (TestMicrophone(5, 1, 120.0),), rate_hz=RATE_HZ)
    device = VirtualDevice(load_build(), wiring, cache=cache)
    device.place(trial)
    scene = Scene(trial, cache, None)
    media = scene.play(scene.placed[0].spec).read(4 * RATE_HZ) / FULL_SCALE_PA
    recorded = play(device, np.concatenate([media, np.zeros(RATE_HZ)]))
    (event,) = events(device)
    stack = Stack(load_build())
    stack.open({AUDIBLE: StreamFormat(RATE_HZ, 1)})
    stack.feed(Block(0, recorded.shape[1], RATE_HZ, {AUDIBLE: recorded}))
    (expected,) = stack.finish().events
    assert event.label == "watermark"
    assert event.device_time_s == pytest.approx(expected.offset_s, abs=0.05)
    # An alarm carries the score at which it fired: the first hop above the threshold, which noise may shift.
    assert min(event.score, expected.score) >= device.build["watermark"].threshold


def test_a_trial_that_cannot_be_placed_changes_nothing(device, draw):
    with pytest.raises(BadInput, match="no loudspeaker plays it"):
        device.place(draw(), {})
    level = np.std(play(device, TONE)[0, RATE_HZ // 2 :])
    assert level == pytest.approx(1.0024 / full_scale_pa(120.0), rel=0.01)


def test_it_listens_in_a_thread_until_it_is_closed(device):
    device.start()
    before = threading.active_count()
    device.hear(TONE[None].astype(np.float32))
    device.close()
    assert threading.active_count() == before - 1
