"""Narrow channels: true levels wherever a tone lies, and ends of tones where they end, also in a room that rings."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.sound_events.tones import (
    DELAY,
    FRAME_S,
    HISTORY,
    HOP,
    Ended,
    Tones,
    column,
    frequency_hz,
)
from tests.detectors.sound_events.beeps import beeps, hops


def ends(audio: np.ndarray) -> list[Ended]:
    tones = Tones()
    return [one for hop in hops(audio) for one in tones.push(hop)]


@pytest.mark.parametrize("hz", [520.0, 970.0, 3100.0, 3112.5, 4187.5])
def test_level_of_a_channel_is_the_mean_square_of_the_tone_in_it(hz):
    tones = Tones()
    for hop in hops(beeps([0.0], 1.0, 0.8, hz=hz, amplitude=0.1, noise=0.0)):
        tones.push(hop)
    row = tones.levels[tones.frames - 1]
    loudest = int(np.argmax(row))
    assert abs(frequency_hz(loudest - column(0)) - hz) <= 12.6
    assert row[loudest] == pytest.approx(10.0 * np.log10(0.1**2 / 2.0), abs=0.3)


def times_s(audio: np.ndarray, hz: float = 3100.0) -> list[float]:
    return [
        (one.frame - DELAY) * FRAME_S for one in ends(audio) if abs(frequency_hz(one.channel) - hz) <= 25.0
    ]


@pytest.mark.parametrize("rt60_s", [0.0, 0.3, 0.7])
def test_tone_ends_where_it_ends_however_long_the_room_rings(rt60_s):
    at_s = times_s(beeps([1.0], 0.5, 4.0, rt60_s=rt60_s))
    assert 1.45 <= at_s[0] <= 1.5 + 0.1 + 0.1 * rt60_s


def test_loudest_channel_tells_of_a_tone():
    assert times_s(beeps([1.0, 2.0], 0.5, 5.0)) == pytest.approx([1.52, 2.52], abs=0.021)


def test_noise_alone_ends_little():
    assert len(ends(beeps([], 0.5, 20.0, noise=0.03))) < 100  # in 153 channels


def test_gain_changes_nothing():
    audio = beeps([1.0], 0.5, 4.0, amplitude=0.4, noise=0.05)
    assert ends(audio) == ends(audio * np.float32(0.125))


def test_history_is_a_ring():
    tones = Tones()
    for hop in hops(beeps([0.2], 0.5, 1.2 * HISTORY * FRAME_S, noise=0.0)):
        tones.push(hop)
    assert tones.levels.max() < -60.0  # the beep was overwritten


def test_another_length_of_hop_is_refused():
    with pytest.raises(DetectorError, match=rf"hops of \({HOP},\)"):
        Tones().push(np.zeros(HOP + 1, np.float32))
