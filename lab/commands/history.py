"""`lab history`: what earlier runs found, and what the published evidence adds up to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def history(
    stores: Annotated[
        list[Path] | None, typer.Argument(help="Run folders, or folders of them; default: runs.")
    ] = None,
    ledger: Annotated[Path, typer.Option(help="Folder of the evidence ledgers.")] = Path("docs/results"),
    store: Annotated[str | None, typer.Option(help="Database URL; default: SQLite in each folder.")] = None,
    cells: Annotated[bool, typer.Option("--cells", help="Every cell, not only the worst.")] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Add the runs named to the ledgers first.")
    ] = False,
) -> None:
    """List runs and the evidence ledgers: build, trials, rates with their bounds, verdict.

    Without --cells a scenario shows its worst cell only: the one with the lowest detection bound, and the
    one with the highest false-alarm bound.
    """
    from lab.commands.history_table import print_history
    from lab.errors import BadInput
    from lab.store import past

    if publish and not stores:
        raise BadInput("--publish needs the folders of the runs to add to the ledgers")
    runs = past.past_runs(stores or [Path("runs")], store, must_exist=bool(stores))
    if publish:
        for run in runs:
            for path in past.publish(run, ledger):
                print(f"published: {run.folder} in {path}")
    print_history(runs, past.read_ledgers(ledger), every_cell=cells)
