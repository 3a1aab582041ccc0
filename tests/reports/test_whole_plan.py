"""What the page says of a plan that is not whole, of looks, of people and of deviations."""

from pathlib import Path

import pytest

from lab.store.results import CellTrials, Deviation, UnjudgedLimit
from reports import page
from reports.run import open_run
from tests.reports.reading import changed, visible


@pytest.fixture
def lacking(small_folder, tmp_path):
    """The page of a run whose exposure lacks a trial and was judged twice, and of which a scenario was not run at all."""
    exposure, wake_word = open_run(small_folder).results.scenarios
    (row,) = exposure.results
    limit = row.accept[0].model_copy(update={"confidence": 0.999, "bound": 1.25, "verdict": "inconclusive"})
    cells = [CellTrials(cell={"distance_m": 3.0}, planned=145, not_run=1, invalid=0, repeated=1)]
    exposure = exposure.model_copy(
        update={
            "results": [row.model_copy(update={"accept": [limit]})],
            "planned": 145,
            "not_run": 1,
            "not_run_reasons": {"nobody to ask: <b>place</b> the tv": 1},
            "cells": cells,
            "looks": [72, 145],
            "surroundings": {"temperature_c": (20.1, 21.44), "microphone_dba": (31.0, 31.0)},
        }
    )
    left = UnjudgedLimit(
        metric="detection_rate", label="watermark", where={}, limit="at least 0.9", cells=[{"snr_db": 5.0}]
    )
    silent = wake_word.model_copy(
        update={"results": [], "trials": 0, "planned": 12, "not_run": 12, "unjudged": [left]}
    )
    told = Deviation(
        kind="repeated", what="trial 3 was played again: a <i>door</i>", scenario="unmarked_media"
    )
    run = changed(
        small_folder,
        tmp_path,
        scenarios=[exposure, silent],
        operators=["A. Vogel", "M. <b>Ruiz</b>"],
        first="2026-11-20T10:00:03+00:00",
        last="2026-11-21T16:20:00+00:00",
        deviations=[
            told,
            Deviation(kind="lifted", what="safety limit of the bench lifted for this run: playback"),
        ],
    )
    return visible(page.render([run]))


def test_what_was_planned_and_not_run_is_told_with_its_reason_and_cells(lacking):
    assert "planned and not run: 13" in lacking
    assert (
        "1 of 145 planned trials were not run. While they are missing the scenario does not pass. Why: nobody to ask: <b>place</b> the tv (1). "
        "Cells that lack trials: distance 3 m (1 of 145)."
    ) in lacking
    assert "not judged: detection_rate at least 0.9 of watermark, SNR 5 dB: no trial of it was run" in lacking


def test_every_look_and_the_confidence_of_a_bound_that_is_not_the_usual_one_are_told(lacking):
    assert "Judged at 72, then 145 trials a cell." in lacking
    assert "1.25 (99.9 %)" in lacking


def test_who_ran_it_when_in_what_air_and_what_was_otherwise_is_told(lacking):
    assert "Run by A. Vogel, M. <b>Ruiz</b>" in lacking
    assert "2026-11-20T10:00:03+00:00 to 2026-11-21T16:20:00+00:00, first to last trial" in lacking
    assert "Surroundings: temperature 20.1 to 21.4 °C, microphone 31 dB(A)." in lacking
    assert "unmarked_media repeated trial 3 was played again: a <i>door</i>" in lacking
    assert "all lifted safety limit of the bench lifted for this run: playback" in lacking


def test_results_of_the_first_release_make_a_page(tmp_path):
    first = Path(__file__).parents[1] / "store" / "first_results.json"
    (tmp_path / "results.json").write_bytes(first.read_bytes())
    text = visible(page.render([open_run(tmp_path)]))
    assert "Sound card that hears itself" in text
    for words in ("Deviations", "Run by", "Period", "Judged at", "not run"):
        assert words not in text
