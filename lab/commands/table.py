"""The table a run ends with."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.store.results import Accept, Results, Row, ScenarioResult
from reports.words import looks, sure, unjudged

VERDICT_STYLE = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "reported": "dim"}
_COLUMNS = (
    "scenario",
    "cell",
    "label",
    "detected",
    "rate \\[low, high]",
    "false alarms",
    "a day <=",
    "verdict",
)
_NUMBERS = ("detected", "false alarms", "a day <=")
# A table folded into columns of three letters helps nobody in a CI log.
_LOG_WIDTH = 150


def print_results(results: Results, console: Console | None = None) -> None:
    """One line per cell and label, its limits beside it; the run's verdict last."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, _LOG_WIDTH))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        right = name in _NUMBERS
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "verdict")
    for scenario in results.scenarios:
        for number, row in enumerate(scenario.results):
            table.add_row(scenario.id if number == 0 else "", *_cells(row))
    console.print(table)
    for scenario in results.scenarios:
        for reason, count in scenario.invalid_reasons.items():
            console.print(f"[yellow]{scenario.id}: {count} of {scenario.trials} trials invalid: {reason}[/]")
        for reason, count in scenario.not_run_reasons.items():
            console.print(
                f"[yellow]{scenario.id}: {count} trials not run: {escape(reason)}[/]", soft_wrap=True
            )
        for line in _plan(scenario):
            console.print(f"[yellow]{escape(line)}[/]", soft_wrap=True)
    for one in results.deviations:
        of = "" if one.scenario is None else f"{one.scenario}: "
        console.print(f"[yellow]{escape(f'{of}{one.what}')}[/]", soft_wrap=True)
    for one in results.unjudged:
        console.print(f"[yellow]{escape(one.test)}: no results: {escape(one.reason)}[/]", soft_wrap=True)
    build = results.environment.build
    origins = ", ".join(sorted({scenario.origin for scenario in results.scenarios}))
    verdict = f"[{VERDICT_STYLE[results.verdict]}]{results.verdict.upper()}[/]"
    scopes = sorted({scenario.scope for scenario in results.scenarios if scenario.scope})
    of = f" ({', '.join(scopes)})" if scopes else ""
    console.print(f"build {build.id} ({build.hash[:12]}), origin {origins}: {verdict}{of}")


def _plan(scenario: ScenarioResult) -> Iterator[str]:
    """What is missing of the plan, and whether the plan grew."""
    if scenario.not_run:
        yield f"{scenario.id}: {scenario.not_run} of {scenario.planned} planned trials were not run"
    yield from (f"{scenario.id}: {unjudged(limit)}" for limit in scenario.unjudged)
    if len(scenario.looks) > 1:
        yield f"{scenario.id}: judged at {looks(scenario)}: limits take bounds of 99.9 %"


def _cells(row: Row) -> list[str]:
    found, alarms = row.detection, row.false_alarms
    return [
        " ".join(f"{key}={value}" for key, value in row.cell.items()),
        row.label if row.stage == "device" else f"{row.label} ({row.stage})",
        f"{found.detected}/{found.trials}" if found else "",
        f"{found.rate:.3f} \\[{found.low:.3f}, {found.high:.3f}]" if found else "",
        f"{alarms.count} in {alarms.hours:.2f} h" if alarms else "",
        f"{alarms.per_day_high:.3g}" if alarms else "",
        "\n".join(_verdict(accept) for accept in row.accept) or "[dim]reported[/]",
    ]


def _verdict(accept: Accept) -> str:
    bound = "" if accept.bound is None else f" (bound {accept.bound:.3g}{sure(accept)})"
    needed = f": {accept.needed}" if accept.needed else ""
    return (
        f"[{VERDICT_STYLE[accept.verdict]}]{accept.verdict}[/] {accept.metric} {accept.limit}{bound}{needed}"
    )
