"""What the scenario tests of a session found, carried from workers to the controller and written once.

A test runs where pytest-xdist sends it. Its results travel as text on the test report, which crosses the
process border; only the controller gathers them, and writes one `results.json` and one page at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab.store.results import Results, Unjudged

# Runs of an item, in order: folder -> results, None for a run that broke
RESULTS = pytest.StashKey["dict[Path, Results | None]"]()


@dataclass(frozen=True)
class GatheredRun:
    """nodeid: of the test. folder: where its results lie. results: of one scenario."""

    nodeid: str
    folder: Path
    results: Results


def attach(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put what the item ran on its report, as text."""
    if report.when == "call" and RESULTS in item.stash:
        report.earshot_runs = [
            (str(out), results and results.model_dump_json()) for out, results in item.stash[RESULTS].items()
        ]


class Gathering:
    """Plugin of the controller (or of the only process). `runs` fills as reports come in.

    `missing` names the scenarios that the session was to run, with the reason while they have no results, and None
    once they have. A test in Python is among them when it failed as a run of its broke.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.runs: list[GatheredRun] = []
        self.missing: dict[str, str | None] = {}
        self.page: Path | None = None
        self.trouble: str | None = None

    @property
    def unjudged(self) -> list[Unjudged]:
        from lab.store.results import Unjudged

        return [Unjudged(test=nodeid, reason=reason) for nodeid, reason in self.missing.items() if reason]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and report.nodeid.endswith(".toml"):
            self.missing[report.nodeid] = _reason(report)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._expect(ids)

    def _expect(self, ids: Iterable[str]) -> None:
        for nodeid in ids:  # of every worker, also of one that joins later
            if nodeid.partition("::")[0].endswith(".toml"):
                self.missing.setdefault(nodeid, "not run: the session ended before")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if nodeid in self.missing:
            self.missing[nodeid] = "interrupted"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        carried = getattr(report, "earshot_runs", ())
        broken = any(text is None for _, text in carried)
        waiting = self.missing.get(report.nodeid) is not None and not carried
        if not report.passed and (broken or waiting):
            self.missing[report.nodeid] = _reason(report)
        elif carried:
            self.missing[report.nodeid] = None
        for folder, text in carried:
            if text is not None:
                from lab.store.results import Results

                results = Results.model_validate_json(text)
                self.runs.append(GatheredRun(report.nodeid, Path(folder), results))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.runs:
            return
        from lab.errors import EarshotError
        from lab.pytest_plugin.merging import write_merged

        try:
            self.page = write_merged(self.runs, self.out, self.unjudged)
        except EarshotError as error:
            self.trouble = str(error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test has failed or was skipped, in a line."""
    told = report.longrepr
    if isinstance(told, tuple):  # of a skip: file, line, reason
        return told[2]
    crash = getattr(told, "reprcrash", None)
    lines = (crash.message if crash else str(told)).splitlines()
    return next(filter(None, lines), report.outcome)


GATHERING = pytest.StashKey[Gathering]()
