"""A scenario file as a test: `FILE.toml::ID`, marked with its tags."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from detectors.errors import DetectorError, DetectorFault
from lab.commands.faults import of_path
from lab.errors import BadInput, EarshotError
from lab.pytest_plugin.execution import execute
from lab.pytest_plugin.failure import screen, sick_screen
from lab.pytest_plugin.options import OPTIONS
from lab.scenario.load import is_scenario, load_scenario
from lab.store.results import Results

SEEN = pytest.StashKey[dict[str, Path]]()


class Unhealthy(Exception):
    """The scenario ran on a bench, and trials of it are invalid or were not run."""

    def __init__(self, results: Results, folder: Path) -> None:
        self.results, self.folder = results, folder


class Rejected(Exception):
    """The scenario ran, and its verdict is not `pass`."""

    def __init__(self, results: Results) -> None:
        self.results = results


def collect_scenario(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    return ScenarioFileCollector.from_parent(parent, path=path) if is_scenario(path) else None


class ScenarioFileCollector(pytest.File):
    """One scenario file: one item."""

    def collect(self) -> Iterable[pytest.Item]:
        try:
            scenario = load_scenario(_short(self.path, self.config))
        except BadInput as error:
            raise self.CollectError(str(error)) from None
        first = self.config.stash.setdefault(SEEN, {}).setdefault(scenario.id, self.path)
        if first != self.path:
            raise self.CollectError(f'{self.path}: id = "{scenario.id}" is taken by {first}')
        yield ScenarioItem.from_parent(self, name=scenario.id, tags=scenario.tags)


class ScenarioItem(pytest.Item):
    """Runs one scenario; passes when all its limits pass, or when it states none.

    On a bench without real air limits say nothing: there it passes when every trial was run and is valid.
    """

    def __init__(self, *, tags: tuple[str, ...], **keywords: Any) -> None:
        super().__init__(**keywords)
        for tag in tags:
            # Tags come from files, so they are registered here; an unknown mark would be warned about.
            self.config.addinivalue_line("markers", f"{tag}: scenarios tagged {tag}")
            self.add_marker(tag)

    def runtest(self) -> None:
        options = self.config.stash[OPTIONS]
        results = execute(self, _short(self.path, self.config), options.out / self.name)
        (scenario,) = results.scenarios
        if (options.asserts or ("health" if scenario.origin == "emulated" else "limits")) == "health":
            if scenario.invalid or scenario.not_run:
                raise Unhealthy(results, options.out / self.name)
            return
        verdict = scenario.verdict
        if verdict == "inconclusive" and options.skip_inconclusive and not scenario.not_run:
            pytest.skip("inconclusive: " + "; ".join(_needed(results)))
        if verdict in ("fail", "inconclusive"):
            raise Rejected(results)
        if scenario.not_run:
            raise Unhealthy(results, options.out / self.name)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Rejected):
            return screen(excinfo.value.results)
        if isinstance(excinfo.value, Unhealthy):
            return sick_screen(excinfo.value.results, excinfo.value.folder)
        if isinstance(excinfo.value, EarshotError | DetectorError):
            return str(excinfo.value)
        if isinstance(excinfo.value, DetectorFault):
            return f"{excinfo.value}\n{excinfo.value.trace}".rstrip()
        if (said := of_path(excinfo.value)) is not None:
            return said[0]
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"scenario {self.name}"


def _needed(results: Results) -> list[str]:
    limits = [accept for row in results.scenarios[0].results for accept in row.accept]
    found = [limit.needed for limit in limits if limit.verdict == "inconclusive" and limit.needed]
    return list(dict.fromkeys(found)) or ["too many invalid trials"]


def _short(path: Path, config: pytest.Config) -> Path:
    """Relative to where pytest was called: what messages and commands to copy should say."""
    here = config.invocation_params.dir
    return path.relative_to(here) if path.is_relative_to(here) and here == Path.cwd() else path
