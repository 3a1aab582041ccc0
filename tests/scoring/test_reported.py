"""Detectors of which only events are known are held to the same windows."""

from dataclasses import replace

import pytest

from lab.scoring.reported import REPORTED, match_reported
from tests.scoring.trials import rule, target, trial

TARGET = target(4.0, 5.0)


def said(*events, truth=(TARGET,), **kind):
    return match_reported(replace(trial(*truth), events=events), rule(threshold=REPORTED, **kind))


@pytest.mark.parametrize(("onset", "counts"), [(3.9, False), (4.0, True), (6.0, True), (6.01, False)])
def test_a_detection_counts_by_its_onset(onset, counts):
    outcome = said(target(onset, onset + 0.1), guard_s=0.0)
    assert outcome.targets[0].detected(REPORTED) is counts


def test_a_detection_still_open_in_the_guard_detects_nothing():
    outcome = said(target(1.0, 3.5), target(4.5, 5.0))
    assert outcome.targets[0].guard_violated(REPORTED)
    assert not outcome.targets[0].detected(REPORTED)
    assert outcome.targets[0].latency_s is None


def test_latency_runs_from_onset_to_onset():
    assert said(target(4.75, 5.0)).targets[0].latency_s == pytest.approx(0.75)


def test_false_alarms_are_onsets_in_target_free_time():
    outcome = said(target(1.0, 1.5), target(4.5, 5.0), target(8.0, 9.0), refractory_s=0.5)
    assert [moment.at_s for moment in outcome.false_alarms] == [1.0, 8.0]
    assert outcome.free_s == pytest.approx(10 - 2.5)
    assert outcome.activity.seconds == pytest.approx(1.5)
    assert outcome.activity.bouts == 2


def test_detections_within_a_refractory_time_are_one_alarm():
    outcome = said(target(1.0, 1.1), target(1.3, 1.4), target(2.0, 2.1), truth=(), refractory_s=0.5)
    assert [moment.at_s for moment in outcome.false_alarms] == [1.0, 2.0]


def test_silence_is_a_miss_and_no_false_alarm():
    outcome = said()
    assert not outcome.targets[0].detected(REPORTED)
    assert outcome.levels == outcome.false_alarms == ()
