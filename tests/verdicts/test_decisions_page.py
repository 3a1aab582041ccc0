"""The worked numbers of docs/decisions.md are what the code computes."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from lab.verdicts.clusters import Sample
from lab.verdicts.decisions import Verdict, decide
from lab.verdicts.exposure import exposure
from lab.verdicts.intervals import percentile_ranks, proportion, rate
from lab.verdicts.limits import Limit
from tests.verdicts.outcomes import listening

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "decisions.md").read_text()


def table(first_line: str) -> list[list[str]]:
    """Rows of the table with this header."""
    lines = PAGE.split(first_line + "\n", 1)[1].splitlines()[1:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    assert len(rows) >= 3
    return rows


def shown(text: str) -> object:
    """Equal to what rounds to the printed number."""
    decimals = len(text.partition(".")[2])
    return pytest.approx(float(text), abs=0.5 * 10**-decimals + 1e-9)


def test_bounds_of_alarms_that_share_a_trial():
    for kind, low, high in table("| eight alarms in | lower bound | upper bound |"):
        trials = {"eight": 8, "two": 2, "one": 1}[kind.split()[0]]
        outcomes = [listening(i, hours=9.0, alarms=8 // trials if i < trials else 0) for i in range(8)]
        bounds = exposure(outcomes).per_day_bounds()
        assert (bounds.low, bounds.high) == (shown(low), shown(high))


def test_bounds_of_detection_rates():
    for detected, trials, low, high in table("| detected | trials | lower bound | upper bound |"):
        bounds = proportion(int(detected), int(trials))
        assert (bounds.low, bounds.high) == (shown(low), shown(high))


def test_bounds_of_clustered_trials():
    rows = table("| detected | trials | worth | rooms or recordings | lower bound | why |")
    for detected, trials, worth, clusters, low, _ in rows:
        assert Sample(int(detected), int(trials), float(worth), int(clusters)).bounds().low == shown(low)


def test_fewest_rooms_and_recordings():
    for limit, clusters in table("| limit | distinct rooms and recordings |"):
        enough = Sample(9999, 9999, int(clusters), int(clusters)).bounds().low
        too_few = Sample(9999, 9999, int(clusters) - 1, int(clusters) - 1).bounds().low
        assert enough >= float(limit) > too_few


def test_bounds_of_false_alarms():
    rows = table("| false alarms | distinct hours | a day | lower bound | upper bound |")
    for count, hours, a_day, low, high in rows:
        bounds = rate(int(count), int(hours) / 24)
        assert (int(count) / int(hours) * 24, bounds.low, bounds.high) == (
            shown(a_day),
            shown(low),
            shown(high),
        )
    assert rate(0, 72 / 24).high <= 1.0


def test_chances_of_a_pass():
    for limit, trials, true, chance, at_limit in table(
        "| limit | trials | true rate | chance of PASS | chance of PASS at the limit |"
    ):
        sense, value = limit.rsplit(" ", 1)
        asked = Limit("detection_rate", **{sense.replace(" ", "_"): float(value)})
        counts = np.arange(int(trials) + 1)
        passes = [decide(proportion(k, int(trials)), asked)[0] is Verdict.PASS for k in counts]
        assert binom.pmf(counts, int(trials), float(true))[passes].sum() == shown(chance)
        assert binom.pmf(counts, int(trials), float(value))[passes].sum() == shown(at_limit)


def test_ranks_of_the_latency_bound():
    assert percentile_ranks(59, 0.95)[1] == 59 and percentile_ranks(58, 0.95)[1] is None
    assert percentile_ranks(93, 0.95)[1] == 92
    assert percentile_ranks(92, 0.95)[1] == 92
    assert math.ceil(math.log(0.05) / math.log(0.95)) == 59
