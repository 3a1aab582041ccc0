"""The device stage: scores of several events at once, however the stream is cut, and what a user chooses."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.interface import AUDIBLE, Block, StreamFormat
from detectors.sound_events.settings import ALARMS, EVENTS, SoundEventSettings
from tests.detectors.sound_events.hearing import RATE, alarms_s, detector, glass, knock, listen, room, smoke


def evening(rate_hz: int = RATE) -> np.ndarray:
    """Smoke from 6 s on; glass breaks at 5 s and, while the alarm sounds, at 20.9 s; somebody knocks at 12.8 s."""
    audio = room(26.0, rate_hz)
    smoke(audio, 6.0, 26.0, rate_hz)
    glass(audio, 5.0, rate_hz)
    glass(audio, 20.9, rate_hz)
    knock(audio, 12.8, rate_hz)
    return audio


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_events_are_heard_each_by_its_own_label_and_at_once_when_they_coincide(rate_hz: int):
    tracks = listen(detector(), evening(rate_hz), rate_hz)
    heard = {label: alarms_s(tracks["device", label]) for label in EVENTS}
    for at, onset in zip(heard["glass_break"], (5.0, 20.9), strict=True):
        assert onset < at <= onset + 0.4
    assert len(heard["door_knock"]) == 1 and 12.8 < heard["door_knock"][0] <= 13.2
    assert len(heard["smoke_alarm"]) == 1 and 6.0 + 7.0 < heard["smoke_alarm"][0] <= 6.0 + 12.0
    assert heard["co_alarm"] == heard["legacy_smoke_alarm"] == heard["door_close"] == []


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_the_way_a_stream_is_cut_changes_no_bit(rate_hz: int):
    audio = evening(rate_hz)
    audio[9 * rate_hz : 9 * rate_hz + 100] = np.nan
    whole = listen(detector(), audio, rate_hz, len(audio))
    for block in (777, 5_000, 160_001):
        for key, track in listen(detector(), audio, rate_hz, block).items():
            np.testing.assert_array_equal(track.scores, whole[key].scores)


def test_a_second_session_remembers_nothing_of_the_first():
    once = detector()
    first = listen(once, evening())
    for key, track in listen(once, evening()).items():
        np.testing.assert_array_equal(track.scores, first[key].scores)


def test_scores_are_known_each_hop_and_say_how_far_they_look_back():
    tracks = listen(detector(SoundEventSettings(window_s=12.0)), room(2.05))
    for track in tracks.values():
        assert (track.start_s, track.hop_s, track.scores.shape, track.scores.dtype) == (
            0.1,
            0.1,
            (20,),
            np.float32,
        )
        assert np.all((track.scores >= 0.0) & (track.scores <= 1.0))
    assert tracks["device", "co_alarm"].span_s == 12.0
    assert tracks["device", "glass_break"].span_s == 1.0


def test_only_chosen_events_are_scored():
    chosen = detector(SoundEventSettings(events=("door_knock", "smoke_alarm")))
    assert chosen.labels == ("door_knock", "smoke_alarm")
    assert set(listen(chosen, evening())) == {("device", "door_knock"), ("device", "smoke_alarm")}


def test_at_home_only_alarms_are_notified_until_everybody_has_left():
    home = detector(SoundEventSettings(away=False))
    tracks = listen(home, evening())
    for label in EVENTS:
        told = np.isfinite(tracks["device", label].scores)
        assert told.all() if label in ALARMS else not told.any()


def test_leaving_in_the_middle_of_a_session_counts_from_then_on():
    mine, audio = detector(SoundEventSettings(away=False)), evening()
    mine.open({AUDIBLE: StreamFormat(RATE, 1)})
    for second in range(26):
        mine.away = second >= 15
        part = audio[None, second * RATE : (second + 1) * RATE].astype(np.float32)
        mine.feed(Block(second * RATE, RATE, RATE, {AUDIBLE: part}))
    track = next(track for track in mine.tracks() if track.label == "glass_break")
    assert np.isnan(track.scores[:150]).all() and np.isfinite(track.scores[150:]).all()
    assert len(alarms_s(track)) == 1


def test_sensitivity_of_one_event_moves_its_score_and_no_other():
    plain = listen(detector(), evening())
    keen = listen(detector(SoundEventSettings(sensitivities={"glass_break": 0.9})), evening())
    assert np.all(keen["device", "glass_break"].scores > plain["device", "glass_break"].scores)
    for label in set(EVENTS) - {"glass_break"}:
        np.testing.assert_array_equal(keen["device", label].scores, plain["device", label].scores)


def test_what_is_faint_is_heard_by_a_keen_device_only():
    audio = room(8.0)
    glass(audio, 5.0, rms=0.0055)
    heard = [
        len(alarms_s(listen(detector(SoundEventSettings(sensitivity=one)), audio)["device", "glass_break"]))
        for one in (0.0, 1.0)
    ]
    assert heard == [0, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_hops_without_sound_have_no_score_and_an_alarm_goes_on_after_them(bad: float):
    audio = room(26.0)
    smoke(audio, 2.0, 26.0)
    audio[round(7.8 * RATE) : round(8.3 * RATE)] = bad
    tracks = listen(detector(), audio)
    for track in tracks.values():
        assert list(np.flatnonzero(np.isnan(track.scores))) == [78, 79, 80, 81, 82]
    assert 2.0 < alarms_s(tracks["device", "smoke_alarm"])[0] <= 2.0 + 16.0


def test_a_few_bad_samples_change_nothing_that_matters():
    audio = evening()
    audio[::997] = np.nan
    audio[::1_009] = np.inf
    tracks = listen(detector(), audio)
    assert not any(np.isnan(track.scores).any() for track in tracks.values())
    assert len(alarms_s(tracks["device", "smoke_alarm"])) == 1


def test_an_alarm_that_drives_the_microphone_into_clipping_is_heard():
    audio = room(20.0)
    smoke(audio, 2.0, 20.0)
    tracks = listen(detector(), audio * 300.0)  # 19 dB beyond full scale
    assert 2.0 < alarms_s(tracks["device", "smoke_alarm"])[0] <= 14.0


@pytest.mark.parametrize("silence", [0.0, 3e-4])
def test_minutes_of_silence_raise_nothing_and_cost_nothing_afterwards(silence: float):
    quiet = silence * np.random.default_rng(2).standard_normal(120 * RATE)
    tracks = listen(detector(), np.concatenate([quiet, room(8.0), evening()]))
    before = slice(0, 1_200)
    for track in tracks.values():
        assert not np.any(track.scores[before] >= 0.5)
    broken = [round(at - 128.0, 1) for at in alarms_s(tracks["device", "glass_break"]) if at > 132.0]
    assert len(broken) == 2 and 5.0 < broken[0] <= 5.4
    assert len(alarms_s(tracks["device", "smoke_alarm"])) == 1


def test_an_event_without_a_head_is_refused():
    with pytest.raises(
        DetectorError, match="settings.events: appliance_beep has no head; there are heads of glass"
    ):
        detector(SoundEventSettings(events=("smoke_alarm", "appliance_beep")))


def test_a_stream_at_another_rate_is_refused():
    with pytest.raises(DetectorError, match=r"sound_events: needs audible at \(16000, 48000\)"):
        detector().open({AUDIBLE: StreamFormat(44_100, 1)})
