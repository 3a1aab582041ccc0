"""Groups of beeps and endless pulses: periods as they are, in rooms as in the open, and nothing where a beep or a silence is missing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from detectors.sound_events.pulsing import Pulse, pulsing
from detectors.sound_events.rhythm import Group, groups
from detectors.sound_events.tones import FRAME_S, Tones
from tests.detectors.sound_events.beeps import beeps, hops


def heard(audio: np.ndarray) -> list[Group]:
    tones = Tones()
    return [
        group
        for hop in hops(audio)
        for ended in tones.push(hop)
        for group in groups(tones.levels, ended.channel, ended.frame)
    ]


def group_of(count: int, on_s: float, off_s: float, **keys: float) -> np.ndarray:
    onsets = [5.0 + n * (on_s + off_s) for n in range(count)]
    return beeps(onsets, on_s, 9.5, **keys)


@pytest.mark.parametrize("rt60_s", [0.0, 0.6])
@pytest.mark.parametrize(("on_s", "off_s"), list(product((0.45, 0.5, 0.55), repeat=2)))
def test_period_and_place_of_a_group_of_three(on_s, off_s, rt60_s):
    found = heard(group_of(3, on_s, off_s, rt60_s=rt60_s))
    assert found
    for group in found:
        assert group.beeps == 3
        assert group.period_s == pytest.approx(on_s + off_s, abs=0.015)
        assert group.frame * FRAME_S == pytest.approx(5.0, abs=0.04)


@pytest.mark.parametrize("rt60_s", [0.0, 0.4, 0.7])
@pytest.mark.parametrize(("on_s", "off_s"), [(0.09, 0.09), (0.1, 0.1), (0.11, 0.11), (0.11, 0.09)])
def test_period_and_place_of_a_group_of_four(on_s, off_s, rt60_s):
    found = [one for one in heard(group_of(4, on_s, off_s, rt60_s=rt60_s)) if one.beeps == 4]
    assert found
    assert found[0].period_s == pytest.approx(on_s + off_s, abs=0.015)
    assert found[0].frame * FRAME_S == pytest.approx(5.0, abs=0.06)


@pytest.mark.parametrize(
    ("count", "on_s", "off_s"),
    [
        (2, 0.5, 0.5),
        (4, 0.5, 0.5),
        (3, 0.2, 0.8),
        (3, 0.3, 0.2),
        (3, 0.1, 0.1),
        (5, 0.1, 0.1),
        (2, 0.1, 0.1),
        (4, 0.3, 0.23),
    ],
)
def test_other_bursts_are_no_group(count, on_s, off_s):
    assert heard(group_of(count, on_s, off_s)) == []


def test_bursts_of_noise_are_no_group():
    audio = beeps([], 0.5, 9.5)
    rng = np.random.default_rng(2)
    for onset_s in (5.0, 6.0, 7.0):
        first = round(onset_s * 16_000)
        audio[first : first + 8000] += rng.normal(0.0, 0.1, 8000).astype(np.float32)
    assert heard(audio) == []


def endless(on_s: float, off_s: float, **keys: float) -> bool:
    tones = Tones()
    for hop in hops(beeps(np.arange(0.3, 9.5, on_s + off_s), on_s, 9.0, **keys)):
        tones.push(hop)
    return bool(pulsing(tones.levels, tones.frames - 1))


@pytest.mark.parametrize("rt60_s", [0.0, 0.3])
@pytest.mark.parametrize(("on_s", "off_s"), [(0.26, 0.075), (0.24, 0.07), (0.53, 0.20), (0.18, 0.17)])
def test_real_alarms_without_a_pause_pulse(on_s, off_s, rt60_s):
    assert endless(on_s, off_s, rt60_s=rt60_s)


@pytest.mark.parametrize(
    ("on_s", "off_s"), [(0.5, 0.5), (0.25, 0.25), (0.07, 0.17), (0.27, 0.8), (10.0, 0.1)]
)
def test_reversing_beepers_timers_monitors_and_steady_tones_do_not(on_s, off_s):
    assert not endless(on_s, off_s)


@pytest.mark.parametrize(
    ("later", "same"),
    [
        (Pulse(40, 17), True),
        (Pulse(41, 18), True),
        (Pulse(39, 16), True),
        (Pulse(42, 17), False),
        (Pulse(40, 19), False),
    ],
)
def test_a_pulse_goes_on_in_its_channel_at_its_period(later, same):
    assert later.goes_on(Pulse(40, 17)) is same
