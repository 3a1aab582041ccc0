"""What counts as a target of a body of evidence, and how it stands."""

from __future__ import annotations

from math import inf

import pytest

from reports.evidence import Figures, Line, RangeLine, UnitLine
from reports.evidence_tables import summary
from reports.evidence_targets import MET, MISSED, OPEN, range_kept, targets, units_alike


def line(**given) -> Line:
    said = {
        "row": "r",
        "group": "g",
        "what": "w",
        "scenario": "s",
        "scenario_hash": "h",
        "build": "b",
        "build_hash": "h",
        "detector": "presence",
        "label": "presence",
        "cells": 1,
        "asked": 1.0,
    }
    return Line(**said | given)


def ratio(trials: int, low: float, high: float) -> RangeLine:
    return RangeLine(
        what="w", trials=trials, range_m=4.0, quiet_m=5.0, ratio=0.8, low=low, high=high, limit=0.7
    )


def tone(found: float, low: float, high: float) -> dict[str, float]:
    return {
        "occupied_duty": found,
        "occupied_duty_low": low,
        "occupied_duty_high": high,
        "tone_on_limit": 0.3,
    }


def units(differences: list[float], width: float) -> list[UnitLine]:
    return [
        UnitLine(unit=i, trials=300, difference=d, low=d - width, high=d + width)
        for i, d in enumerate(differences)
    ]


def test_every_limit_of_a_row_is_a_target_of_its_own():
    lines = [
        line(verdict="pass", trials=9, median_low_s=0.65, median_high_s=0.75, median_limit_s=0.6),
        line(verdict="inconclusive", silent_trials=30, **tone(0.2, 0.15, 0.25)),
        line(trials=9, median_high_s=0.8, median_limit_s=0.6),  # too few for a bound
        line(trials=9, median_low_s=0.4, median_high_s=0.6, median_limit_s=0.6),
        line(trials=9, detected=1, median_s=0.5, median_low_s=inf, median_high_s=inf, median_limit_s=0.6),
        line(silent_trials=29, **tone(0.4, 0.35, 0.45)),  # too few
        line(silent_trials=30, **tone(0.4, 0.25, 0.55)),
        line(verdict="reported", median_limit_s=0.6),  # nothing was tried yet
        line(verdict="fail", group="compared"),
        line(verdict="fail", detector="notch"),
    ]
    figures = Figures(title="t", suite="s", under_test="presence", lines=lines, ranges=[ratio(40, 0.72, 0.9)])
    assert targets(figures) == {"device": [MET, MISSED, OPEN, MET, OPEN, MET, MISSED, OPEN, OPEN, MET]}
    assert summary(figures) == ["Of 10 targets 4 are met, 2 missed, 4 open."]


def test_what_leaves_the_device_counts_once_where_there_are_two_stages():
    given = {"detector": "sound_events", "verdict": "pass", "uploads_limit": 10.0}
    lines = [
        line(**given, stage=stage, uploads_low=low, uploads_high=high)
        for stage, low, high in (("device", 1.0, 12.0), ("cascade", 1.0, 12.0))
    ]
    figures = Figures(title="t", suite="s", under_test="", lines=lines)
    assert targets(figures) == {"device": [MET, OPEN], "cascade": [MET]}
    assert summary(figures) == [
        "Device: of 2 targets 1 are met, 0 missed, 1 open. Cascade: of 1 targets 1 are met, 0 missed, 0 open."
    ]


@pytest.mark.parametrize(
    ("trials", "low", "high", "stands"),
    [(29, 0.9, 0.95, OPEN), (30, 0.7, 0.8, MET), (30, 0.5, 0.69, MISSED), (30, 0.6, 0.75, OPEN)],
)
def test_a_range_is_kept_when_its_bound_says_so_on_enough_pairs(trials, low, high, stands):
    assert range_kept(ratio(trials, low, high)) == stands


def test_a_range_is_not_kept_before_all_pairs_are_there_nor_of_one_that_was_not_reached():
    kept = ratio(30, 0.7, 0.8)
    assert range_kept(kept.model_copy(update={"asked": 31})) == OPEN
    assert range_kept(kept.model_copy(update={"beyond": True})) == OPEN
    assert range_kept(ratio(30, 0.5, 0.69).model_copy(update={"beyond": True})) == MISSED


def test_units_are_not_judged_before_all_pairs_are_there():
    lines = units([0.0] * 20, 0.01)
    assert units_alike(lines) == MET
    assert units_alike([one.model_copy(update={"asked": 301}) for one in lines]) == OPEN


def test_ranges_and_units_of_a_plan_that_grew_after_all_of_it_was_seen_stay_open():
    for low, high in ((0.75, 0.8), (0.5, 0.6)):
        assert range_kept(ratio(30, low, high)) != OPEN
        assert range_kept(ratio(30, low, high).model_copy(update={"grown": True})) == OPEN
    for difference in (0.0, -0.2):
        lines = units([difference] * 20, 0.01)
        assert units_alike(lines) != OPEN
        assert units_alike([one.model_copy(update={"grown": True}) for one in lines]) == OPEN


@pytest.mark.parametrize(
    ("differences", "width", "stands"),
    [
        ([0.0] * 18 + [-0.2] * 2, 0.05, MET),
        ([0.0] * 18 + [-0.2] * 2, 0.06, OPEN),
        ([0.0] * 17 + [-0.2] * 3, 0.05, MISSED),
        ([0.0] * 17 + [-0.2] * 3, 0.2, OPEN),
        ([0.0] * 17, 0.01, OPEN),
    ],
)
def test_units_are_alike_when_the_bound_of_nine_in_ten_says_so(differences, width, stands):
    assert units_alike(units(differences, width)) == stands
