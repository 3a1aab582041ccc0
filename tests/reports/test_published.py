"""The figures in the README are those of the results, and could not be others unseen."""

from pathlib import Path

import pytest

from lab.runs.evidence import load_plan
from lab.store import ledger
from reports import evidence, published
from reports.evidence_checks import unsupported

FIGURES = sorted(published.RESULTS.glob("*/figures.json"))


def test_readme_shows_what_the_results_hold():
    text = published.README.read_text()
    assert published.rewritten(text, published.figures()) == text


def test_other_figures_would_be_seen():
    text = published.README.read_text()
    assert published.rewritten(text, "| 1 m | 1.000 [1.000, 1.000] |") != text


def test_a_readme_without_the_markers_is_refused():
    with pytest.raises(ValueError, match="must stand around the figures"):
        published.rewritten("# Earshot", "figures")


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.parent.name)
def test_a_page_of_evidence_shows_its_figures_and_these_are_the_ledgers(path):
    figures, beside = evidence.read(path), path.parent
    assert evidence.page(figures) == beside.with_suffix(".md").read_text()
    plan = load_plan(Path("scenarios") / beside.name / "evidence.toml")
    cells = {row.name: [dict(cell.values) for cell in row.cells] for row in plan.rows}
    assert unsupported(figures, ledger.read(beside.with_suffix(".json")).entries, cells) == []
