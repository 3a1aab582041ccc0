"""The figures in docs/results against the builds and scenarios as they are now."""

from pathlib import Path

import pytest

from detectors.build import BUILDS, load_build
from lab.scenario.load import find_scenarios
from lab.store import ledger
from tests.store.samples import make_results

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "results"


@pytest.fixture(scope="module")
def builds():
    return {build.id: build.parts for build in map(load_build, sorted(BUILDS.glob("*.toml")))}


@pytest.fixture(scope="module")
def scenarios():
    return {scenario.id: scenario.hash for scenario in find_scenarios([ROOT / "scenarios"])}


def test_published_figures_are_those_of_the_builds_and_scenarios_here(builds, scenarios):
    assert ledger.check(PUBLISHED, builds, scenarios) == []


def test_figures_of_another_build_or_scenario_would_be_seen(tmp_path, builds, scenarios):
    """The check above passes while nothing is published; this shows that it can fail on the real hashes."""
    build_id, build_hash = "reference", builds["reference"]["watermark"]
    scenario_id, scenario_hash = next(iter(scenarios.items()))
    results = make_results(build_hash=build_hash, scenario_hash=scenario_hash)
    results = results.model_copy(
        update={
            "scenarios": [results.scenarios[0].model_copy(update={"id": scenario_id})],
            "environment": results.environment.model_copy(
                update={"build": results.environment.build.model_copy(update={"id": build_id})}
            ),
        }
    )
    ledger.merge(results, tmp_path / "suite.json")
    assert ledger.check(tmp_path, builds, scenarios) == []
    assert len(ledger.check(tmp_path, {**builds, build_id: "0" * 64}, scenarios)) == 1
    assert len(ledger.check(tmp_path, builds, {**scenarios, scenario_id: "0" * 64})) == 1
