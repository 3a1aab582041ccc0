"""The tables of `lab history`: runs, and published evidence. Builds and origins are never added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from lab.commands.table import VERDICT_STYLE
from lab.store.counts import Counts
from lab.store.ledger import Entry, Ledger
from lab.store.past import PastRun
from lab.store.results import Row, Scalar

WIDTH = 160  # where the output is no terminal: one line a cell, for logs and grep


@dataclass(frozen=True)
class Figures:
    """What one cell and label came to; bounds are one-sided 95 %, None where there is nothing to bound."""

    what: str
    detected: str = ""
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    alarms: str = ""
    per_day_high: float | None = None

    @property
    def rate_text(self) -> str:
        return "" if self.rate is None else f"{self.rate:.3f} \\[{self.low:.3f}, {self.high:.3f}]"

    @property
    def per_day_text(self) -> str:
        return "" if self.per_day_high is None else f"{self.per_day_high:.2f}"


def print_history(
    runs: Sequence[PastRun],
    ledgers: Mapping[str, Ledger],
    *,
    every_cell: bool = False,
    console: Console | None = None,
) -> None:
    """runs: oldest first. ledgers: by suite. Without `every_cell` only the worst cells are shown."""
    console = console or Console()
    if not console.is_terminal and console.width < WIDTH:
        console = Console(width=WIDTH)
    published = {suite: ledger for suite, ledger in ledgers.items() if ledger.entries}
    if not runs and not published:
        console.print("no runs and no published evidence here; `lab run` makes the first")
    if runs:
        console.print(_runs_table(runs, every_cell))
    for suite, ledger in published.items():
        console.print(_ledger_table(suite, ledger, every_cell))


def _table(title: str, first: str, last: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    right = ("trials", "detected", "false alarms", "per day <=")
    middle = ("build", "scenario", "origin", "trials", "cell", "detected", "rate \\[low, high]", *right[2:])
    for name in (first, *middle, last):
        table.add_column(name, justify="right" if name in right else "left")
    return table


def _runs_table(runs: Sequence[PastRun], every_cell: bool) -> Table:
    table = _table("Runs", "started", "verdict")
    for run in runs:
        if run.results is None:
            _add_unfinished(table, run)
            continue
        build = run.results.environment.build
        for scenario in run.results.scenarios:
            head = (_minute(run.started), _build(build.id, build.hash), scenario.id, scenario.origin)
            trials = _trials(scenario.trials, scenario.invalid)
            verdict = f"[{VERDICT_STYLE[scenario.verdict]}]{scenario.verdict}[/]"
            _add_lines(table, (*head, trials), map(_figures_of_row, scenario.results), verdict, every_cell)
    return table


def _add_unfinished(table: Table, run: PastRun) -> None:
    record = run.record
    build = _build(record.build_id, record.build_hash) if record else ""
    state = f"[yellow]{record.state}[/]" if record else ""
    for scenario, trials in (run.trials or {"": 0}).items():
        table.add_row(_minute(run.started), build, scenario, "", str(trials), "", "", "", "", "", state)


def _ledger_table(suite: str, ledger: Ledger, every_cell: bool) -> Table:
    table = _table(f"\nEvidence: {suite}", "days", "seeds")
    for entry in ledger.entries:
        days = entry.first if entry.first == entry.last else f"{entry.first} to {entry.last}"
        build = _build(entry.build, entry.build_hash)
        head = (days, build if entry.current else f"[dim]{build}[/]", entry.scenario, entry.origin)
        seeds = entry.seeds if entry.current else f"{entry.seeds} [dim](superseded)[/]"
        _add_lines(
            table, (*head, _entry_trials(entry)), map(_figures_of_counts, entry.totals()), seeds, every_cell
        )
    return table


def _add_lines(
    table: Table, head: tuple[str, ...], figures: Iterable[Figures], last: str, every_cell: bool
) -> None:
    shown = list(figures)
    for number, one in enumerate(shown if every_cell else _worst(shown)):
        start, end = (head, last) if number == 0 else (("",) * len(head), "")
        table.add_row(*start, one.what, one.detected, one.rate_text, one.alarms, one.per_day_text, end)


def _worst(figures: Sequence[Figures]) -> list[Figures]:
    """The cell with the lowest detection bound and the one with the highest false-alarm bound, once each."""
    found = [one for one in figures if one.low is not None]
    alarmed = [one for one in figures if one.per_day_high is not None]
    picked = [min(found, key=lambda one: one.low)] if found else []
    if alarmed:
        picked.append(max(alarmed, key=lambda one: one.per_day_high))
    return list(dict.fromkeys(picked)) or list(figures[:1])


def _figures_of_row(row: Row) -> Figures:
    found, alarms = row.detection, row.false_alarms
    return Figures(
        what=_what(row.cell, row.label, row.stage),
        detected=f"{found.detected}/{found.trials}" if found else "",
        rate=found.rate if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        alarms=f"{alarms.count} in {alarms.hours:.2f} h" if alarms else "",
        per_day_high=alarms.per_day_high if alarms else None,
    )


def _figures_of_counts(counts: Counts) -> Figures:
    found, alarms = counts.detection_bounds, counts.false_alarms_per_day
    return Figures(
        what=_what(counts.cell, counts.label, counts.stage),
        detected=f"{counts.detected}/{counts.trials}" if found else "",
        rate=counts.detected / counts.trials if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        alarms=f"{counts.false_alarms} in {counts.hours:.2f} h" if alarms else "",
        per_day_high=alarms.high if alarms else None,
    )


def _what(cell: Mapping[str, Scalar], label: str, stage: str) -> str:
    place = "" if stage == "device" else f" ({stage})"
    return " ".join([*(f"{key}={value}" for key, value in cell.items()), f"{label}{place}"])


def _build(name: str, content: str) -> str:
    return f"{name} {content[:8]}"


def _minute(started: str) -> str:
    return started[:16].replace("T", " ")


def _trials(trials: int, invalid: int) -> str:
    return f"{trials} ({invalid} invalid)" if invalid else str(trials)


def _entry_trials(entry: Entry) -> str:
    return _trials(sum(share.trials for share in entry.shares), sum(share.invalid for share in entry.shares))
