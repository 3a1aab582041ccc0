"""The decision rule: the numbers the design promises, the chance of a false PASS, and what is still needed."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, poisson

from lab.verdicts.clusters import Sample, sample
from lab.verdicts.decisions import (
    Decision,
    Verdict,
    decide,
    decide_active,
    decide_exposure,
    decide_share,
    worst,
)
from lab.verdicts.exposure import NOTHING, Exposure, exposure
from lab.verdicts.intervals import Bounds, proportion, rate
from lab.verdicts.latency import decide_p95, delays
from lab.verdicts.limits import Limit
from tests.verdicts.outcomes import detection, listening
from tests.verdicts.test_clusters import _clustered

AT_LEAST_90 = Limit("detection_rate", "watermark", at_least=0.90)
ONE_A_DAY = Limit("false_alarms_per_day", "watermark", at_most=1.0)
TWO_A_DAY = Limit("false_alarms_per_day", "watermark", at_most=2.0)


def _chance(verdict: Verdict, limit: Limit, trials: int, true: float) -> float:
    """Exact chance of a verdict on independent trials."""
    counts = np.arange(trials + 1)
    given = np.array([decide(proportion(k, trials), limit)[0] is verdict for k in counts])
    return float(binom.pmf(counts, trials, true)[given].sum())


@pytest.mark.parametrize(
    ("limit", "trials", "true"), [(0.99, 480, 0.999), (0.95, 311, 0.98), (0.90, 239, 0.95), (0.80, 530, 0.85)]
)
def test_the_promised_trials_pass_a_good_detector_nine_times_in_ten(limit, trials, true):
    asked = Limit("detection_rate", "watermark", at_least=limit)
    assert 0.90 <= _chance(Verdict.PASS, asked, trials, true) < 0.93


def test_the_promised_trials_pass_a_detector_that_seldom_alarms():
    asked = Limit("false_alarm_rate", "watermark", at_most=0.01)
    assert 0.90 <= _chance(Verdict.PASS, asked, 780, 0.002) < 0.93


def test_72_hours_without_an_event_pass_one_a_day():
    assert decide(rate(0, 72 / 24), ONE_A_DAY)[0] is Verdict.PASS
    assert decide(rate(0, 71 / 24), ONE_A_DAY)[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("limit", [0.80, 0.90, 0.95, 0.99])
@pytest.mark.parametrize("trials", [59, 239, 311, 480])
def test_a_detector_at_the_limit_seldom_passes_and_seldom_fails(limit, trials):
    asked = Limit("detection_rate", "watermark", at_least=limit)
    assert _chance(Verdict.PASS, asked, trials, limit) <= 0.05
    assert _chance(Verdict.FAIL, asked, trials, limit) <= 0.05


@pytest.mark.parametrize("days", [1, 3, 30, 200])
def test_a_detector_at_the_alarm_limit_seldom_passes_and_seldom_fails(days):
    counts = np.arange(400)
    verdicts = [decide(rate(k, days), ONE_A_DAY)[0] for k in counts]
    chance = poisson.pmf(counts, days)
    for verdict in (Verdict.PASS, Verdict.FAIL):
        assert chance[[v is verdict for v in verdicts]].sum() <= 0.05


def test_a_false_pass_stays_rare_when_trials_share_rooms_and_recordings():
    results, clusters = _clustered(400, 40, 50, 0.9, 0.2, 0.2, runs=1500, seed=7)
    passed = [decide(sample(row, clusters).bounds(), AT_LEAST_90)[0] is Verdict.PASS for row in results]
    assert np.mean(passed) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1500)


@pytest.mark.parametrize(
    ("low", "high", "verdict", "bound"),
    [(0.9, 0.99, "pass", 0.9), (0.89, 0.9, "inconclusive", 0.89), (0.5, 0.899, "fail", 0.899)],
)
def test_at_least_is_held_against_the_lower_bound_and_fails_on_the_upper(low, high, verdict, bound):
    assert decide(Bounds(low, high), AT_LEAST_90) == (verdict, bound)


@pytest.mark.parametrize(
    ("low", "high", "verdict", "bound"),
    [(0, 1.0, "pass", 1.0), (1.0, 2.0, "inconclusive", 2.0), (1.1, 2.0, "fail", 1.1)],
)
def test_at_most_is_held_against_the_upper_bound_and_fails_on_the_lower(low, high, verdict, bound):
    assert decide(Bounds(low, high), ONE_A_DAY) == (verdict, bound)


def _number(text: str) -> int:
    return int(re.search(r"about (\d+) more", text)[1])


@pytest.mark.parametrize(("detected", "trials"), [(38, 40), (93, 100), (70, 80), (20, 24)])
def test_the_trials_said_to_be_needed_are_what_it_takes(detected, trials):
    asked = decide_share(Sample(detected, trials, trials / 1.5, trials), AT_LEAST_90)
    assert asked.verdict is Verdict.INCONCLUSIVE
    share, more = detected / trials, _number(asked.needed)
    toward = Verdict.PASS if share > 0.9 else Verdict.FAIL
    assert ("which would fail" in asked.needed) is (toward is Verdict.FAIL)
    for total, expected in ((trials + more, toward), (trials + more - 1, Verdict.INCONCLUSIVE)):
        worth = total / 1.5
        assert decide(proportion(share * worth, worth), AT_LEAST_90)[0] is expected


def test_more_rooms_are_asked_for_where_trials_cannot_help():
    found = decide_share(Sample(800, 800, 20, 20), AT_LEAST_90)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "at least 29 distinct rooms and recordings (there are 20)" in found.needed
    assert decide_share(Sample(800, 800, 29, 29), AT_LEAST_90).verdict is Verdict.PASS


def test_more_rooms_are_asked_for_where_one_room_alone_would_fail():
    found = decide_share(Sample(10, 400, 300, 1), AT_LEAST_90)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.needed == "at least 2 distinct rooms and recordings (there are 1)"
    assert decide_share(Sample(10, 400, 300, 2), AT_LEAST_90).verdict is Verdict.FAIL


def test_a_rate_equal_to_the_limit_is_never_decided():
    assert "equals the limit" in decide_share(Sample(90, 100, 100, 100), AT_LEAST_90).needed


def test_the_hours_said_to_be_needed_are_what_it_takes():
    heard = exposure([listening(i, hours=1.0) for i in range(30)])
    found = decide_exposure(heard, ONE_A_DAY)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "about 42 more distinct hours at the observed 0 a day" in found.needed


def test_hours_heard_before_count_beside_those_of_now():
    now = [listening(i, hours=24.0, alarms=1, active_s=3.0) for i in range(2)]
    before = Exposure(3, 48.0, 40.0, active_s=12.0, active_squared_s2=50.0, longest_s=14.0, bouts=3)
    both = exposure(now, before)
    assert (both.count, both.hours, both.distinct_hours, both.bouts) == (5, 96.0, 88.0, 5)
    assert both.active_s == pytest.approx(18.0)
    assert both.active_squared_s2 == pytest.approx(2 * 3.0**2 + 50.0)
    assert both.longest_s == 14.0
    assert (
        exposure(now, replace(before, active_squared_s2=144.0)).active_bounds().high
        > both.active_bounds().high
    )
    assert decide_exposure(exposure(now), TWO_A_DAY).verdict is Verdict.INCONCLUSIVE
    calm = replace(NOTHING, hours=480.0, distinct_hours=480.0)
    assert decide_exposure(exposure(now, calm), TWO_A_DAY).verdict is Verdict.PASS


def test_audio_heard_twice_adds_no_exposure():
    once = exposure([listening(i) for i in range(72)])
    twice = exposure([listening(i, distinct_free_s=1800.0) for i in range(72)])
    assert decide_exposure(once, ONE_A_DAY).verdict is Verdict.PASS
    assert decide_exposure(twice, ONE_A_DAY).verdict is Verdict.INCONCLUSIVE
    alarmed = exposure([listening(i, distinct_free_s=1800.0, alarms=1, active_s=0.1) for i in range(72)])
    assert alarmed.per_day == 24
    assert alarmed.per_day_bounds().high == pytest.approx(rate(36, 1.5).high)


def test_few_alarms_that_last_too_long_fail():
    heard = exposure(
        [
            listening(i, hours=24, alarms=1 if i % 3 == 0 else 0, active_s=900 if i % 3 == 0 else 0)
            for i in range(60)
        ]
    )
    assert heard.per_day_bounds().high < 1
    found = decide_exposure(heard, ONE_A_DAY)
    assert found.verdict is Verdict.FAIL
    assert "in alarm 0.35% of target-free time, at most 0.1% allowed" in found.needed


def test_the_share_of_time_in_alarm_has_a_limit_of_its_own():
    asked = Limit("active_fraction", "watermark", at_most=0.001)
    assert decide_active(exposure([listening(i) for i in range(72)]), asked).verdict is Verdict.PASS
    short = decide_active(exposure([listening(0, hours=0.5)]), asked)
    assert short.verdict is Verdict.INCONCLUSIVE and "more hours" in short.needed


def test_nothing_heard_decides_nothing():
    assert decide_exposure(Exposure(0, 0, 0, 0, 0, 1, 0), ONE_A_DAY) == Decision(
        Verdict.INCONCLUSIVE, None, "no distinct target-free audio was heard"
    )
    assert decide_share(Sample(0, 0, 0, 0), AT_LEAST_90).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass", "fail", "inconclusive"], "fail"),
        (["pass", "inconclusive"], "inconclusive"),
        (["pass"], "pass"),
        ([], "reported"),
    ],
)
def test_a_scenario_is_as_good_as_its_worst_limit(verdicts, expected):
    assert worst([Verdict(one) for one in verdicts]) == expected


def test_latency_needs_59_detections_and_holds_the_slowest_of_them():
    slow = [detection(i, latency_s=0.01 * (i + 1)) for i in range(59)]
    asked = Limit("latency_p95_s", "watermark", at_most=0.6)
    few = decide_p95(delays(slow[:58]), asked)
    assert few.verdict is Verdict.INCONCLUSIVE and "at least 59 independent detections" in few.needed
    found = delays(slow)
    assert (found.p50, found.p95, found.p95_high) == pytest.approx((0.3, 0.57, 0.59))
    assert decide_p95(found, asked).verdict is Verdict.PASS
    assert decide_p95(found, Limit("latency_p95_s", "watermark", at_most=0.5)).verdict is Verdict.FAIL


def test_detections_that_share_a_room_narrow_the_latency_less():
    alone = delays([detection(i, latency_s=0.01 * (i % 100)) for i in range(400)])
    together = delays([detection(i, latency_s=0.01 * (i // 4), room=f"r{i // 20}") for i in range(400)])
    assert together.effective < alone.effective / 3
    assert together.p95 == pytest.approx(alone.p95, abs=0.011)
    assert together.p95_high is None or together.p95_high > alone.p95_high


def test_latency_bounds_cover_the_true_percentile():
    rng = np.random.default_rng(2)
    true = -np.log(0.05)  # of the exponential distribution
    held = []
    for _ in range(300):
        seconds = rng.exponential(size=120)
        found = delays([detection(i, latency_s=value) for i, value in enumerate(seconds)])
        held.append((found.p95_high >= true, found.p95_low <= true))
    assert (np.mean(held, axis=0) >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / 300)).all()
