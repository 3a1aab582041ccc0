"""The table a run ends with."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from lab.store.results import Accept, Results, Row, ScenarioResult

VERDICT_STYLE = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "reported": "dim"}


def print_results(results: Results, console: Console | None = None) -> None:
    """One line per cell and label, its limits beside it; the run's verdict last."""
    # Wide enough for a line per cell: a table folded into columns of three letters helps nobody in a CI log.
    console = console or Console()
    if not console.is_terminal and console.width < 130:
        console = Console(width=130)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (
        "scenario",
        "cell",
        "label",
        "detected",
        "rate \\[low, high]",
        "false alarms",
        "per day <=",
        "limit",
        "verdict",
    ):
        table.add_column(
            name, justify="right" if name in ("detected", "false alarms", "per day <=") else "left"
        )
    for scenario in results.scenarios:
        for number, row in enumerate(scenario.results):
            table.add_row(scenario.id if number == 0 else "", *_cells(row, scenario))
        if scenario.invalid:
            table.add_row("", f"[yellow]{scenario.invalid} of {scenario.trials} trials invalid[/]")
    console.print(table)
    build = results.environment.build
    console.print(
        f"build {build.id} ({build.hash[:12]}), origin {', '.join(sorted({s.origin for s in results.scenarios}))}: "
        f"[{VERDICT_STYLE[results.verdict]}]{results.verdict.upper()}[/]"
    )


def _cells(row: Row, scenario: ScenarioResult) -> list[str]:
    cell = " ".join(f"{key}={value}" for key, value in row.cell.items())
    found, alarms = row.detection, row.false_alarms
    return [
        cell,
        row.label,
        f"{found.detected}/{found.trials}" if found else "",
        f"{found.rate:.3f} \\[{found.low:.3f}, {found.high:.3f}]" if found else "",
        f"{alarms.count} in {alarms.hours:.2f} h" if alarms else "",
        f"{alarms.per_day_high:.2f}" if alarms else "",
        "\n".join(_limit(accept) for accept in row.accept),
        "\n".join(_verdict(accept) for accept in row.accept) or "[dim]reported[/]",
    ]


def _limit(accept: Accept) -> str:
    bound = "" if accept.bound is None else f" (bound {accept.bound:.3g})"
    return f"{accept.metric} {accept.limit}{bound}"


def _verdict(accept: Accept) -> str:
    needed = f": {accept.needed}" if accept.needed else ""
    return f"[{VERDICT_STYLE[accept.verdict]}]{accept.verdict}[/]{needed}"
