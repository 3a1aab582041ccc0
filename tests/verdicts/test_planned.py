"""Verdicts while planned trials are missing, after a look, and of trials that were repeated at a bench."""

from dataclasses import replace

import pytest

from lab.verdicts.intervals import CONFIDENCE, INTERIM
from lab.verdicts.judge import judge_scenario
from lab.verdicts.limits import Limit
from lab.verdicts.planned import CellPlan
from tests.verdicts.outcomes import detection, invalid, listening

NEAR, FAR = {"distance_m": 1.0}, {"distance_m": 3.0}
RATE = Limit("detection_rate", "watermark", at_least=0.9)


def heard(found, trials, cell=NEAR):
    return [detection(i, detected=i < found, cell=cell) for i in range(trials)]


def plan(near, far=None, repeated=0):
    cells = [CellPlan(NEAR, near, repeated)]
    return cells if far is None else [*cells, CellPlan(FAR, far)]


def only(judgement):
    (row,) = judgement.rows
    (accept,) = row.accept
    return accept


def test_a_limit_passes_when_all_that_was_planned_is_there():
    judgement = judge_scenario(heard(100, 100), [RATE], plan(100))
    assert (judgement.verdict, only(judgement).confidence) == ("pass", CONFIDENCE)
    assert [(one.planned, one.not_run) for one in judgement.cells] == [(100, 0)]


def test_nothing_passes_while_a_planned_trial_of_the_cell_is_missing():
    judgement = judge_scenario(heard(400, 400), [RATE], plan(401))
    accept = only(judgement)
    assert (judgement.verdict, accept.verdict) == ("inconclusive", "inconclusive")
    assert accept.needed == "1 of 401 planned trials were not run; as it stands it would pass"
    assert accept.confidence == INTERIM


@pytest.mark.parametrize(
    ("found", "verdict"),
    # Of 60 trials the upper bounds are 0.880 and 0.928 at 48, 0.737 and 0.810 at 38.
    [(48, "inconclusive"), (38, "fail")],
)
def test_a_limit_of_a_cell_that_lacks_trials_fails_by_the_stricter_bound_only(found, verdict):
    assert judge_scenario(heard(found, 60), [RATE]).verdict == "fail"
    judgement = judge_scenario(heard(found, 60), [RATE], plan(61))
    assert (judgement.verdict, only(judgement).verdict) == (verdict, verdict)
    if verdict == "fail":
        assert only(judgement).bound == pytest.approx(0.810, abs=0.001)


def test_a_trial_that_is_missing_anywhere_keeps_the_scenario_from_passing():
    outcomes = [*heard(100, 100), *heard(99, 99, FAR)]
    near = Limit("detection_rate", "watermark", {"distance_m": 1.0}, at_least=0.9)
    judgement = judge_scenario(outcomes, [near], plan(100, 100))
    assert [accept.verdict for row in judgement.rows for accept in row.accept] == ["pass"]
    assert judgement.verdict == "inconclusive"
    assert judge_scenario([*outcomes, *heard(100, 100, FAR)[99:]], [near], plan(100, 100)).verdict == "pass"


def test_a_limit_of_cells_that_were_never_heard_is_listed_as_not_judged():
    judgement = judge_scenario(heard(100, 100), [RATE], plan(100, 100))
    (left,) = judgement.unjudged
    assert (left.metric, left.limit, left.cells) == ("detection_rate", "at least 0.9", [FAR])
    assert judgement.verdict == "inconclusive"
    assert [(one.planned, one.not_run) for one in judgement.cells] == [(100, 0), (100, 100)]


def test_a_fail_elsewhere_stays_a_fail():
    assert judge_scenario(heard(10, 100), [RATE], plan(100, 100)).verdict == "fail"


@pytest.mark.parametrize("limits", [[], [RATE]])
def test_a_scenario_of_which_nothing_was_run_is_inconclusive(limits):
    judgement = judge_scenario([], limits, plan(5, 5))
    assert (judgement.verdict, judgement.trials, judgement.rows) == ("inconclusive", 0, [])
    assert [one.cells for one in judgement.unjudged] == [[NEAR, FAR] for _ in limits]


def test_what_has_no_limit_is_reported_also_where_trials_are_missing():
    assert judge_scenario(heard(3, 4), [], plan(5)).verdict == "reported"


def test_a_valid_trial_that_was_repeated_weighs_as_an_invalid_one():
    outcomes = [*heard(96, 96), *(replace(invalid(i), cell=NEAR) for i in range(96, 100))]
    assert judge_scenario(outcomes, [RATE], plan(100, repeated=1)).verdict == "pass"
    accept = only(judge_scenario(outcomes, [RATE], plan(100, repeated=2)))
    assert accept.verdict == "inconclusive"
    assert accept.needed == "4 of 100 trials are invalid and 2 valid ones were repeated, at most 5 % may be"


def test_after_a_look_limits_take_the_stricter_bound_and_say_how_far_it_is():
    outcomes = heard(40, 40)
    assert judge_scenario(outcomes, [RATE], plan(40)).verdict == "pass"
    accept = only(judge_scenario(outcomes, [RATE], plan(40), grown=True))
    assert (accept.verdict, accept.confidence) == ("inconclusive", INTERIM)
    assert accept.bound == pytest.approx(0.001 ** (1 / 40))
    assert "at least 66 distinct rooms and recordings (there are 40)" in accept.needed
    assert judge_scenario(heard(66, 66), [RATE], plan(66), grown=True).verdict == "pass"


def test_latency_and_hours_take_the_stricter_bound_too():
    late = Limit("latency_p95_s", "watermark", at_most=1.0)
    quick = heard(134, 134)
    assert judge_scenario(quick, [late], plan(134)).verdict == "pass"
    accept = only(judge_scenario(quick, [late], plan(134), grown=True))
    assert accept.needed == "at least 135 independent detections (worth 134)"
    quiet = [listening(i, hours=4.0, cell=NEAR) for i in range(24)]
    alarms = Limit("false_alarms_per_day", "watermark", at_most=1.0)
    assert judge_scenario(quiet, [alarms], plan(24)).verdict == "pass"
    assert "about 70 more distinct hours" in only(judge_scenario(quiet, [alarms], plan(24), True)).needed


def test_a_limit_of_a_device_that_reported_nothing_keeps_its_scenario_from_passing():
    of_device = replace(RATE, stage="dut")
    judgement = judge_scenario(heard(100, 100), [RATE, of_device], plan(100))
    (left,) = judgement.unjudged
    assert (left.cells, left.reason) == ([NEAR], "no device under test reports it here")
    assert (only(judgement).verdict, judgement.verdict) == ("pass", "inconclusive")
    said = [replace(one, rule=replace(one.rule, stage="dut")) for one in heard(100, 100)]
    judgement = judge_scenario([*heard(100, 100), *said], [RATE, of_device], plan(100))
    assert (judgement.unjudged, judgement.verdict) == ([], "pass")
    assert [len(row.accept) for row in judgement.rows] == [1, 2]
