"""Telephones, computers, doorbells: how long, how high, in which cadence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lab.sources.notifications import NotificationSpec, notification_pulses, open_notification

TONES = ["notification", "ringtone", "phone_bell", "doorbell"]


def phone(tone: str, **keys) -> NotificationSpec:
    return NotificationSpec(kind="notification", name="phone", rule="table", tone=tone, **keys)


@pytest.mark.parametrize("tone", TONES)
def test_the_list_of_notes_is_what_is_played(tone):
    spec = phone(tone, start_s=0.5)
    stream = open_notification(spec, seed=7, rate_hz=16_000, duration_s=20.0, split="train")
    audio = stream.read(20 * 16_000)
    told = np.zeros(len(audio), bool)
    notes = notification_pulses(spec, seed=7, duration_s=20.0)
    for note in notes:
        first = round(note.onset_s * 16_000)
        told[first : round(note.offset_s * 16_000)] = True
        heard = audio[first : first + 200]
        assert not len(heard) or np.abs(heard).max() > 0.2 * np.abs(audio).max()
    assert not audio[~told].any()
    (event,) = stream.truth
    assert (event.label, event.onset_s) == ("appliance_beep", notes[0].onset_s)
    assert event.offset_s == pytest.approx(min(20.0, notes[-1].offset_s), abs=1e-9)


def test_figures_last_as_long_as_recorded_ones():
    """36 recordings: 0.15 to 11 s, quartiles 0.51, 1.27, 2.39 s."""
    spec = phone("notification")
    lengths = [notification_pulses(spec, seed=s, duration_s=30.0)[-1].offset_s for s in range(400)]
    low, middle, high = np.quantile(lengths, [0.25, 0.5, 0.75])
    assert 0.1 < min(lengths) and max(lengths) < 11.0
    assert 0.5 < low < 1.0 and middle == pytest.approx(1.27, abs=0.2) and 1.7 < high < 2.7


def test_pitches_stay_between_400_and_3500_hz():
    hz = [
        note.from_hz
        for tone in ("notification", "ringtone")
        for seed in range(100)
        for note in notification_pulses(phone(tone), seed=seed, duration_s=5.0)
    ]
    assert min(hz) >= 400.0 and max(hz) <= 3500.0 and max(hz) > 2500.0


def test_a_telephone_rings_two_seconds_in_six_or_twice_in_three():
    cadences = set()
    for seed in range(30):
        notes = notification_pulses(phone("phone_bell", lasts_s=40.0), seed=seed, duration_s=60.0)
        gaps = np.array([b.onset_s - a.offset_s for a, b in itertools.pairwise(notes)])
        rings = np.flatnonzero(gaps > 0.1)
        lengths = [notes[b].offset_s - notes[a + 1].onset_s for a, b in itertools.pairwise(rings)]
        cadences.add((tuple(sorted(set(np.round(gaps[rings], 6)))), round(float(np.mean(lengths)), 1)))
    assert cadences == {((4.0,), 2.0), ((0.2, 2.0), 0.4)}


def test_the_way_it_is_read_changes_no_bit():
    spec = phone("ringtone", start_s=0.1)
    whole = open_notification(spec, seed=3, rate_hz=16_000, duration_s=8.0, split="train").read(128_000)
    stream = open_notification(spec, seed=3, rate_hz=16_000, duration_s=8.0, split="train")
    assert np.array_equal(np.concatenate(list(stream.chunks(777))), whole)
