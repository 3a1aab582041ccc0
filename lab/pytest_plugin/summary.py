"""The table that closes a pytest run with scenarios in it: the one that `lab run` prints."""

from __future__ import annotations

from io import StringIO
from shutil import get_terminal_size

import pytest
from rich.console import Console

from lab.commands.table import print_results
from lab.pytest_plugin.gathering import Gathering
from lab.pytest_plugin.merging import merge

NARROWEST = 130  # a line per cell; folded columns help nobody in a CI log


def write_summary(terminal: pytest.TerminalReporter, gathering: Gathering) -> None:
    terminal.section("scenarios", sep="-")
    console = Console(
        file=StringIO(), width=max(NARROWEST, get_terminal_size().columns), force_terminal=terminal.hasmarkup
    )
    print_results(merge(gathering.runs, gathering.out.name, gathering.unjudged), console)
    terminal.write(console.file.getvalue())
    if gathering.trouble:
        terminal.line(gathering.trouble, red=True)
    elif gathering.page:
        terminal.line(f"report: {gathering.page}")
