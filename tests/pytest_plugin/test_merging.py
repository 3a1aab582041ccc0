"""What a session says of the builds, detectors and stages that its scenarios were run with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.pytest_plugin.execution import properties
from lab.pytest_plugin.failure import screen
from lab.pytest_plugin.gathering import GatheredRun
from lab.pytest_plugin.merging import merge, write_merged
from lab.store import results as results_file
from lab.store.results import Deviation, Results
from tests.reports.synthetic_run import synthetic_results


def of_one(number: int, build: str = "reference") -> Results:
    """The numbered scenario of the synthetic run, as a test of its own leaves it."""
    results = synthetic_results(build=build)
    identity = results.environment.build.model_copy(update={"id": build, "hash": build[0] * 64})
    environment = results.environment.model_copy(update={"build": identity})
    scenario = results.scenarios[number]
    return results.model_copy(
        update={"scenarios": [scenario], "environment": environment, "verdict": scenario.verdict}
    )


@pytest.fixture
def two_stages() -> Results:
    """Detections of one label by the device and by the cascade, neither of them sure."""
    results = of_one(3)
    (scenario,) = results.scenarios
    (row,) = scenario.results
    asked = synthetic_results().scenarios[1].results
    limit = next(accept for one in asked for accept in one.accept)
    row = row.model_copy(
        update={"accept": [limit.model_copy(update={"where": {}, "verdict": "inconclusive"})]}
    )
    rows = [row, row.model_copy(update={"stage": "cascade"})]
    return results.model_copy(update={"scenarios": [scenario.model_copy(update={"results": rows})]})


def test_scenarios_of_two_builds_are_never_told_under_one(tmp_path: Path):
    runs = []
    for number, build in ((0, "reference"), (2, "household"), (3, "reference")):
        results = of_one(number, build)
        folder = tmp_path / results.scenarios[0].id
        runs.append(GatheredRun(build, folder, results))
    html = write_merged(runs, tmp_path).read_text(encoding="utf-8")
    leads = re.findall(r'<div class="banner.*?</dl>', html, flags=re.DOTALL)
    assert [re.search(r"<strong>(\w+)</strong>", lead)[1] for lead in leads] == ["household", "reference"]
    assert "Verdicts and limits: " + f"{tmp_path.name}, build household" in html
    merged = results_file.read(tmp_path)
    assert merged.environment.build.id == "household + reference"
    assert not merged.environment.build.hash.startswith(("r", "h"))
    assert len(merged.scenarios) == 3


def test_scenarios_of_one_build_keep_its_identity(tmp_path: Path):
    runs = [
        GatheredRun(str(number), tmp_path / results.scenarios[0].id, results)
        for number, results in ((2, of_one(2)), (3, of_one(3)))
    ]
    html = write_merged(runs, tmp_path).read_text(encoding="utf-8")
    assert html.count('<div class="banner') == 1
    assert results_file.read(tmp_path).environment.build == of_one(2).environment.build


def test_junit_names_each_figure_once_and_says_what_was_tested(two_stages: Results):
    found = list(properties(two_stages))
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    assert "wake_word.detection_rate[watermark,watermark].low" in names
    assert "wake_word.detection_rate[watermark,watermark (cascade)].low" in names
    values = dict(found)
    assert values["wake_word.build"] == "reference" and values["wake_word.build_hash"] == "r" * 64
    assert values["wake_word.commit"] == two_stages.environment.commit
    assert isinstance(values["wake_word.detection_rate[watermark,watermark].bound"], float)


def test_a_failure_tells_the_detector_and_the_stage_of_each_limit(two_stages: Results):
    text = screen(two_stages)
    assert "    by watermark (device): bound" in text
    assert "    by watermark (cascade): bound" in text


def test_a_session_tells_who_ran_its_parts_when_and_what_was_otherwise(tmp_path: Path):
    few = Deviation(kind="trials", what="4 trials a cell, where the scenario asks for 40", scenario="snr")
    parts = [
        {
            "operators": ["A. Vogel"],
            "first": "2026-11-20T10:00:00+00:00",
            "last": "2026-11-20T11:00:00+00:00",
        },
        {"operators": ["A. Vogel", "M. Ruiz"], "deviations": [few]},
        {"first": "2026-11-20T09:00:00+00:00", "last": "2026-11-20T09:30:00+00:00", "deviations": [few]},
    ]
    runs = [
        GatheredRun(str(number), tmp_path / str(number), of_one(number).model_copy(update=part))
        for number, part in enumerate(parts)
    ]
    merged = merge(runs, "session")
    assert merged.operators == ["A. Vogel", "M. Ruiz"]
    assert (merged.first, merged.last) == ("2026-11-20T09:00:00+00:00", "2026-11-20T11:00:00+00:00")
    assert merged.deviations == [few]
