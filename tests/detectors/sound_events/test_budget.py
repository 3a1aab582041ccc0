"""The device stage fits a signal processor, by count; the counts are those of the networks."""

from __future__ import annotations

import pytest

from detectors.sound_events.budget import (
    PARAMETERS,
    SHARE,
    Stage,
    macs,
    parameters,
    share_of_clock,
    stages,
    table,
)
from detectors.sound_events.front_end import Decimator


def test_eight_heads_at_48_khz_fit_the_clock_and_the_parameters():
    rows = stages(48_000, 8)
    assert share_of_clock(rows) <= SHARE
    assert 100_000 <= parameters(rows) <= PARAMETERS


def test_a_head_costs_the_same_whether_it_is_the_first_or_the_eighth():
    costs = [parameters(stages(16_000, heads)) for heads in (0, 1, 7, 8)]
    assert costs[1] - costs[0] == costs[3] - costs[2] == 96 * 32 + 32 + 32 + 1


def test_decimation_counts_what_the_filter_multiplies():
    (first, *rest), plain = stages(48_000, 8), stages(16_000, 8)
    assert tuple(rest) == plain
    taps = (Decimator(3)._filters[:, 0] != 0.0).sum()
    assert first.macs == 1_600 * taps


def test_a_share_of_all_cycles_is_all():
    assert share_of_clock((Stage("all", 80_000_000),)) == pytest.approx(1.0)


def test_the_table_adds_up():
    lines = table(48_000, 8).splitlines()
    cells = [line.split("|") for line in lines[2:]]
    for column, total in ((2, macs(stages(48_000, 8))), (4, parameters(stages(48_000, 8)))):
        counts = [int(row[column].replace(",", "")) for row in cells]
        assert counts[-1] == sum(counts[:-1]) == total
