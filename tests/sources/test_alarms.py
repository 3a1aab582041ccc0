"""Alarms: rhythms against the standards' tables, sound against its pulses, spectra against what was drawn, levels."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.signal import get_window

from lab.acoustics.levels import a_weighting_db, db_spl_from_pa, rms
from lab.sources.alarm_pattern import EUROPEAN, RHYTHMS, T3, T4, cycle, in_tolerance, pulses
from lab.sources.alarms import AlarmSpec, alarm_pulses, open_alarm
from lab.sources.sounder import draw_sounder, tone, weighting_db
from lab.sources.televised import TvAlarmSpec, open_tv_alarm

CORNERS = list(product((0.9, 1.0, 1.1), repeat=3))


def alarm(**keys) -> AlarmSpec:
    return AlarmSpec(kind="alarm", name="alarm", distance_m=3.0, **keys)


def opened(spec: AlarmSpec, seed: int = 1, rate_hz: int = 16_000, duration_s: float = 30.0):
    return open_alarm(spec, seed=seed, rate_hz=rate_hz, duration_s=duration_s, split="train")


def sounding(audio: np.ndarray) -> list[tuple[int, int]]:
    """First and end samples of what is not exactly 0; a zero crossing is no gap."""
    at = np.flatnonzero(audio)
    breaks = np.flatnonzero(np.diff(at) > 8)
    return list(zip(at[np.append(0, breaks + 1)], at[np.append(breaks, len(at) - 1)] + 1, strict=True))


def spectrum_db(audio: np.ndarray, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    power = np.abs(np.fft.rfft(audio * get_window("blackmanharris", len(audio)))) ** 2
    return np.fft.rfftfreq(len(audio), 1 / rate_hz), 10 * np.log10(power / power.max() + 1e-20)


def test_temporal_three_is_the_table_of_iso_8201():
    found = list(pulses(cycle(3, 0.5, 0.5, 1.5), 8.0))
    assert [(p.onset_s, p.duration_s) for p in found] == [(t, 0.5) for t in (0, 1, 2, 4, 5, 6)]


def test_temporal_four_pauses_five_seconds_and_after_four_minutes_sixty():
    found = list(pulses(cycle(4, 0.1, 0.1, 5.0), 600.0, late_pause_s=60.0, late_after_s=240.0))
    ends = np.array([p.offset_s for p in found])
    gaps = np.round(np.array([p.onset_s for p in found][1:]) - ends[:-1], 9)
    pausing = np.flatnonzero(gaps > 1.0)
    assert set(gaps) == {0.1, 5.0, 60.0}
    assert np.array_equal(gaps[pausing], np.where(ends[pausing] >= 240.0, 60.0, 5.0))
    assert np.all(np.diff(pausing) == 4)


def test_one_who_joins_late_hears_the_same_pulses():
    beeps = cycle(4, 0.1, 0.1, 5.0)
    whole = list(pulses(beeps, 500.0, late_pause_s=60.0))
    late = list(pulses(beeps, 200.0, late_pause_s=60.0, joined_s=300.05))
    expected = [p.onset_s - 300.05 for p in whole if 300.05 <= p.onset_s < 500.05]
    assert np.allclose([p.onset_s for p in late], expected, rtol=0.0, atol=1e-9)
    cut = next(pulses(cycle(3, 0.5, 0.5, 1.5), 4.0, joined_s=5.2))
    assert (cut.onset_s, cut.duration_s) == pytest.approx((0.0, 0.3))


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
@pytest.mark.parametrize("corner", CORNERS)
def test_pulses_fall_on_their_samples_at_every_corner_of_tolerance(rate_hz, corner):
    on_s, off_s, pause_s = np.array(corner) * (0.5, 0.5, 1.5)
    spec = alarm(on_s=float(on_s), off_s=float(off_s), pause_s=float(pause_s), start_s=0.7)
    stream = opened(spec, rate_hz=rate_hz, duration_s=12.0)
    heard = np.array(sounding(stream.read(12 * rate_hz)))
    period = 3 * on_s + 2 * off_s + pause_s
    onsets = [0.7 + g * period + k * (on_s + off_s) for g in range(4) for k in range(3)]
    onsets = np.array([t for t in onsets if t < 12.0])
    ends = np.minimum(onsets + on_s, 12.0)
    assert np.abs(heard - np.round(np.stack([onsets, ends], 1) * rate_hz)).max() <= 1
    (event,) = stream.truth
    assert event.label == "smoke_alarm"
    assert (event.onset_s, event.offset_s) == pytest.approx((onsets[0], ends[-1]))


@pytest.mark.parametrize("pattern", sorted(RHYTHMS) + sorted(EUROPEAN))
def test_the_list_of_pulses_is_what_is_played(pattern):
    spec = alarm(pattern=pattern, start_s=0.25, lasts_s=60.0)
    stream = opened(spec, seed=4, duration_s=40.0)
    audio = stream.read(40 * 16_000)
    expected = np.zeros(len(audio), bool)
    listed = alarm_pulses(spec, seed=4, duration_s=40.0)
    for pulse in listed:
        expected[round(pulse.onset_s * 16_000) : round(pulse.offset_s * 16_000)] = True
    assert not audio[~expected].any()
    inside = np.convolve(audio != 0.0, np.ones(9), "same") > 0  # over zero crossings
    assert np.count_nonzero(expected & ~inside) == 0
    assert stream.truth[0].onset_s == listed[0].onset_s
    assert stream.truth[-1].offset_s == pytest.approx(min(40.0, listed[-1].offset_s), abs=1e-9)


@pytest.mark.parametrize("rhythm, pattern", [(T3, "t3"), (T4, "t4")])
def test_what_is_not_given_is_drawn_within_ten_percent(rhythm, pattern):
    drawn = []
    for seed in range(60):
        found = alarm_pulses(alarm(pattern=pattern), seed=seed, duration_s=8.0)
        gaps = [b.onset_s - a.offset_s for a, b in pairwise(found)]
        drawn.append((found[0].duration_s, gaps[0], gaps[rhythm.count - 1]))
        assert in_tolerance(rhythm, *drawn[-1])
    for values, (low, high) in zip(
        np.transpose(drawn), (rhythm.on_s, rhythm.off_s, rhythm.pause_s), strict=True
    ):
        assert values.min() < low + 0.1 * (high - low) and values.max() > high - 0.1 * (high - low)


def test_measured_alarms_out_of_tolerance_are_a_class_of_their_own():
    for on_s, off_s, pause_s in ((0.43, 0.38, 1.22), (0.55, 0.42, 2.17)):
        stream = opened(alarm(pattern="irregular", on_s=on_s, off_s=off_s, pause_s=pause_s))
        stream.read(16_000)
        assert stream.truth[0].label == "legacy_smoke_alarm"
        with pytest.raises(
            ValidationError, match="pattern t3 takes .* out of tolerance is pattern irregular"
        ):
            alarm(on_s=on_s, off_s=off_s, pause_s=pause_s)
    with pytest.raises(ValidationError, match="all in tolerance, which is pattern t3"):
        alarm(pattern="irregular", on_s=0.5, off_s=0.5, pause_s=1.5)
    for seed in range(40):
        found = alarm_pulses(alarm(pattern="irregular"), seed=seed, duration_s=8.0)
        gaps = [b.onset_s - a.offset_s for a, b in pairwise(found)]
        assert not in_tolerance(T3, found[0].duration_s, gaps[0], gaps[2])


def test_a_low_battery_chirps_every_30_to_60_seconds_each_an_event():
    for seed in range(5):
        stream = opened(alarm(pattern="low_battery", lasts_s=600.0), seed=seed, duration_s=300.0)
        for _ in stream.chunks(160_000):
            pass
        onsets = np.diff([event.onset_s for event in stream.truth])
        assert len(onsets) >= 4 and onsets.min() >= 30.0 and onsets.max() <= 60.5
        assert {event.label for event in stream.truth} == {"appliance_beep"}


def test_a_given_interval_changes_no_other_draw():
    free, given = opened(alarm(), seed=9), opened(alarm(on_s=0.5, drift=0.0, carrier_hz=None), seed=9)
    assert free.measured == given.measured and free.cluster != given.cluster
    assert free.cluster == opened(alarm(), seed=9, rate_hz=48_000).cluster
    assert free.cluster != opened(alarm(), seed=10).cluster


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
@pytest.mark.parametrize("kind, hz", [("square", 523.7), ("piezo", 3701.3), ("piezo", 2511.1)])
def test_nothing_folds_back(rate_hz, kind, hz):
    """What is no harmonic lies 90 dB below the fundamental or lower; a sampled square wave of 520 Hz has -30 dB there."""
    audio = tone(
        draw_sounder(np.random.default_rng(2), kind, hz), hz, hz, rate_hz, rate_hz, edges=(False, False)
    )[0]
    at_hz, db = spectrum_db(audio, rate_hz)
    away = np.abs(at_hz / hz - np.round(at_hz / hz)) * hz > 8.0
    assert db[away & (at_hz > 20.0)].max() < -90.0


def test_a_square_wave_has_odd_harmonics_and_a_piezo_those_of_real_ones():
    square = np.array(draw_sounder(np.random.default_rng(1), "square", 520.0).lines)
    k = np.arange(1, len(square) + 1)
    assert not square[k % 2 == 0].any() and k[-1] * 520.0 <= 24_000.0
    odd = 20 * np.log10(square[::2] / square[0] * k[::2])
    assert np.abs(odd).max() <= 3.0 and odd.std() > 0.5
    drawn = np.array([draw_sounder(np.random.default_rng(s), "piezo", 3083.0).lines[:3] for s in range(200)])
    db = 20 * np.log10(drawn[:, 1:] / drawn[:, :1])
    # A measured smoke alarm has -25 and -36 dB, a reversing beeper -29 and -49 dB: inside, and not at the rim.
    assert np.all(np.quantile(db, 0.1, axis=0) < [-29.0, -45.0]) and np.all(
        np.quantile(db, 0.9, axis=0) > [-25.0, -36.0]
    )


@pytest.mark.parametrize("keys", [{}, {"sounder": "square"}, {"carrier_hz": 3700.0}])
def test_it_is_85_to_90_dba_at_three_metres(keys):
    levels = []
    for seed in range(12):
        stream = opened(alarm(on_s=0.5, off_s=0.5, **keys), seed=seed, rate_hz=48_000, duration_s=1.0)
        pulse = stream.read(48_000)[2400:21_600]
        assert db_spl_from_pa(rms(pulse)) == pytest.approx(stream.measured["alarm_level_db_spl"], abs=0.05)
        spectrum = np.abs(np.fft.rfft(pulse)) ** 2
        weight = 10 ** (a_weighting_db(np.maximum(np.fft.rfftfreq(len(pulse), 1 / 48_000), 1.0)) / 10)
        dba = db_spl_from_pa(rms(pulse)) + 10 * np.log10(np.sum(spectrum * weight) / np.sum(spectrum))
        levels.append(dba - 20 * np.log10(3.048))
    assert 84.9 < min(levels) < 86.5 and 88.5 < max(levels) < 90.1


def test_a_plain_tone_is_the_same_at_both_rates():
    """Residual below -200 dB where both have samples."""
    sounder = draw_sounder(np.random.default_rng(0), "sine", 3100.0)
    slow = tone(sounder, 3100.0, 3100.0, 1600, 16_000, edges=(False, False))[0]
    fast = tone(sounder, 3100.0, 3100.0, 4800, 48_000, edges=(False, False))[0]
    assert 20 * np.log10(rms(fast[::3] - slow) / rms(slow)) < -200.0
    assert weighting_db(sounder, 3100.0) == pytest.approx(float(a_weighting_db(3100.0)), abs=1e-9)


def test_the_carrier_drifts_within_what_is_given():
    spec = alarm(sounder="sine", carrier_hz=3000.0, drift=0.01, lasts_s=600.0)
    audio, carriers = opened(spec, duration_s=600.0).read(600 * 16_000), []
    for pulse in alarm_pulses(spec, seed=1, duration_s=600.0)[:-1:9]:
        piece = audio[round((pulse.onset_s + 0.1) * 16_000) :][:4096]
        at_hz, db = spectrum_db(np.pad(piece * np.hanning(4096), (0, 61_440)), 16_000)
        carriers.append(at_hz[np.argmax(db)])
    off = np.array(carriers) / 3000.0 - 1.0
    assert np.abs(off).max() < 0.01 + 4 * 0.0006 + 1e-4
    assert off.max() > 0.007 and off.min() < -0.007


@pytest.mark.parametrize("pattern", sorted(EUROPEAN))
def test_european_tones_have_the_pitch_of_their_table(pattern):
    audio = opened(alarm(pattern=pattern, drift=0.0, sounder="sine"), duration_s=5.0).read(80_000)
    reached = 0.0
    for beep in EUROPEAN[pattern]:
        for at_s, hz in ((0.03, beep.from_hz), (beep.on_s - 0.03, beep.to_hz)):
            first = round((reached + at_s - 0.02) * 16_000)
            crossings = np.flatnonzero(np.diff(np.signbit(audio[first : first + 640])))
            found = 8000.0 * (len(crossings) - 1) / (crossings[-1] - crossings[0])
            assert found == pytest.approx(hz, rel=0.05)
        reached += beep.on_s + beep.off_s


def test_a_continuous_tone_has_no_seams():
    """x[n+1] + x[n-1] = 2 cos(w) x[n] holds throughout for one sine and breaks at a seam; residual below -120 dB."""
    spec = alarm(pattern="bs5839_evacuate", drift=0.0, sounder="sine")
    audio = opened(spec, seed=3, duration_s=6.0).read(96_000).astype(np.float64)[8000:88_000]
    around, middle = audio[2:] + audio[:-2], audio[1:-1]
    residual = around - middle * (around @ middle) / (middle @ middle)
    assert 20 * np.log10(np.abs(residual).max() / np.abs(audio).max()) < -120.0


def test_an_alarm_joined_in_a_long_pause_and_left_before_its_end_is_silence():
    spec = AlarmSpec(
        kind="alarm",
        name="co",
        rule="table",
        pattern="t4",
        sounding_for_s=250.0,
        lasts_s=6.0,
        late_pause_s=60.0,
    )
    stream = open_alarm(spec, seed=1, rate_hz=16_000, duration_s=10.0, split="train")
    assert not stream.read(160_000).any()
    assert stream.truth == ()
    assert stream.measured["co_carrier_hz"] > 0.0


def test_an_alarm_never_sounds_over_itself():
    spec = alarm(lasts_s=20.0, schedule={"poisson_per_h": 600.0})
    stream = opened(spec, seed=2, rate_hz=8000, duration_s=600.0)
    for _ in stream.chunks(80_000):
        pass
    gaps = [after.onset_s - before.offset_s for before, after in pairwise(stream.truth)]
    assert len(gaps) > 15 and min(gaps) >= 3.0 and all(gap <= 60.0 for gap in gaps)
    listed = alarm_pulses(spec, seed=2, duration_s=600.0)
    assert [e.onset_s for e in stream.truth] == [
        b.onset_s for a, b in pairwise([listed[0], *listed]) if b is listed[0] or b.onset_s - a.offset_s > 2.0
    ]


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"pattern": "din33404", "on_s": 0.5}, "on_s: pattern din33404 has none to set"),
        ({"pattern": "nen2575", "carrier_hz": 970.0}, "carrier_hz: pattern nen2575 has its own"),
        ({"pattern": "endless", "off_s": 0.1}, "off_s: pattern endless has none to set"),
        ({"pattern": "t4", "pause_s": 5.6}, "pattern t4 takes 4.5 to 5.5 s"),
    ],
)
def test_a_key_that_does_not_go_with_its_pattern_is_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        alarm(**keys)


def test_a_televised_alarm_is_the_pattern_in_a_cut_band_under_a_programme():
    keys = {"alarm_to_programme_db": 6.0, "low_hz": 250.0, "high_hz": 5000.0, "level_db_spl": 65.0}
    spec = TvAlarmSpec(kind="tv_alarm", name="tv", rule="wall", start_s=2.0, lead_s=4.0, alarm_s=12.0, **keys)
    stream = open_tv_alarm(spec, seed=3, rate_hz=48_000, duration_s=30.0, split="train")
    audio = stream.read(30 * 48_000)
    (event,) = stream.truth
    assert event.label == "tv_smoke_alarm" and event.onset_s == pytest.approx(6.0)
    assert 16.0 < event.offset_s <= 18.6
    assert not audio[: 2 * 48_000].any() and audio[2 * 48_000 : 6 * 48_000].any()
    at_hz = np.fft.rfftfreq(len(audio), 1 / 48_000)
    power = np.abs(np.fft.rfft(audio)) ** 2
    inside = power[(at_hz > 250) & (at_hz < 5000)].sum()
    assert 10 * np.log10(power[at_hz > 10_000].sum() / inside) < -30.0
    assert 10 * np.log10(power[at_hz < 60].sum() / inside) < -30.0
    before = audio[2 * 48_000 : 6 * 48_000]
    assert db_spl_from_pa(rms(before)) == pytest.approx(65.0, abs=5.0)  # speech, with its pauses


def test_an_alarm_behind_a_closed_door_loses_what_the_door_takes():
    heard = [
        open_alarm(
            AlarmSpec(kind="alarm", name="a", rule="wall", carrier_hz=3000.0, drift=0.0, through=way),
            seed=4, rate_hz=16_000, duration_s=8.0, split="test",
        ).read(8 * 16_000)
        for way in ("air", "closed_door")
    ]  # fmt: skip
    loss_db = 10.0 * np.log10(np.mean(heard[0] ** 2) / np.mean(heard[1] ** 2))
    assert loss_db == pytest.approx(
        23.75, abs=0.5
    )  # straight over log frequency between 22 dB at 2 kHz and 25 dB at 4 kHz
