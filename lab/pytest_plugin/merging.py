"""One `results.json` and one page out of the runs of single scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.pytest_plugin.gathering import GatheredRun
from lab.store.results import FILE_NAME, Results, ScenarioResult, write
from reports import page
from reports.run import open_run


def write_merged(runs: Sequence[GatheredRun], out: Path) -> Path | None:
    """Write `results.json` and `report.html` into `out`; answers the page, None when there is nothing to merge.

    Only the scenarios that pytest collected itself are merged: a Python test may run one scenario many times,
    each with options of its own. Raises LabFailure when the disk is full.
    """
    collected = [run for run in runs if run.folder.parent == out]
    if not collected:
        return None
    write(merge(collected, out), out / FILE_NAME)
    target = out / "report.html"
    page.write(page.render([open_run(out)], None, out), target)
    return target


def merge(runs: Sequence[GatheredRun], out: Path) -> Results:
    """All scenarios in order of path, whatever order the workers finished in. `wall_s` is their sum."""
    scenarios = sorted((_placed(run, out) for run in runs), key=lambda scenario: (scenario.path, scenario.id))
    return Results(
        run=out.name,
        started=min(run.results.started for run in runs),
        wall_s=sum(run.results.wall_s for run in runs),
        verdict=min((scenario.verdict for scenario in scenarios), key=page.SEVERITY.index),
        scenarios=scenarios,
        environment=runs[0].results.environment,
    )


def _placed(run: GatheredRun, out: Path) -> ScenarioResult:
    """The scenario with the paths of its clips relative to `out`."""
    (scenario,) = run.results.scenarios
    inside = run.folder.relative_to(out)

    def moved(path: str | None) -> str | None:
        return None if path is None else (inside / path).as_posix()

    examples = [
        example.model_copy(update={"clip": moved(example.clip), "spectrogram": moved(example.spectrogram)})
        for example in scenario.examples
    ]
    return scenario.model_copy(update={"examples": examples})
