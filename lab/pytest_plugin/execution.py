"""Running scenarios for a test, and the figures that JUnit and the closing summary show of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.pytest_plugin.gathering import RESULTS
from lab.pytest_plugin.options import OPTIONS
from lab.store.results import Results
from reports.words import unjudged


def execute(item: pytest.Item, path: Path, out: Path, **changes: object) -> Results:
    """Run the scenario file at `path` into the folder `out`, with the options of this pytest run.

    changes: fields of `RunOptions` that a test sets itself; None leaves what the command line says.
    """
    from lab.commands.at_bench import read_rig
    from lab.runs.run import RunOptions, run_scenarios

    chosen = item.config.stash[OPTIONS]
    trials, hours = counts(path, chosen.trials, chosen.hours)
    options = RunOptions(
        out=out,
        trials=trials,
        hours=hours,
        seed=chosen.seed,
        build=chosen.build,
        corpus=chosen.corpus,
        jobs=chosen.jobs,
        rig=None if chosen.rig is None else read_rig(chosen.rig),
        resume=True,  # the folder is this session's own; a test sent again after a crash goes on where it was
    )
    options = replace(options, **{key: value for key, value in changes.items() if value is not None})
    item.stash.setdefault(RESULTS, {})[out] = None
    item.stash[RESULTS][out] = results = run_scenarios([path], options)
    item.user_properties.extend(properties(results))
    return results


def counts(path: Path, trials: int | None, hours: float | None) -> tuple[int | None, float | None]:
    """What the command line says for all scenarios, as far as the one at `path` counts it."""
    if trials is None and hours is None:
        return None, None
    from lab.scenario.load import load_scenario

    by_hours = load_scenario(path).first.hours is not None
    return (None, hours) if by_hours else (trials, None)


def properties(results: Results) -> Iterator[tuple[str, object]]:
    """Figures of the one scenario of `results` as JUnit properties.

    Named `SCENARIO.what` or `SCENARIO.METRIC[DETECTOR,LABEL,CELL].what`, the label followed by its stage in brackets
    where that is another than the device's.
    """
    (scenario,), environment = results.scenarios, results.environment
    for name in ("verdict", "origin", "hash", "seed", "split", "trials", "invalid", "planned", "not_run"):
        yield f"{scenario.id}.{name}", getattr(scenario, name)
    if scenario.scope:
        yield f"{scenario.id}.scope", scenario.scope
    for limit in scenario.unjudged:
        yield f"{scenario.id}.unjudged", unjudged(limit)
    yield f"{scenario.id}.build", environment.build.id
    yield f"{scenario.id}.build_hash", environment.build.hash
    yield f"{scenario.id}.commit", environment.commit
    for row in scenario.results:
        cell = ",".join(f"{key}={value}" for key, value in row.cell.items())
        label = row.label if row.stage == "device" else f"{row.label} ({row.stage})"
        at = ",".join(filter(None, (row.detector, label, cell)))
        if row.detection:
            yield f"{scenario.id}.detection_rate[{at}]", row.detection.rate
            yield f"{scenario.id}.detection_rate[{at}].low", row.detection.low
            yield f"{scenario.id}.detection_rate[{at}].high", row.detection.high
        if row.false_alarms:
            yield f"{scenario.id}.false_alarms_per_day[{at}]", row.false_alarms.per_day
            yield f"{scenario.id}.false_alarms_per_day[{at}].high", row.false_alarms.per_day_high
        if row.latency_s:
            yield f"{scenario.id}.latency_p95_s[{at}]", row.latency_s.p95
        for limit in row.accept:
            yield f"{scenario.id}.{limit.metric}[{at}].limit", limit.limit
            yield f"{scenario.id}.{limit.metric}[{at}].verdict", limit.verdict
            if limit.bound is not None:
                yield f"{scenario.id}.{limit.metric}[{at}].bound", limit.bound
