"""What beeps and is no alarm: in the ranges of its table, and never in the rhythm of smoke or CO alarms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lab.acoustics.levels import db_spl_from_pa, rms
from lab.sources.alarm_pattern import RHYTHMS, Pulse, in_tolerance
from lab.sources.appliances import (
    FOUR_FEET_DB,
    J994_DBA_AT_4FT,
    MODELS,
    ApplianceSpec,
    appliance_pulses,
    draw_appliance,
    open_appliance,
)
from lab.sources.beep_music import BeepMusicSpec, beeping_piece, open_beep_music
from lab.sources.birdsong import BirdsongSpec, open_birdsong
from lab.sources.loudness import active_rms
from lab.sources.musiclike import compose
from lab.sources.notifications import NotificationSpec, notification_pulses
from lab.sources.sounder import weighting_db


def appliance(which: str, **keys) -> ApplianceSpec:
    return ApplianceSpec(kind="appliance", name="thing", rule="table", appliance=which, **keys)


def keeps(pattern: str, pulses: tuple[Pulse, ...]) -> bool:
    """Whether a cycle of the pattern, from its first pulse to the one after the pause, is somewhere in the list."""
    rhythm = RHYTHMS[pattern]
    gaps = [b.onset_s - a.offset_s for a, b in pairwise(pulses)]
    for i in range(len(gaps) - rhythm.count + 1):
        within = gaps[i : i + rhythm.count - 1]
        lengths = [p.duration_s for p in pulses[i : i + rhythm.count]]
        pause_s = gaps[i + rhythm.count - 1]
        if all(in_tolerance(rhythm, on, off, pause_s) for on in lengths for off in within):
            return True
    return False


def test_a_cycle_of_temporal_three_would_be_found():
    beeps = appliance("oven", on_s=0.5, off_s=0.5, pause_s=1.5, count=3, lasts_s=20.0)
    assert keeps("t3", appliance_pulses(beeps, seed=1, duration_s=30.0))


@pytest.mark.parametrize("which", sorted(MODELS))
def test_no_appliance_keeps_the_rhythm_of_an_alarm(which):
    for seed in range(150):
        pulses = appliance_pulses(appliance(which), seed=seed, duration_s=40.0)
        assert not keeps("t3", pulses) and not keeps("t4", pulses)


@pytest.mark.parametrize("tone", ["notification", "ringtone", "phone_bell", "doorbell"])
def test_no_telephone_keeps_the_rhythm_of_an_alarm(tone):
    spec = NotificationSpec(kind="notification", name="phone", rule="table", tone=tone)
    for seed in range(150):
        pulses = notification_pulses(spec, seed=seed, duration_s=40.0)
        assert not keeps("t3", pulses) and not keeps("t4", pulses)


@pytest.mark.parametrize("which", sorted(MODELS))
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_it_sounds_where_its_pulses_are_at_the_level_told(which, rate_hz):
    spec = appliance(which, start_s=0.5)
    stream = open_appliance(spec, seed=6, rate_hz=rate_hz, duration_s=10.0, split="train")
    audio = stream.read(10 * rate_hz)
    pulses = appliance_pulses(spec, seed=6, duration_s=10.0)
    told = np.zeros(len(audio), bool)
    for pulse in pulses:
        told[round(pulse.onset_s * rate_hz) : round(pulse.offset_s * rate_hz)] = True
    assert not audio[~told].any()
    first = pulses[0]
    steady = audio[round((first.onset_s + 0.01) * rate_hz) : round((first.offset_s - 0.01) * rate_hz)]
    lost_db = 0.05 if rate_hz == 48_000 else 0.8  # harmonics above 8 kHz
    assert -lost_db < db_spl_from_pa(rms(steady)) - stream.measured["thing_level_db_spl"] < 0.1
    (event,) = stream.truth
    assert (event.label, event.onset_s) == ("appliance_beep", first.onset_s)
    assert event.offset_s == pytest.approx(min(10.0, pulses[-1].offset_s), abs=1e-9)


def test_a_reversing_beeper_is_on_as_long_as_off_once_or_twice_a_second_at_a_level_of_j994():
    levels = set()
    for seed in range(60):
        beeper = draw_appliance(appliance("reversing_beeper"), np.random.default_rng(seed))
        pulses = list(beeper.rhythm(20.0))
        assert np.allclose([p.duration_s for p in pulses[:5]], 0.5 * (pulses[1].onset_s - pulses[0].onset_s))
        assert 1.0 <= 1.0 / (pulses[1].onset_s - pulses[0].onset_s) <= 2.0
        assert 700.0 <= beeper.carrier_hz <= 2800.0
        levels.add(
            round(beeper.level_db_spl + weighting_db(beeper.sounder, beeper.carrier_hz) - FOUR_FEET_DB, 6)
        )
    assert levels == set(J994_DBA_AT_4FT)


def test_one_that_beeps_every_second_is_temporal_three_without_its_pause():
    spec = appliance("reversing_beeper", on_s=0.5, lasts_s=30.0)
    pulses = appliance_pulses(spec, seed=2, duration_s=30.0)
    assert np.allclose([p.onset_s for p in pulses], np.arange(30)) and not keeps("t3", pulses)


def test_a_coffee_maker_beeps_about_as_the_one_reported():
    """2.5 kHz, 4 beeps of 0.35 s, 0.23 s apart."""
    drawn = [appliance_pulses(appliance("coffee_maker"), seed=s, duration_s=10.0) for s in range(80)]
    assert np.median([len(p) for p in drawn]) == 4
    assert np.median([p[0].duration_s for p in drawn]) == pytest.approx(0.35, abs=0.01)
    assert np.median([p[1].onset_s - p[0].offset_s for p in drawn]) == pytest.approx(0.23, abs=0.01)


def test_the_notes_of_a_washer_rise_within_800_to_1400_hz():
    for seed in range(40):
        hz = [p.from_hz for p in appliance_pulses(appliance("washer"), seed=seed, duration_s=20.0)[:3]]
        assert 800.0 <= hz[0] < hz[1] < hz[2] <= 1400.0


def test_birds_sing_between_2_and_7_khz_and_are_no_event():
    for seed in range(3):
        spec = BirdsongSpec(kind="birdsong", name="bird", rule="wall")
        stream = open_birdsong(spec, seed=seed, rate_hz=16_000, duration_s=30.0, split="train")
        audio = stream.read(480_000)
        power = np.abs(np.fft.rfft(audio)) ** 2
        hz = np.fft.rfftfreq(len(audio), 1 / 16_000)
        assert power[(hz > 1900) & (hz < 7200)].sum() > 0.99 * power.sum() > 0.0
        assert stream.truth == ()


def test_music_with_beeps_beeps_on_its_beat():
    """What lies at the pitch of the beeps comes and goes once or twice a beat, and at no other rate."""
    for seed in (1, 4):
        rng = np.random.default_rng(seed)
        beat_s = compose(rng).beat_s
        rng.uniform(0.0, 4.0 * beat_s)
        hz = rng.uniform(1000.0, 4000.0)
        audio = beeping_piece(seed, 16_000, 20.0, 4.0)
        assert active_rms(audio, 16_000) == pytest.approx(1.0, rel=1e-3)
        mixed = audio * np.exp(-2j * np.pi * hz / 16_000 * np.arange(len(audio)))
        swell = np.abs(np.convolve(mixed, np.ones(320), "same"))[::160]  # every 10 ms
        swell -= swell.mean()

        def share(per_beat: float, swell=swell, beat_s=beat_s) -> float:
            return abs(np.sum(swell * np.exp(-2j * np.pi * per_beat * 0.01 * np.arange(len(swell)) / beat_s)))

        assert max(share(1.0), share(2.0)) > 2.0 * max(share(other) for other in (0.7, 1.37, 1.71, 2.6))


def test_music_with_beeps_goes_on_past_one_piece_and_is_no_event():
    spec = BeepMusicSpec(kind="beep_music", name="game", rule="shelf", lasts_s=40.0, level_db_spl=70.0)
    stream = open_beep_music(spec, seed=2, rate_hz=16_000, duration_s=50.0, split="train")
    audio = stream.read(50 * 16_000)
    assert stream.truth == () and not audio[40 * 16_000 :].any()
    for piece in (audio[: 30 * 16_000], audio[30 * 16_000 : 40 * 16_000]):
        assert db_spl_from_pa(active_rms(piece, 16_000)) == pytest.approx(70.0, abs=0.05)
