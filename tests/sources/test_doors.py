"""Doors closed, opened and knocked upon."""

from __future__ import annotations

import numpy as np
import pytest

from lab.sources.doors import DoorSpec, draw_door, open_door
from lab.sources.modal import RATE_HZ
from lab.sources.struck import pressure
from tests.sources.test_glass import figures


def door(action, **keys) -> DoorSpec:
    return DoorSpec(kind="door", name="door", action=action, distance_m=2.0, **keys)


def drawn(spec, index):
    return draw_door(spec, np.random.default_rng([9, index]), "train")


@pytest.mark.parametrize(
    ("action", "label"), [("close", "door_close"), ("knock", "door_knock"), ("open", None)]
)
def test_what_is_done_with_a_door_is_its_label(action, label):
    stream = open_door(door(action, start_s=0.25), seed=2, rate_hz=16_000, duration_s=4.0, split="test")
    stream.read(64_000)
    assert [event.label for event in stream.truth] == ([label] if label else [])
    assert all(event.onset_s == 0.25 < event.offset_s < 3.0 for event in stream.truth)


def test_closing_doors_have_the_measured_medians():
    """Measured of 12: 30 dB down after 0.28 s, 55 % of the energy below 200 Hz, centroid 600 Hz."""
    found, centroids = [], []
    for i in range(24):
        audio = pressure(drawn(door("close"), i), RATE_HZ)
        power = np.abs(np.fft.rfft(audio)) ** 2
        centroids.append(np.sum(np.fft.rfftfreq(len(audio), 1 / RATE_HZ) * power) / power.sum())
        found.append(figures(audio))
    median = np.median(found, axis=0)
    assert 40.0 <= median[0] <= 75.0
    assert 0.14 <= median[5] <= 0.42
    assert 300.0 <= np.median(centroids) <= 900.0


def test_faster_is_louder_up_to_a_slam():
    levels = [drawn(door("close", speed_m_s=v), 3).level_db_spl for v in (0.25, 0.7, 2.0)]
    assert levels == sorted(levels)
    assert all(62.0 <= level <= 86.0 for level in levels)


def test_knocks_are_as_many_as_asked_for_and_a_hand_apart():
    for count in (2, 4):
        audio = drawn(door("knock", knocks=count), 1).render()
        frames = np.sqrt(np.square(audio[: len(audio) // 480 * 480].reshape(-1, 480)).mean(axis=1))
        rises = np.flatnonzero((frames[1:] > 0.25 * frames.max()) & (frames[1:] > 2.5 * frames[:-1])) + 1
        starts = np.concatenate(([0], rises[rises > 5]))
        assert len(starts) == count
        assert np.all((np.diff(starts) >= 10) & (np.diff(starts) <= 42))


def test_a_latch_is_brighter_than_its_leaf():
    """The bolt's click comes first, of 1.5 to 7 kHz, the boom of the leaf 5 to 30 ms later."""
    audio = drawn(door("close", speed_m_s=0.7), 5).render()
    power = np.abs(np.fft.rfft(audio[: round(0.005 * RATE_HZ)], 4096)) ** 2
    hz = np.fft.rfftfreq(4096, 1.0 / RATE_HZ)
    assert np.sum(hz * power) / power.sum() > 1500.0
    assert np.argmax(np.abs(audio)) > 0.005 * RATE_HZ
