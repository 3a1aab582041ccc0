"""What the scenario tests of a session found, carried from workers to the controller and written once.

A test runs where pytest-xdist sends it. Its results travel as text on the test report, which crosses the
process border; only the controller gathers them, and writes one `results.json` and one page at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab.store.results import Results

# Runs of an item, in order: (folder, results)
RESULTS = pytest.StashKey["list[tuple[Path, Results]]"]()


@dataclass(frozen=True)
class GatheredRun:
    """nodeid: of the test. folder: where its results lie. results: of one scenario."""

    nodeid: str
    folder: Path
    results: Results


def attach(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put what the item ran on its report, as text."""
    if report.when == "call" and RESULTS in item.stash:
        report.earshot_runs = [(str(out), results.model_dump_json()) for out, results in item.stash[RESULTS]]


class Gathering:
    """Plugin of the controller (or of the only process). `runs` fills as reports come in."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.runs: list[GatheredRun] = []
        self.page: Path | None = None
        self.trouble: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        carried = getattr(report, "earshot_runs", ())
        if carried:
            from lab.store.results import Results

            for folder, text in carried:
                results = Results.model_validate_json(text)
                self.runs.append(GatheredRun(report.nodeid, Path(folder), results))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.runs:
            return
        from lab.errors import EarshotError
        from lab.pytest_plugin.merging import write_merged

        try:
            self.page = write_merged(self.runs, self.out)
        except EarshotError as error:
            self.trouble = str(error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


GATHERING = pytest.StashKey[Gathering]()
