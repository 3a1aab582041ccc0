"""`lab list`: what scenarios there are, what they test and how long they take."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lab.scenario.cost import core_seconds
from lab.scenario.explain import shown
from lab.scenario.file import ScenarioFile
from lab.scenario.load import SUITE_FILE, find_scenarios, load_suite
from lab.scenario.model import Limit

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
_SENSE = {
    "detection_rate": "{label} detected",
    "false_alarms_per_day": "{label} false alarms a day",
    "active_fraction": "{label} share of time in alarm",
    "latency_p95_s": "{label} 95th percentile of latency, s",
    "false_alarm_rate": "{label} false alarms per trial",
}


def list_scenarios(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders; the shipped ones if none.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only scenarios with this tag.")] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Processes that the time is estimated for.")
    ] = os.cpu_count() or 1,
) -> None:
    """List scenarios: what they test, how many trials, how long they take, which recordings they need."""
    found = [one for one in find_scenarios(paths or [SCENARIOS]) if tag is None or tag in one.tags]
    console = Console()
    for folder, scenarios in groupby(found, key=lambda one: one.path.parent):
        console.print(suite_table(folder, list(scenarios), jobs))


def suite_table(folder: Path, scenarios: Sequence[ScenarioFile], jobs: int) -> Table:
    """One row a scenario, in order of path."""
    suite = folder / SUITE_FILE
    title = load_suite(suite).title if suite.exists() else ""
    table = Table(
        title=f"{folder.name}: {title}" if title else folder.name, title_justify="left", show_lines=True
    )
    table.add_column("id and tags", no_wrap=True)
    table.add_column("what it tests, limits, recordings it needs")
    table.add_column("cells", no_wrap=True)
    table.add_column("about", no_wrap=True, justify="right")
    for one in scenarios:
        table.add_row(
            "\n".join([one.id, *(f"  {tag}" for tag in one.tags)]),
            "\n".join(
                [one.title, *map(limit_text, one.first.accept), *(f"  needs {c}" for c in one.corpora)]
            ),
            cells_text(one),
            duration_text(core_seconds(one) / jobs),
        )
    return table


def cells_text(scenario: ScenarioFile) -> str:
    """`10 x 800 trials`, `1 x 73 h`."""
    first = scenario.first
    each = f"{first.trials} trials" if first.hours is None else f"{first.hours:g} h"
    return f"{len(scenario.cells())} x {each}"


def limit_text(limit: Limit) -> str:
    """`watermark detected >= 0.9 where distance_m = 3.0`."""
    what = _SENSE[limit.metric].format(label=limit.label or "").strip()
    bound = f">= {limit.at_least:g}" if limit.at_least is not None else f"<= {limit.at_most:g}"
    where = ", ".join(f"{name} = {shown(value)}" for name, value in limit.where.items())
    return f"  {what} {bound}" + (f" where {where}" if where else "")


def duration_text(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
