"""Scenarios as tests with the real core: rooms, watermark, detector, verdicts."""

from __future__ import annotations

import pytest

from lab.store import results as results_file
from lab.store.results import ScenarioResult
from tests.pytest_plugin.conftest import ROOT, WriteScenario


def scenarios_in(folder) -> list[ScenarioResult]:
    return results_file.read(folder).scenarios


def test_workers_find_what_one_process_finds(
    pytester: pytest.Pytester, write_scenario: WriteScenario, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    write_scenario("near", title="Heard at one metre")
    write_scenario("elsewhere", title="Heard at one metre, other draws")
    alone = pytester.runpytest_subprocess(
        "--lab-out", "alone", "--lab-jobs", "1", "--lab-inconclusive", "skip"
    )
    spread = pytester.runpytest_subprocess("--lab-out", "spread", "-n", "2", "--lab-inconclusive", "skip")
    for result in (alone, spread):
        result.stdout.fnmatch_lines(["near *watermark*4/4*", "report: *report.html"])
        assert result.parseoutcomes().get("failed", 0) == 0
    assert scenarios_in(pytester.path / "alone") == scenarios_in(pytester.path / "spread")
