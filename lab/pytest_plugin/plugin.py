"""The pytest plugin: only hooks. `pytest FOLDER` runs every scenario file in it as a test.

It is loaded by every pytest run in the environment, so it imports nothing of the lab until a scenario
file or one of its fixtures is met.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from lab.pytest_plugin.fixtures import lab_run
from lab.pytest_plugin.gathering import GATHERING, Gathering, attach
from lab.pytest_plugin.options import OPTIONS, add_options, read_options

__all__ = ["lab_run"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OPTIONS] = read_options(config)
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist reports to the controller
        config.stash[GATHERING] = Gathering(config.stash[OPTIONS].out)
        config.pluginmanager.register(config.stash[GATHERING], "earshot-gathering")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".toml" or "earshot-" not in file_path.read_text(errors="replace"):
        return None
    from lab.pytest_plugin.items import collect_scenario

    return collect_scenario(file_path, parent)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    attach(item, report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if GATHERING in config.stash and config.stash[GATHERING].runs:
        from lab.pytest_plugin.summary import write_summary

        write_summary(terminalreporter, config.stash[GATHERING])
