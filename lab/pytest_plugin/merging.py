"""One `results.json` and one page out of the runs of single scenarios."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lab.pytest_plugin.gathering import GatheredRun
from lab.store.results import FILE_NAME, BuildIdentity, Environment, Results, Unjudged, write
from reports import page
from reports.run import Run, open_run


def write_merged(runs: Sequence[GatheredRun], out: Path, unjudged: Sequence[Unjudged] = ()) -> Path:
    """Write `results.json` and `report.html` into `out`, the parent of all folders of `runs`; answers the page.

    A scenario that Python tests ran several times is there as often. Scenarios of several builds have a part of the
    page each, with a verdict of its own. Raises LabFailure when the disk is full.
    """
    seen = [seen_from(out, run) for run in runs]
    write(merge(seen, out.name, unjudged), out / FILE_NAME)
    whole, target = open_run(out), out / "report.html"
    parts = [Run(out, merge(group, out.name, unjudged), whole.sha256) for group in _by_build(seen)]
    page.write(page.render(parts, folder=out), target)
    return target


def merge(runs: Sequence[GatheredRun], name: str, unjudged: Sequence[Unjudged] = ()) -> Results:
    """All scenarios in order of path, whatever order the workers finished in. `wall_s` is their sum.

    The verdict is that of the worst, and at best inconclusive where scenarios are `unjudged`.
    """
    scenarios = sorted(
        (scenario for run in runs for scenario in run.results.scenarios),
        key=lambda scenario: (scenario.path, scenario.id),
    )
    verdicts = {scenario.verdict for scenario in scenarios} | ({"inconclusive"} if unjudged else set())
    several = [run.results for run in runs]
    return Results(
        run=name,
        started=min(run.results.started for run in runs),
        wall_s=round(sum(run.results.wall_s for run in runs), 1),
        verdict=min(verdicts, key=page.SEVERITY.index),
        scenarios=scenarios,
        environment=_environment(runs),
        unjudged=list(unjudged),
        operators=list(dict.fromkeys(name for one in several for name in one.operators)),
        first=min((one.first for one in several if one.first is not None), default=None),
        last=max((one.last for one in several if one.last is not None), default=None),
        deviations=list(dict.fromkeys(found for one in several for found in one.deviations)),
    )


def _by_build(runs: Sequence[GatheredRun]) -> list[list[GatheredRun]]:
    groups: dict[str, list[GatheredRun]] = {}
    for run in sorted(runs, key=lambda run: run.results.environment.build.id):
        groups.setdefault(run.results.environment.build.hash, []).append(run)
    return list(groups.values())


def _environment(runs: Sequence[GatheredRun]) -> Environment:
    """That of the first run. Where builds differ it names all of them, under a hash of their hashes."""
    first = runs[0].results.environment
    builds = [group[0].results.environment.build for group in _by_build(runs)]
    if len(builds) == 1:
        return first
    several = BuildIdentity(
        id=" + ".join(build.id for build in builds),
        hash=hashlib.sha256("".join(build.hash for build in builds).encode()).hexdigest(),
        path=" + ".join(build.path for build in builds),
    )
    return first.model_copy(update={"build": several})


def seen_from(out: Path, run: GatheredRun) -> GatheredRun:
    """The run with the paths of its clips relative to `out`, a parent of its folder."""
    inside = run.folder.relative_to(out)

    def moved(path: str | None) -> str | None:
        return None if path is None else (inside / path).as_posix()

    scenarios = [
        scenario.model_copy(
            update={
                "examples": [
                    example.model_copy(
                        update={"clip": moved(example.clip), "spectrogram": moved(example.spectrogram)}
                    )
                    for example in scenario.examples
                ]
            }
        )
        for scenario in run.results.scenarios
    ]
    return replace(run, results=run.results.model_copy(update={"scenarios": scenarios}))
