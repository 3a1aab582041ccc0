"""From outcomes to rows, limits and the verdict of a scenario."""

from dataclasses import asdict, replace

import pytest

from lab.errors import BadInput
from lab.store import results
from lab.verdicts.judge import judge_cell, judge_scenario
from lab.verdicts.limits import METRICS, Limit, check_limits
from tests.verdicts.outcomes import RULE, detection, invalid, listening

RATE = Limit("detection_rate", "watermark", at_least=0.9)


def good(count: int, **more):
    return [detection(i, **more) for i in range(count)]


def only(judgement):
    (row,) = judgement.rows
    (accept,) = row.accept
    return row, accept


def test_a_row_fits_the_results_document():
    row = judge_cell([*good(60), listening(60), invalid(61)], [RATE])
    stored = results.Row.model_validate(asdict(row))
    assert (stored.detection.detected, stored.detection.trials) == (60, 60)
    assert stored.detection.low == pytest.approx(0.05 ** (1 / 60))
    assert stored.accept[0].verdict == "pass" and stored.threshold == RULE.threshold
    assert results.Row.model_validate_json(stored.model_dump_json()) == stored


def test_every_cell_that_a_limit_matches_gets_a_verdict_and_the_worst_counts():
    near = good(60, cell={"distance_m": 1.0, "rt60_s": 0.3})
    far = [detection(i, detected=i % 2 == 0, cell={"distance_m": 1, "rt60_s": 0.6}) for i in range(60)]
    judgement = judge_scenario([*near, *far], [replace(RATE, where={"distance_m": 1})])
    assert [row.accept[0].verdict for row in judgement.rows] == ["pass", "fail"]
    assert judgement.verdict == "fail"
    assert judge_scenario([*near, *far], [replace(RATE, where={"rt60_s": 0.3})]).verdict == "pass"


def test_a_scenario_without_limits_is_reported():
    assert judge_scenario(good(3)).verdict == "reported"


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (
            replace(RATE, where={"distance": 3}),
            "where.distance is no cell key of this scenario; there are: distance_m",
        ),
        (
            replace(RATE, where={"distance_m": 4}),
            "where.distance_m = 4 matches no cell; values of distance_m: 3.0",
        ),
        (replace(RATE, label="smoke_alarm"), "reports label 'smoke_alarm'; reported: watermark"),
        (replace(RATE, detector="ears"), "detector = 'ears' is not in the build; it has: mark"),
        (replace(RATE, stage="clod"), "stage = 'clod' is not in the build; it has: device"),
    ],
)
def test_a_limit_that_nothing_answers_is_refused(limit, message):
    with pytest.raises(BadInput) as caught:
        check_limits([limit], [{"distance_m": 3.0}], [("mark", "watermark", "device")])
    assert message in str(caught.value)
    with pytest.raises(BadInput):
        judge_scenario(good(5, cell={"distance_m": 3.0}), [limit])


def test_a_limit_without_label_is_refused_where_what_is_expected_is_not_reported():
    cells, reported = [{"distance_m": 3.0}], [("mark", "watermark", "device")]
    with pytest.raises(BadInput, match="no detector reports glass_break; reported: watermark"):
        check_limits([replace(RATE, label=None)], cells, reported, ["watermark", "glass_break"])
    # Who names a label, or asks for silence, has an answer.
    silence = Limit("false_alarms_per_day", at_most=1.0)
    check_limits([RATE, silence], cells, reported, ["watermark", "glass_break"])


def test_what_a_device_reports_of_itself_is_asked_for_in_simulation_as_well():
    check_limits([replace(RATE, stage="dut")], [{}], [("mark", "watermark", "device")])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metric": "recall", "at_least": 0.9}, "metric = 'recall' is not known; allowed: detection_rate"),
        ({"metric": "detection_rate"}, "needs at_least or at_most"),
        ({"metric": "detection_rate", "at_least": 0.9, "at_most": 1.0}, "needs at_least or at_most"),
        ({"metric": "detection_rate", "at_least": float("nan")}, "must be a number of 0 or more"),
    ],
)
def test_a_limit_that_says_nothing_clear_is_refused(fields, message):
    with pytest.raises(BadInput) as caught:
        Limit(**fields)
    assert message in str(caught.value)


def test_a_limit_without_label_speaks_of_the_labels_that_have_targets():
    other = replace(RULE, label="smoke_alarm")
    judgement = judge_scenario(
        [*good(60), *(listening(i, rule=other) for i in range(60))], [replace(RATE, label=None)]
    )
    assert {row.label: len(row.accept) for row in judgement.rows} == {"watermark": 1, "smoke_alarm": 0}
    assert judgement.verdict == "pass"


@pytest.mark.parametrize("metric", ["false_alarms_per_day", "active_fraction", "false_alarm_rate"])
def test_a_limit_of_false_alarms_without_label_speaks_of_all_that_is_reported(metric):
    other = replace(RULE, label="smoke_alarm")
    outcomes = [*good(60), *(listening(i, rule=other) for i in range(60))]
    judgement = judge_scenario(outcomes, [Limit(metric, at_most=0.5)])
    assert {row.label: len(row.accept) for row in judgement.rows} == {"watermark": 1, "smoke_alarm": 1}


def test_a_trial_in_which_nobody_listened_was_not_silent():
    deaf = [replace(listening(i), free_s=0.0) for i in range(60)]
    _, accept = only(judge_scenario(deaf, [Limit("false_alarm_rate", "watermark", at_most=0.2)]))
    assert accept.verdict == "inconclusive"


@pytest.mark.parametrize(("recordings", "verdict"), [(19, "inconclusive"), (20, "pass")])
def test_fewer_than_20_recordings_get_a_table_per_clip_and_no_verdict(recordings, verdict):
    limit = Limit("detection_rate", "watermark", at_least=0.8)
    outcomes = [detection(i, recording=f"clip{i % recordings}", detected=i != 0) for i in range(200)]
    row, accept = only(judge_scenario(outcomes, [limit]))
    assert accept.verdict == verdict
    if verdict == "inconclusive":
        assert accept.needed == (
            "at least 20 distinct recordings "
            "(there are 19, see the table per clip in the report; ask for more trials or clips)"
        )
        assert row.per_clip["clip0"] == (10, 11) and len(row.per_clip) == 19
    else:
        assert row.per_clip is None


@pytest.mark.parametrize(("bad", "verdict"), [(10, "pass"), (11, "inconclusive")])
def test_more_than_5_percent_invalid_trials_get_no_verdict(bad, verdict):
    outcomes = [*good(200 - bad), *(invalid(i) for i in range(200 - bad, 200))]
    judgement = judge_scenario(outcomes, [RATE])
    row, accept = only(judgement)
    assert accept.verdict == verdict
    assert row.detection.trials == 200 - bad  # never a miss, never a pass
    assert (judgement.trials, judgement.invalid, judgement.invalid_reasons) == (200, bad, {"lost block": bad})


def test_a_cell_of_invalid_trials_alone_is_inconclusive_and_has_no_figures():
    row, accept = only(judge_scenario([invalid(i) for i in range(30)], [RATE]))
    assert accept.verdict == "inconclusive" and "30 of 30 trials are invalid" in accept.needed
    assert (row.detection, row.false_alarms, row.latency_s, row.curve) == (None, None, None, None)


def test_each_metric_answers():
    quiet = [listening(i) for i in range(100, 500)]
    outcomes = [*good(100), *quiet]
    limits = [
        Limit(metric, "watermark", **({"at_least": 0.9} if metric == "detection_rate" else {"at_most": 1.0}))
        for metric in METRICS
    ]
    judgement = judge_scenario(outcomes, limits)
    assert [accept.metric for accept in judgement.rows[0].accept] == list(METRICS)
    assert judgement.verdict == "pass"


def test_the_share_of_silent_trials_that_alarm_is_a_metric():
    outcomes = [listening(i, hours=0.01, alarms=int(i == 0), active_s=0.1 * (i == 0)) for i in range(780)]
    row, accept = only(judge_scenario(outcomes, [Limit("false_alarm_rate", "watermark", at_most=0.01)]))
    assert accept.verdict == "pass"
    (metric,) = [metric for metric in row.metrics if metric.name == "false_alarm_rate"]
    assert metric.value == pytest.approx(1 / 780) and metric.n == 780


def test_verdicts_use_the_threshold_of_the_build_not_the_best_of_the_curve():
    hits = [detection(i, detected=False) for i in range(60)]  # every peak is 0.5, the threshold 1.0
    row, accept = only(judge_scenario(hits, [RATE]))
    assert max(row.curve.detection_rate) == 1.0
    assert accept.verdict == "fail"


def test_curves_carry_bounds_on_each_side():
    row = judge_cell([*good(60), listening(60, alarms=3, active_s=1.0)])
    curve = row.curve
    for low, mid, high in (
        (curve.detection_low, curve.detection_rate, curve.detection_high),
        (curve.false_alarms_low, curve.false_alarms_per_hour, curve.false_alarms_high),
    ):
        assert len(low) == len(mid) == len(high) == len(curve.threshold)
        assert all(a <= b <= c for a, b, c in zip(low, mid, high, strict=True))
    at = curve.threshold.index(RULE.threshold)
    assert curve.false_alarms_per_hour[at] == pytest.approx(row.false_alarms.count / row.false_alarms.hours)
