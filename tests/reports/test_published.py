"""The figures in the README are those of the ledger, and could not be others unseen."""

import pytest

from reports import published


def test_readme_shows_what_the_ledger_holds():
    text = published.README.read_text()
    assert published.rewritten(text, published.figures()) == text


def test_other_figures_would_be_seen():
    text = published.README.read_text()
    assert published.rewritten(text, "| 1 m | 1.000 [1.000, 1.000] |") != text


def test_a_readme_without_the_markers_is_refused():
    with pytest.raises(ValueError, match="must stand around the figures"):
        published.rewritten("# Earshot", "figures")
