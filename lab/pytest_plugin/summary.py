"""The table that closes a pytest run with scenarios in it."""

from __future__ import annotations

import pytest

from lab.pytest_plugin.failure import figure_words, limit_words
from lab.pytest_plugin.gathering import GatheredRun, Gathering

COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow", "reported": "cyan"}


def write_summary(terminal: pytest.TerminalReporter, gathering: Gathering) -> None:
    terminal.section("scenarios", sep="-")
    for run in sorted(gathering.runs, key=lambda run: run.nodeid):
        _write_run(terminal, run)
    if gathering.trouble:
        terminal.line(gathering.trouble, red=True)
    elif gathering.page:
        terminal.line(f"report: {gathering.page}")


def _write_run(terminal: pytest.TerminalReporter, run: GatheredRun) -> None:
    (scenario,) = run.results.scenarios
    colour = {COLOURS[scenario.verdict]: True}
    terminal.write(f"{scenario.verdict:<13}", **colour)
    invalid = f", {scenario.invalid} invalid" if scenario.invalid else ""
    terminal.line(f"{scenario.id:<24} {scenario.trials} trials{invalid}, {run.results.wall_s:.0f} s  {scenario.title}")
    for row in scenario.results:
        for accept in row.accept:
            terminal.write(f"  {accept.verdict:<13}", **{COLOURS[accept.verdict]: True})
            terminal.line(f"{limit_words(row, accept)}: {figure_words(row, accept)}")
