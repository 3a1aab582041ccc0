"""The whole detector on synthetic envelopes: scores, cuts, emission, rests, calibrations that are repeated."""

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.interface import BASEBAND, PLAYBACK, SILENT, ULTRASONIC, Block, Emission, StreamFormat
from detectors.presence import recalibration
from detectors.presence.calibration import CalibrationSettings
from detectors.presence.context import ContextSettings, Occupancy
from detectors.presence.detector import Phase
from detectors.presence.power import PowerSettings
from tests.detectors.presence.synthetic import (
    CARRIER_HZ,
    HOP,
    RATE,
    BandClassifier,
    detector,
    envelope,
    listen,
    seconds,
)

WALK, REACH = (8.0, 11.0, 250.0, -60.0), (14.0, 15.0, 40.0, -60.0)


def test_a_walk_is_major_and_a_reach_minor():
    scores = listen(detector(), envelope(18.0, [WALK, REACH]))
    when = seconds(scores["presence"])
    on = {label: when[track >= 0.5] for label, track in scores.items()}
    assert 8.0 < on["major_motion"][0] <= 8.6
    assert on["major_motion"][-1] < 12.0
    assert 14.0 < on["minor_motion"][0] <= 15.0
    came = on["presence"][0]
    assert 0.3 < came - on["major_motion"][0] < 1.5
    assert set(on["major_motion"][on["major_motion"] >= came]) <= set(on["presence"])
    assert len(on["vacancy"]) == 0


def test_no_score_while_calibrating_and_settling_and_one_in_every_hop_after():
    one = detector()
    presence = listen(one, envelope(10.0))["presence"]
    begin = one.calibrations[0].took_s + 3.3
    assert np.isnan(presence[seconds(presence) < begin - 0.2]).all()
    assert np.isfinite(presence[seconds(presence) > begin]).all()
    assert begin < 10.0


@pytest.mark.parametrize(
    ("gap_s", "kept"), [(0.0, True), (0.05, True), (1.8, True), (2.2, False), (6.0, False)]
)
def test_the_network_listens_while_filters_settle_and_remembers_over_a_short_gap(gap_s, kept):
    heard = []

    class Counting(BandClassifier):
        def step(self, features, state):
            heard.append(state)
            return super().step(features, state)

    samples = envelope(20.0)
    samples[:, 10 * RATE : round((10.0 + gap_s) * RATE)] = np.nan
    presence = listen(detector(classifier=Counting), samples)["presence"]
    without_score = len(heard) - np.isfinite(presence).sum()
    starts = heard.count(0)
    assert starts == (1 if kept else 2)
    assert 2.9 / 0.05 <= without_score / starts <= 3.0 / 0.05


@pytest.mark.parametrize("playback", [False, True])
def test_cutting_the_stream_changes_no_bit(playback):
    streams = (BASEBAND, PLAYBACK) if playback else (BASEBAND,)
    samples = envelope(12.0, [WALK])
    played = 0.1 * np.sin(np.arange(48_000 * 4) * 0.03).astype(np.float32)
    played[:100_000] = 0.0
    whole = listen(detector(streams), samples, playback=played)
    pieces = listen(detector(streams), samples, cuts=37, playback=played)
    assert all(np.array_equal(whole[label], pieces[label], equal_nan=True) for label in whole)


def test_cutting_the_stream_changes_no_bit_where_the_tone_rests_or_the_carrier_changes():
    """A carrier of three times the level brings a calibration, the walks rests."""
    samples = envelope(175.0, [WALK, (60.0, 63.0, 250.0, -60.0)])
    samples[:, 100 * RATE :] *= 3.0
    found = []
    for cuts in (None, 997, 1):
        one = detector(power=PowerSettings(off_s=20.0))
        found.append(listen(one, samples, cuts=cuts))
        assert len(one.calibrations) == 2 and one.duty < 0.9
    assert all(np.array_equal(found[0][k], other[k], equal_nan=True) for other in found[1:] for k in other)


def emitted(one, seconds_on, echo=lambda t: None):
    """A loop in which the emission is obeyed a block later: its level scales the carrier. Returns (time, emission)."""
    one.open({BASEBAND: StreamFormat(RATE, 2, CARRIER_HZ)})
    rng, emission, wanted = np.random.default_rng(1), SILENT, []
    for index in range(round(seconds_on * RATE / HOP)):
        time = index * HOP / RATE + np.arange(HOP) / RATE
        level = 10 ** ((emission.level_db_spl + 22.0 - 130.0) / 20) if emission.carriers_hz else 0.0
        shift = echo(time[0])
        moving = 0.0 if shift is None else 10 ** (-50 / 20) * np.exp(2j * np.pi * shift * time)
        noise = 1e-5 * (rng.standard_normal((2, HOP)) + 1j * rng.standard_normal((2, HOP)))
        samples = (level * np.array([[1.0], [1j]]) * (1.0 + moving) + noise).astype(np.complex64)
        emission = one.feed(Block(index * HOP, HOP, RATE, {BASEBAND: samples}))
        wanted.append(((index + 1) * HOP / RATE, emission))
    return wanted


def test_emits_silence_then_the_probe_then_the_level_found():
    one = detector(calibration=CalibrationSettings())
    levels = [emission.level_db_spl for _, emission in emitted(one, 5.0)]
    assert list(dict.fromkeys(levels)) == [0.0, 65.0, one.calibrations[0].emission.level_db_spl]
    assert one.phase is Phase.SENSING


def test_rests_when_sure_has_no_score_meanwhile_and_hears_again():
    settings = {
        "power": PowerSettings(off_s=10.0, sure_s=0.5),
        "context": ContextSettings(vacancy_s=60.0, confirm_s=5.0),
    }
    one = detector(**settings)
    moving = lambda t: 200.0 + 40.0 * np.sin(7.0 * t) if 6.0 < t < 9.0 or 25.0 < t < 27.0 else None
    wanted = emitted(one, 30.0, moving)
    off = [time for time, emission in wanted if emission == SILENT and time > 2.0]
    assert 6.5 < off[0] < 8.5
    first_rest = [time for time in off if time < off[0] + 15.0]
    assert len(first_rest) == pytest.approx(10.0 * RATE / HOP, abs=2)
    scores = {track.label: track.scores for track in one.tracks()}["major_motion"]
    when = seconds(scores)
    assert np.isnan(scores[(when > off[0] + 0.1) & (when < off[0] + 10.0)]).all()
    assert not np.any(scores[(when > off[0] + 10.0) & (when < 25.0)] >= 0.5)
    assert np.any(scores[(when > 25.0) & (when < 27.5)] >= 0.5)
    assert one.occupancy is Occupancy.OCCUPIED
    assert 0.3 < one.duty < 0.9


def test_calibrates_again_when_the_carrier_has_changed_for_good():
    samples = envelope(220.0, channels=1)
    samples[:, 130 * RATE :] *= 0.3
    one = detector()
    listen(one, samples)
    assert len(one.calibrations) == 2
    assert one.phase is Phase.SENSING


@pytest.mark.parametrize("cuts", [None, 997, 1])
def test_a_calibration_is_good_for_a_day_and_waits_until_nobody_is_there(monkeypatch, cuts):
    """Of a day of 50 s: the second is due at 51 s, and at 61 and 71 s while somebody is held to be there."""
    monkeypatch.setattr(recalibration, "DAY_S", 50.0)
    monkeypatch.setattr(recalibration, "LATER_S", 10.0)
    context = ContextSettings(vacancy_s=20.0, confirm_s=5.0)
    one = detector(context=context, power=PowerSettings(off_s=0.0))
    presence = listen(one, envelope(140.0, [(49.0, 52.0, 250.0, -50.0)]), cuts=cuts)["presence"]
    assert len(one.calibrations) == 3
    again = np.flatnonzero(np.diff(np.isnan(presence).astype(int)) == 1) * 0.05
    took_s = one.calibrations[0].took_s
    assert again == pytest.approx([took_s + 50.0 + 3 * 10.0, 2 * took_s + 130.0], abs=0.2)


def test_a_walk_by_is_no_reason_to_calibrate():
    one = detector()
    listen(one, envelope(200.0, [(130.0, 190.0, 250.0, -30.0)], channels=1))
    assert len(one.calibrations) == 1


def test_a_loudspeaker_that_falls_silent_is_no_presence_and_is_found():
    samples = envelope(180.0, channels=1)
    carrier = samples[:, 130 * RATE :]
    carrier -= 0.1 * np.exp(1j * np.angle(carrier)).astype(np.complex64)
    one = detector()
    presence = listen(one, samples)["presence"]
    assert not np.any(presence >= 0.5)
    assert one.calibrations[-1].blocked


def test_streams_it_cannot_use_are_refused():
    with pytest.raises(DetectorError, match="streams: one of baseband, ultrasonic"):
        detector(streams=(BASEBAND, ULTRASONIC))
    with pytest.raises(DetectorError, match="needs baseband"):
        detector().open({BASEBAND: StreamFormat(8_000, 4, CARRIER_HZ)})
    with pytest.raises(DetectorError, match="carrier_hz = 36000"):
        detector(calibration=CalibrationSettings(carrier_hz=36_000.0)).open(
            {BASEBAND: StreamFormat(RATE, 4, CARRIER_HZ)}
        )


def test_the_carrier_it_emits_is_the_one_of_the_baseband():
    assert emitted(detector(), 3.0)[-1][1] == Emission((CARRIER_HZ,), 85.0)
