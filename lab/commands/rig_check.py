"""The screen of `lab rig check`."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detectors.build import load_build
from lab.bench.physical.health import Check, Mark, check_bench
from lab.bench.physical.log import BenchLog
from lab.bench.physical.opened import opened
from lab.bench.physical.upkeep import confirm_safe, last_left
from lab.commands.at_bench import person, read_rig
from lab.errors import LabFailure
from rigs.console_text import escaped
from rigs.errors import OperatorAbsent, RigError
from rigs.locks import lease
from rigs.rig_file import RigFile

STYLE = {
    Mark.GOOD: "[bold green]  OK  [/]",
    Mark.LOOK: "[bold yellow] LOOK [/]",
    Mark.BAD: "[bold white on red] FIX  [/]",
}


def check(bench: str, sound: bool, build: Path | None, folder: Path) -> int:
    """Answers 0 when the bench is fit, 4 when it is not. Raises BadInput for a bad rig file, LabFailure when taken."""
    rig = read_rig(bench)
    expected = load_build(build) if build is not None else None
    operator = person(ask=True)
    _word(rig, operator)
    left = last_left(rig)
    log = BenchLog(folder / "bench.log")
    try:
        with (
            lease(rig.id, "lab rig check") as held,
            opened(rig, folder, operator, log, held, tolerant=True) as (_, ins),
        ):
            found = check_bench(rig, ins, left, expected, sound)
    except RigError as error:
        raise LabFailure(f"bench {rig.id}: {error}") from error
    show(rig, found)
    return 4 if any(one.mark is Mark.BAD for one in found) else 0


def show(rig: RigFile, found: Sequence[Check], console: Console | None = None) -> None:
    console = console or Console()
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for column in ("mark", "what", "found"):
        table.add_column(column, overflow="fold")
    for one in found:
        remedy = f"\n[bold]-> {escape(one.remedy)}[/]" if one.mark is not Mark.GOOD and one.remedy else ""
        table.add_row(STYLE[one.mark], f"[bold]{escape(one.what)}[/]", escape(escaped(one.found)) + remedy)
    console.print(f"[bold]{escape(rig.id)}[/]  {rig.kind}  {escape(rig.title)}")
    console.print(table)
    wrong = sum(one.mark is Mark.BAD for one in found)
    words = "[bold green]FIT FOR A RUN[/]" if not wrong else f"[bold red]{wrong} TO FIX, then check again[/]"
    console.print(words)


def _word(rig: RigFile, operator) -> None:
    """After an unclean end a person must have looked at the bench."""
    left = last_left(rig)
    if left is None or left.clean or not operator.present:
        return
    operator.tell(f"The run {left.words}.")
    operator.tell(
        "Look at the bench: nothing moves, nothing is in the way of the stage, nothing is on or hot."
    )
    try:
        if operator.ask("type safe when that is so").lower() == "safe":
            confirm_safe(rig, getpass.getuser())
    except OperatorAbsent:
        return
