"""Fixtures for people who write their tests in Python."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab.store.results import ScenarioResult


@pytest.fixture
def lab_run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., ScenarioResult]:
    """Run a scenario file and answer its `ScenarioResult`; what it means is for the test to decide.

    `lab_run(path, trials=None, hours=None, seed=None, build=None)`: what is not given is as the command line
    says (`--lab-trials` and so on), else as the scenario says. path, build: relative to where pytest was
    called; build may be the name of a shipped one. The run lies in the test's `tmp_path`, its figures go to the
    JUnit properties and the closing table. Raises BadInput for a scenario or build that cannot be used, and for
    trials or hours where the scenario counts the other.
    """
    numbers = count(1)

    def run(
        path: str | Path,
        *,
        trials: int | None = None,
        hours: float | None = None,
        seed: int | None = None,
        build: str | Path | None = None,
    ) -> ScenarioResult:
        from lab.pytest_plugin.execution import execute
        from lab.pytest_plugin.options import build_at

        here = request.config.invocation_params.dir
        results = execute(
            request.node,
            here / path,
            tmp_path / f"run-{next(numbers)}",
            trials=trials,
            hours=hours,
            seed=seed,
            build=None if build is None else build_at(here, build),
        )
        return results.scenarios[0]

    return run
