import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, poisson

from lab.commands.main import call
from reports import page
from reports.comparison import DETECTION, compare, holm, newcombe, rate_test
from reports.run import Run
from tests.reports.synthetic_run import synthetic_results, write_run


def test_newcombe_reproduces_the_published_example():
    # Newcombe 1998, table II, 56/70 against 48/80, method 10: 0.0524 to 0.3339
    low, high = newcombe(48, 80, 56, 70)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_newcombe_interval_holds_the_true_difference_at_least_93_percent_of_the_time():
    n, p1, p2 = 40, 0.85, 0.95
    k = np.arange(n + 1)
    chance1, chance2 = binom.pmf(k, n, p1), binom.pmf(k, n, p2)
    covered = 0.0
    for k1 in range(n + 1):
        for k2 in range(n + 1):
            low, high = newcombe(k1, n, k2, n)
            covered += chance1[k1] * chance2[k2] * (low <= p2 - p1 <= high)
    assert 0.93 < covered < 0.99


def test_two_equal_alarm_rates_are_called_different_at_most_as_often_as_stated():
    hours1, hours2, per_hour = 20.0, 60.0, 0.2
    counts = range(40)
    wrong = sum(
        poisson.pmf(a, hours1 * per_hour) * poisson.pmf(b, hours2 * per_hour)
        for a in counts
        for b in counts
        if rate_test(a, hours1, b, hours2) < 0.05
    )
    assert 0.0 < wrong <= 0.05


def test_ten_more_alarms_in_the_same_time_are_significant():
    assert rate_test(0, 72.0, 10, 72.0) == pytest.approx(2 * 0.5**10)


def test_holm_adjusts_each_p_by_the_number_of_hypotheses_still_standing():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_a_worse_build_is_called_worse_only_where_it_is():
    changes = compare(synthetic_results(), synthetic_results(shift=-1.5))
    distance = next(pair for pair in changes if pair.id == "distance")
    words = {
        (change.cell["distance_m"], change.cell["rt60_s"], change.cell["variant"]): change.word
        for change in distance.changes
        if change.measure == DETECTION
    }
    assert words[(6.1, 0.3, "pink")] == "worse"
    assert words[(1.0, 0.3, "pink")] == "no clear change"


def test_a_run_against_itself_changes_nothing():
    results = synthetic_results()
    changes = [change for pair in compare(results, results) for change in pair.changes]
    assert len(changes) == 42  # 41 cells with detections, one long exposure
    assert all(
        change.p == 1.0 and change.difference == 0 and change.word == "no clear change" for change in changes
    )


@pytest.mark.parametrize(
    ("update", "reason"),
    [({"origin": "measured"}, "other origin"), ({"hash": "f" * 64}, "the scenario changed")],
)
def test_unlike_scenarios_are_not_compared(update, reason):
    before, after = synthetic_results(), synthetic_results()
    after = after.model_copy(update={"scenarios": [after.scenarios[0].model_copy(update=update)]})
    distance = compare(before, after)[0]
    assert not distance.changes
    assert reason in distance.refused


def test_scenarios_of_one_run_only_are_named():
    before, after = synthetic_results(), synthetic_results()
    after = after.model_copy(update={"scenarios": after.scenarios[1:]})
    assert {pair.id: pair.refused for pair in compare(before, after)}["distance"] == "only in the other run"
    assert {pair.id: pair.refused for pair in compare(after, before)}["distance"] == "only in this run"


def test_correlated_trials_count_as_their_effective_number():
    before, after = synthetic_results(), synthetic_results(shift=-1.5)
    assert _smallest_p(_with_effective(before, 0.1), _with_effective(after, 0.1)) > 100 * _smallest_p(
        before, after
    )


def _exposed(**heard):
    """Results in which every exposure heard the same."""
    results = synthetic_results()
    scenarios = [
        scenario.model_copy(
            update={
                "results": [
                    row.model_copy(update={"false_alarms": row.false_alarms.model_copy(update=heard)})
                    for row in scenario.results
                    if row.false_alarms
                ]
            }
        )
        for scenario in results.scenarios
    ]
    return results.model_copy(update={"scenarios": scenarios})


@pytest.mark.parametrize(
    ("heard", "before", "after", "p"),
    [
        ({}, (0, 0.0), (10, 10.0), 2 * 0.5**10),
        ({}, (0, 0.0), (12, 144.0), 1.0),  # all of one trial
        ({}, (0, 0.0), (12, None), 1.0),  # of how many trials is not known
        ({}, (20, 40.0), (40, 80.0), 0.0987),  # two by two: 10 against 20
        ({"distinct_hours": 10.0}, (20, 20.0), (40, 40.0), 0.6875),  # 2 against 4 in what was heard once
    ],
)
def test_alarms_of_one_cause_or_of_audio_heard_before_are_one(heard, before, after, p):
    runs = [
        _exposed(
            **{"hours": 100.0, "distinct_hours": 100.0, "count": count, "count_squared": squares} | heard
        )
        for count, squares in (before, after)
    ]
    changes = [one for pair in compare(*runs) for one in pair.changes if one.measure != DETECTION]
    assert changes and all(one.p == pytest.approx(p, abs=1e-3) for one in changes)


def _smallest_p(before, after) -> float:
    return min(change.p for pair in compare(before, after) for change in pair.changes)


def _with_effective(results, share):
    scenario = results.scenarios[0]
    rows = [
        row.model_copy(
            update={
                "detection": row.detection.model_copy(
                    update={"effective_trials": share * row.detection.trials}
                )
            }
        )
        for row in scenario.results
    ]
    return results.model_copy(update={"scenarios": [scenario.model_copy(update={"results": rows})]})


def test_verdicts_are_told_where_no_difference_can_be_tested():
    before = synthetic_results()
    exposure = before.scenarios[2]
    (row,) = exposure.results
    short = row.false_alarms.model_copy(update={"hours": 0.12, "distinct_hours": 0.12})
    rows = [row.model_copy(update={"false_alarms": short})]
    old = before.model_copy(update={"scenarios": [exposure.model_copy(update={"results": rows})]})
    failed = exposure.model_copy(update={"results": rows, "verdict": "fail"})
    run = Run(Path(), before.model_copy(update={"scenarios": [failed]}), "")
    (pair,) = compare(old, run.results)
    assert pair.refused is None and pair.changes == ()
    html = page.render([run], Run(Path(), old, ""))
    section = html[html.index("<h2>Against") : html.index('<section id="r0-s0">')]
    assert re.search(r"INCONCLUSIVE</span> before, .*FAIL</span> now", section)
    assert "No test of a difference" in section and "no cell in common" not in section


def test_the_run_compared_with_is_identified_by_hash_commit_and_seed():
    other = synthetic_results()
    html = page.render([Run(Path(), other, "")], Run(Path(), other, "5a" * 32))
    lead = html[html.index("<h2>Against") :].split("</p>")[0]
    for item in (
        other.environment.build.hash[:16],
        other.environment.commit,
        other.started,
        "seed 1",
        "5a" * 32,
    ):
        assert item in lead


def test_a_change_tells_the_detector_and_the_stage():
    run = Run(Path(), synthetic_results(), "")
    html = page.render([run], run)
    section = html[html.index("<h2>Against") : html.index('<section id="r0-s0">')]
    assert "detection rate, watermark by watermark (device)" in section


def test_a_scenario_that_was_run_several_times_is_not_compared():
    results = synthetic_results()
    twice = results.model_copy(update={"scenarios": [*results.scenarios, results.scenarios[0]]})
    pair = next(one for one in compare(results, twice) if one.id == results.scenarios[0].id)
    assert pair.refused == "was run several times in one of the two" and not pair.changes


def test_a_build_that_is_worse_fails_where_it_is_asked_for(run_folder, older_folder, tmp_path, capsys):
    page = ["--html", str(tmp_path / "page.html")]
    worse = ["report", str(older_folder), "--against", str(run_folder), *page]
    assert call(worse) == 0
    assert call([*worse, "--fail-on-worse"]) == 1
    assert "\nworse: distance, distance 6.1 m, RT60 0.3 s, variant pink: detection rate, watermark by " in (
        capsys.readouterr().out
    )
    better = ["report", str(run_folder), "--against", str(older_folder), *page, "--fail-on-worse"]
    assert call(better) == 0
    assert "worse:" not in capsys.readouterr().out


def test_a_comparison_of_nothing_is_no_pass(small_folder, run_folder, tmp_path, capsys):
    other = write_run(tmp_path / "other", only=("distance",))
    report = ["report", str(small_folder), "--html", str(tmp_path / "page.html"), "--fail-on-worse"]
    assert call([*report, "--against", str(other)]) == 2
    assert "nothing can be compared" in capsys.readouterr().out
    assert call(report) == 3
    assert "--fail-on-worse speaks of a comparison" in capsys.readouterr().err
