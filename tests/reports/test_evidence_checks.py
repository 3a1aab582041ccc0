"""Verdicts that counts bear, and those that they do not."""

from math import inf

import pytest

from lab.commands.evidence_figures import as_borne, by_cells
from reports.evidence import Figures, read, write
from reports.evidence_cells import found as found_cell
from reports.evidence_checks import borne, short
from reports.evidence_tables import found
from tests.reports.test_targets import line

SILENT = {"silent_share": 0.0, "limit": "at most 0.01"}


@pytest.mark.parametrize(
    ("given", "bears"),
    [
        # One-sided bounds of 0 of n: 1 - 0.05^(1/n) once all is there, 1 - 0.001^(1/n) before.
        ({**SILENT, "silent_trials": 299, "complete": True}, True),
        ({**SILENT, "silent_trials": 298, "complete": True}, False),
        ({**SILENT, "silent_trials": 390}, False),
        ({**SILENT, "silent_trials": 688}, True),
        # Of no event in so many days: 3.00 and 6.91 are the upper bounds of the mean.
        ({"of_hours": True, "hours": 144.0, "limit": "at most 0.5", "complete": True}, True),
        ({"of_hours": True, "hours": 143.0, "limit": "at most 0.5", "complete": True}, False),
        ({"of_hours": True, "hours": 240.0, "limit": "at most 0.5"}, False),
        ({"of_hours": True, "hours": 332.0, "limit": "at most 0.5"}, True),
        ({"trials": 240, "detected": 234, "limit": "at least 0.95", "complete": True}, True),
        ({"trials": 240, "detected": 233, "limit": "at least 0.95", "complete": True}, False),
    ],
)
def test_a_verdict_is_borne_by_bounds_of_what_counts_are_worth_at_most(given, bears):
    said = line(verdict="pass", **given)
    assert borne(said) is bears
    assert as_borne(said).verdict == ("pass" if bears else "inconclusive")
    assert bears or as_borne(said).needed == "the rest of what is planned: as it stands it would pass"


def test_a_miss_has_to_be_borne_as_well():
    assert borne(line(verdict="fail", trials=240, detected=200, limit="at least 0.9", complete=True))
    assert not borne(line(verdict="fail", trials=240, detected=210, limit="at least 0.9", complete=True))
    assert not borne(line(verdict="fail", trials=240, detected=205, limit="at least 0.9"))
    hours = {"of_hours": True, "hours": 24.0, "limit": "at most 1", "false_alarms": 1, "complete": True}
    assert not borne(line(verdict="fail", **hours))
    assert borne(line(verdict="fail", **hours, active=0.002))  # an alarm that does not stop
    assert borne(line(verdict="inconclusive", trials=240, detected=0, limit="at least 0.9"))


@pytest.mark.parametrize(
    ("hits", "is_short"),
    [
        # 284 of 311 is at most 0.9450 with 5 % shared among four cells; 287 of 311 at most 0.9531.
        (284, True),
        (287, False),
        (311, False),
    ],
)
def test_a_cell_that_alone_breaks_the_limit_makes_the_row_missed(hits, is_short):
    said = line(
        verdict="pass", trials=1244, detected=1213, limit="at least 0.95", complete=True, cells=4,
        worst=("variant music", hits, 311), low=0.966, high=0.982,
    )  # fmt: skip
    assert (short(said) is not None) is is_short
    assert borne(said) is not is_short
    judged = by_cells(said)
    assert judged.verdict == ("fail" if is_short else "pass") and borne(judged)
    assert (found_cell(judged).endswith(", at most 0.945")) is is_short


def test_of_two_cells_before_all_is_there_the_bound_is_wider():
    said = line(trials=400, detected=380, limit="at least 0.9", cells=2, worst=("route across", 170, 200))
    assert short(said) is None  # at most 0.918 at 99.95 %
    assert short(said.model_copy(update={"complete": True})) == pytest.approx(0.8965, abs=0.0001)


def test_a_median_that_is_never_reached_is_missed_and_stays_so_when_it_is_read_again(tmp_path):
    never = line(
        trials=240, detected=80, median_s=0.5, median_low_s=inf, median_high_s=inf, median_limit_s=0.6
    )
    nothing = line(trials=240, median_low_s=inf, median_high_s=inf, median_limit_s=0.6)
    figures = Figures(title="t", suite="s", under_test="presence", lines=[never, nothing])
    write(figures, tmp_path / "figures.json")
    again = read(tmp_path / "figures.json")
    assert again == figures
    section = type("S", (), {"groups": ["g"]})
    told = "\n".join(found(again, section))
    assert "0.50 s [-, -], at most 0.6: **missed**" in told and "- [-, -], at most 0.6: **missed**" in told
