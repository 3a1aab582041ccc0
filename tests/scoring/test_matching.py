"""Windows, guards, target-free time: when a score counts for a target, against the detector, or not at all."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.interface import ScoreTrack
from detectors.stack import events_of
from lab.scoring.matching import match, match_trial
from lab.scoring.outcome import Outcome
from tests.scoring.trials import LABEL, quiet, rule, target, track, trial

TARGET = target(4.0, 5.0)  # with latency 1 s: hops 40 to 60


def only(scores, **kind):
    outcome = match(trial(TARGET), track(scores), rule(**kind))
    return outcome.targets[0], outcome


@pytest.mark.parametrize(("hop", "counts"), [(39, False), (40, True), (50, True), (60, True), (61, False)])
def test_a_score_counts_from_onset_to_offset_plus_latency_both_included(hop, counts):
    found, _ = only(quiet((hop, 2.0)), guard_s=0.0)
    assert found.detected(1.0) is counts


@pytest.mark.parametrize(("hop", "counts"), [(40, True), (45, True), (46, False), (55, False)])
def test_a_score_that_comes_later_than_asked_after_the_onset_does_not_count(hop, counts):
    found, _ = only(quiet((hop, 2.0)), within_s=0.5)
    assert found.detected(1.0) is counts


def test_a_late_detection_is_no_false_alarm():
    assert not only(quiet((55, 2.0)), within_s=0.5)[1].false_alarms


@pytest.mark.parametrize(("hop", "broken"), [(29, False), (30, True), (39, True), (40, False)])
def test_the_guard_covers_its_seconds_before_onset(hop, broken):
    found, _ = only(quiet((hop, 1.5), (45, 2.0)), guard_s=1.0)
    assert found.guard_violated(1.0) is broken
    assert found.detected(1.0) is not broken
    assert found.detected(1.8)  # the same scores at a threshold that the guard keeps


def test_the_guard_is_never_shorter_than_the_refractory_time():
    found, _ = only(quiet((25, 1.5), (45, 2.0)), guard_s=0.0, refractory_s=2.0)
    assert found.guard_violated(1.0)


def test_latency_is_the_first_crossing_after_onset_not_the_peak():
    found, _ = only(quiet((44, 1.0), (48, 3.0)))
    assert (found.latency_s, found.peak.at_s, found.peak.score) == (0.4, 4.8, 3.0)


def test_an_undetected_target_has_no_latency():
    assert only(quiet((45, 0.9)))[0].latency_s is None
    assert only(quiet((35, 1.0), (45, 2.0)))[0].latency_s is None


def test_truth_marked_by_hand_may_be_detected_a_little_early():
    scores = quiet((38, 2.0))
    assert not only(scores)[0].detected(1.0)
    found, outcome = only(scores, early_s=0.2)
    assert found.detected(1.0) and found.latency_s == -0.2
    assert outcome.false_alarms == ()


def test_a_target_in_the_warm_up_of_the_detector_is_missed():
    outcome = match(trial(TARGET), track(np.full(30, 5.0), start_s=7.0), rule())
    assert outcome.targets[0].peak is None
    assert not outcome.targets[0].detected(1.0)


def test_target_free_time_leaves_out_window_latency_and_refractory_time():
    # window [4, 6], then 0.5 s refractory: hops 40 to 65 do not count, 100 - 26 hops do
    _, outcome = only(quiet(), refractory_s=0.5)
    assert outcome.free_s == pytest.approx(7.4)
    assert outcome.distinct_free_s == pytest.approx(7.4)


def test_warm_up_and_missing_scores_are_not_exposure():
    scores = np.zeros(50)
    scores[10:20] = np.nan
    outcome = match(trial(), track(scores, start_s=2.0), rule())
    assert outcome.free_s == pytest.approx(4.0)


@pytest.mark.parametrize(("hop", "false_alarms"), [(39, 1), (40, 0), (65, 0), (66, 1)])
def test_an_alarm_is_false_only_in_target_free_time(hop, false_alarms):
    _, outcome = only(quiet((hop, 2.0)), refractory_s=0.5)
    assert len(outcome.false_alarms) == false_alarms
    assert len(outcome.levels) >= false_alarms


def test_a_target_of_another_label_is_target_free_time():
    outcome = match(trial(target(4.0, 5.0, "smoke_alarm")), track(quiet((45, 2.0))), rule())
    assert outcome.targets == ()
    assert [moment.at_s for moment in outcome.false_alarms] == [4.5]


def test_time_in_alarm_is_summed_in_bouts_a_refractory_time_apart():
    scores = quiet(*[(hop, 2.0) for hop in (3, 4, 5, 7, 30)])
    outcome = match(trial(), track(scores), rule(refractory_s=0.3))
    activity = outcome.activity
    assert (activity.bouts, activity.seconds) == (2, pytest.approx(0.5))
    assert activity.longest_s == pytest.approx(0.4)
    assert activity.seconds_squared == pytest.approx(0.4**2 + 0.1**2)


def test_an_invalid_trial_keeps_its_reason_and_nothing_to_count():
    outcome = match_trial(trial(TARGET, invalid="lost block"), [rule()])[0]
    assert outcome.invalid == "lost block"
    assert (outcome.targets, outcome.free_s, outcome.levels) == ((), 0.0, ())


def test_a_rule_without_its_track_is_refused():
    with pytest.raises(ValueError, match="0 score tracks for"):
        match_trial(trial(TARGET), [rule()])


def test_a_negative_guard_is_refused():
    with pytest.raises(ValueError, match="guard_s must be 0 or more"):
        rule(guard_s=-0.1)


scores_of_some_values = st.lists(
    st.one_of(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), st.just(float("nan"))), min_size=1, max_size=100
)


def hundredths(highest_s):
    return st.integers(0, 100 * highest_s).map(lambda n: n / 100)


@settings(max_examples=200, deadline=None)
@given(scores_of_some_values, hundredths(9), hundredths(2), st.sampled_from([0.1, 0.25, 1.0, 3.0]))
def test_detections_and_false_alarms_are_the_events_of_the_stack(scores, onset, length, refractory_s):
    truth = target(onset, onset + length)
    said = [event.offset_s for event in events_of(track(scores), 1.0, refractory_s)]
    found = match(trial(truth), track(scores), rule(refractory_s=refractory_s))
    clear = 1e-6
    closes = truth.offset_s + 1.0
    free = [at for at in said if at < onset - clear or at > closes + refractory_s + clear]
    assert [moment.at_s for moment in found.false_alarms] == pytest.approx(free)
    if found.targets[0].detected(1.0):
        first = onset + found.targets[0].latency_s
        assert any(at == pytest.approx(first, abs=1e-6) for at in said)


@settings(max_examples=50, deadline=None)
@given(scores_of_some_values)
def test_an_outcome_survives_json(scores):
    outcome = match(trial(TARGET), track(scores), rule())
    text = json.dumps(outcome.to_json(), allow_nan=False)
    assert Outcome.from_json(json.loads(text)) == outcome


def test_each_rule_meets_the_track_of_its_own_stage():
    first = track(quiet((45, 2.0)))
    second = ScoreTrack("detector", LABEL, 0.0, 0.1, np.zeros(100, dtype=np.float32), stage="cloud")
    outcomes = match_trial(trial(TARGET, tracks=(first, second)), [rule(), rule(stage="cloud")])
    assert [o.targets[0].detected(1.0) for o in outcomes] == [True, False]
