"""Looks before all is there: how often they decide by chance."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lab.verdicts.decisions import Verdict
from lab.verdicts.intervals import CONFIDENCE, INTERIM, proportion
from lab.verdicts.judge import Accept, interim, judge_cell
from lab.verdicts.latency import median_bounds
from lab.verdicts.limits import Limit
from tests.verdicts.outcomes import detection, invalid, listening


@pytest.mark.parametrize(("limit", "planned"), [(0.9, 330), (0.7, 330), (0.95, 311)])
def test_many_looks_pass_a_rate_at_its_limit_hardly_more_often_than_one(limit, planned):
    rng = np.random.default_rng(3)
    passed_at = {CONFIDENCE: 0, INTERIM: 0}
    known = {}

    def low(found: int, trials: int, confidence: float) -> float:
        key = found, trials, confidence
        return known.setdefault(key, proportion(found, trials, confidence).low)

    repeats = 1000
    for _ in range(repeats):
        found = np.cumsum(rng.random(planned) < limit)
        for confidence in passed_at:
            looks = [(n, confidence) for n in range(30, planned, 10)] + [(planned, CONFIDENCE)]
            passed_at[confidence] += any(low(found[n - 1], n, c) >= limit for n, c in looks)
    assert passed_at[INTERIM] <= 0.065 * repeats
    assert passed_at[CONFIDENCE] >= 0.09 * repeats  # what looking without it would do


def accepted(verdict, needed=None):
    return Accept("detection_rate", "presence", {}, "at least 0.9", 0.95, verdict, needed)


@pytest.mark.parametrize(
    ("usual", "strict", "barred", "verdict", "told"),
    [
        ("pass", "pass", "", "pass", None),
        ("pass", "inconclusive", "", "inconclusive", "the rest: as it stands it would pass"),
        ("fail", "inconclusive", "", "inconclusive", "the rest: as it stands it would fail"),
        ("pass", "pass", "2 not heard", "inconclusive", "2 not heard; the rest: as it stands it would pass"),
        ("fail", "fail", "2 not heard", "fail", None),
        ("inconclusive", "inconclusive", "", "inconclusive", "40 more"),
    ],
)
def test_before_all_is_there_only_what_is_beyond_doubt_is_decided(usual, strict, barred, verdict, told):
    needed = "40 more" if usual == "inconclusive" else None
    said = interim(accepted(Verdict(usual), needed), accepted(Verdict(strict)), barred, "the rest:")
    assert (said.verdict, said.needed) == (Verdict(verdict), told)


def test_a_verdict_takes_the_confidence_asked_for_and_the_bounds_told_do_not():
    limit = Limit("detection_rate", "watermark", at_least=0.9)
    outcomes = [detection(i) for i in range(40)]
    usual, strict = judge_cell(outcomes, (limit,)), judge_cell(outcomes, (limit,), confidence=INTERIM)
    assert (usual.accept[0].verdict, strict.accept[0].verdict) == (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert usual.detection == strict.detection
    quiet = [listening(i, hours=4.0) for i in range(24)]
    alarms = Limit("false_alarms_per_day", "watermark", at_most=1.0)
    assert judge_cell(quiet, (alarms,)).accept[0].verdict is Verdict.PASS
    assert judge_cell(quiet, (alarms,), confidence=INTERIM).accept[0].verdict is Verdict.INCONCLUSIVE


def test_a_median_is_bounded_by_order_statistics_and_a_miss_is_later_than_any():
    times = [0.1 * (i + 1) for i in range(20)]
    outcomes = [detection(i, latency_s=time) for i, time in enumerate(times)]
    low, high = median_bounds([*outcomes, invalid(99)])
    # Ranks 6 and 15 of 20: 2 % of Binomial(20, 1/2) lie at 5 or below.
    assert (low, high) == (pytest.approx(0.6), pytest.approx(1.5))
    missed = [detection(20 + i, detected=False) for i in range(20)]
    assert median_bounds([*outcomes, *missed])[1] == math.inf
    wide = median_bounds(outcomes, INTERIM)
    assert wide[0] < low and wide[1] > high
    assert median_bounds([]) == (-math.inf, math.inf)


def test_trials_of_one_room_bound_a_median_less():
    apart = [detection(i, latency_s=0.1 * (i % 10)) for i in range(60)]
    shared = [replace(one, clusters={**one.clusters, "room": f"room{one.index % 10}"}) for one in apart]
    assert median_bounds(shared)[1] > median_bounds(apart)[1]
