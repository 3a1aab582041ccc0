"""Fixtures for people who write their tests in Python."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.pytest_plugin.options import OPTIONS, build_at

if TYPE_CHECKING:
    from lab.store.results import ScenarioResult

MOST_LETTERS = 120  # of a folder's name, which a file system cuts at 255 bytes


@pytest.fixture
def lab_run(request: pytest.FixtureRequest) -> Callable[..., ScenarioResult]:
    """Run a scenario file and answer its `ScenarioResult`; what it means is for the test to decide.

    `lab_run(path, trials=None, hours=None, seed=None, build=None)`: what is not given is as the command line
    says (`--lab-trials` and so on), else as the scenario says. path, build: relative to where pytest was
    called; build may be the name of a shipped one. The run lies in a folder of its own below `--lab-out`, named by
    the test, and its figures go where those of scenario files do. Raises BadInput for a scenario or build that
    cannot be used, for trials below 1, hours not above 0 or a seed below 0, and for trials or hours where the scenario
    counts the other, LabFailure where a bench could not run some trials.
    """
    out = request.config.stash[OPTIONS].out
    name = re.sub(r"[^\w.-]+", "-", request.node.nodeid).strip("-")[-MOST_LETTERS:]
    numbers = count(1)

    def run(
        path: str | Path,
        *,
        trials: int | None = None,
        hours: float | None = None,
        seed: int | None = None,
        build: str | Path | None = None,
    ) -> ScenarioResult:
        from lab.errors import BadInput, LabFailure
        from lab.pytest_plugin.execution import execute
        from lab.runs.on_rig import told

        for key, value, least in (("trials", trials, 1), ("seed", seed, 0)):
            if value is not None and value < least:
                raise BadInput(f"lab_run: {key} = {value}: {least} or more")
        if hours is not None and not 0.0 < hours < math.inf:
            raise BadInput(f"lab_run: hours = {hours}: a number above 0")
        here = request.config.invocation_params.dir
        folder = out / f"{name}-{next(numbers)}"
        results = execute(
            request.node,
            here / path,
            folder,
            trials=trials,
            hours=hours,
            seed=seed,
            build=None if build is None else build_at(here, build),
        )
        if (lacking := told(results, folder)) is not None:
            raise LabFailure(lacking)
        return results.scenarios[0]

    return run
