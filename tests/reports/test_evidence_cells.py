"""What the cells of a page of evidence say."""

from math import nan

import pytest

from reports import evidence_cells as cells
from reports.evidence import Figures, RangeLine
from reports.evidence_tables import identity
from tests.reports.test_targets import line

FOUND = {"detected": 9, "trials": 10, "low": 0.6, "high": 0.99}


def test_the_cell_that_found_least_is_named_where_others_found_more():
    assert cells.found(line(**FOUND)) == "9/10 = 0.900 [0.600, 0.990]"
    assert cells.found(line(**FOUND, worst=("variant music", 4, 5))).endswith("; variant music: 4/5 = 0.800")
    assert cells.found(line(**FOUND, worst=("variant fan", 9, 10))) == cells.found(line(**FOUND))
    assert cells.found(line()) == "-"


def test_what_was_told_beside_is_told_a_day_with_its_bound():
    heard = line(
        hours=12.0, others={"major_motion": 3, "minor_motion": 0}, others_high={"major_motion": 15.5}
    )
    assert cells.others(heard) == "major_motion 3: 6 a day, at most 15.5"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"verdict": "inconclusive", "needed": "about 100 more trials"}, "about 100 more trials"),
        ({"verdict": "pass", "needed": "nothing"}, ""),
        ({"trials": 20, "asked": 100.0, "cells": 2}, "20 of 200 trials of what is planned are there"),
        ({"silent_trials": 20, "asked": 100.0}, "20 of 100 trials of what is planned are there"),
        ({"hours": 0.5, "of_hours": True, "asked": 24.0}, "0.50 of 24 h of what is planned are there"),
        ({"hours": 24.0, "of_hours": True, "asked": 24.0, "complete": True}, ""),
        (
            {"verdict": "pass", "complete": True, "trials": 9, "median_limit_s": 0.6, "median_high_s": 0.7},
            "the median: its bounds hold the limit between them",
        ),
        (
            {
                "verdict": "pass",
                "complete": True,
                "grown": True,
                "trials": 9,
                "median_limit_s": 0.6,
                "median_high_s": 0.7,
            },
            "the median: its bounds of 99.9 %, as the plan was changed, hold the limit between them",
        ),
        (
            {"verdict": "pass", "trials": 9, "median_limit_s": 0.6, "median_high_s": 0.7},
            "the median: more trials",
        ),
    ],
)
def test_what_is_missing_is_told_of_open_verdicts_and_of_rows_that_only_report(given, told):
    assert cells.missing(line(**given)) == told


def test_a_range_that_stays_open_with_all_its_pairs_says_so():
    def ratio(trials: int, low: float) -> RangeLine:
        return RangeLine(
            what="w",
            trials=trials,
            asked=100,
            range_m=4.0,
            quiet_m=5.0,
            ratio=nan,
            low=low,
            high=0.9,
            limit=0.7,
        )

    assert cells.pairs(ratio(99, 0.6)) == "99 of 100"
    assert cells.pairs(ratio(100, 0.6)) == "100 of 100: all there, and the bounds hold the limit between them"
    assert cells.pairs(ratio(100, 0.7)) == "100 of 100"
    grown = ratio(100, 0.7).model_copy(update={"grown": True})
    assert cells.pairs(grown).endswith(
        "all there, but the plan was changed after a look: draws of another seed"
    )


def test_hours_of_several_draws_tell_the_trials_and_rooms_of_the_last():
    hours = {"hours": 1.5, "of_hours": True, "asked": 24.0}
    one = line(**hours, played=9, rooms=4, seeds=[2, 3])
    assert cells.played(one) == "9; 4, of seed 3 alone"
    assert cells.played(line(**hours, silent_trials=9, seeds=[3])) == "9; not kept"
    assert cells.heard(one) == "1.50 of 24 h; trials 9, rooms 4"
    assert cells.heard(line(**hours, complete=True)) == "1.50 h"
    assert cells.heard(line(trials=9, asked=5.0, cells=2, played=9, rooms=4)) == "9 of 10 trials"


def test_a_page_says_which_builds_draws_and_days_it_is_of():
    lines = [
        line(build="one", build_hash="a" * 64, seeds=[2, 10]),
        line(build="two", build_hash="b" * 64, seeds=[10]),
        line(build="three", build_hash="c" * 64, detector="notch", seeds=[3]),
    ]
    figures = Figures(
        title="t", suite="s", under_test="presence", lines=lines, measured=("2026-11-21", "2026-11-23")
    )
    assert identity(figures) == [
        "Under test: `one` presence aaaaaaaaaaaa, `two` presence bbbbbbbbbbbb. Draws of seed 2 and 10. Started from 2026-11-21 to 2026-11-23; neither the days after nor commits were kept."
    ]
    assert identity(figures.model_copy(update={"lines": [], "measured": None})) == [""]
