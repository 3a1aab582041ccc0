"""`lab run --rig`: the run as a technician at the bench sees it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lab.bench.physical.operator import AtTerminal, Nobody, Operator
from lab.errors import BadInput
from lab.runs.options import RunOptions
from lab.runs.run import run_scenarios
from lab.store.results import Results
from rigs.errors import BadRigFile
from rigs.rig_file import RigFile, load_rig


def read_rig(rig: str) -> RigFile:
    """Raises BadInput for a rig file that cannot be used."""
    try:
        return load_rig(rig)
    except BadRigFile as error:
        raise BadInput(str(error)) from None


def person(ask: bool, console: Console | None = None) -> Operator:
    """Whoever is at the terminal; nobody where it is not one, or when nothing shall be asked."""
    if ask and sys.stdin.isatty():
        return AtTerminal(console=console)
    return Nobody(lambda text: print(text, file=sys.stderr, flush=True))


def at_bench(paths: Sequence[Path], options: RunOptions, ask: bool) -> Results:
    """Run on `options.rig`, asking the person there when `ask`. Raises as `run_scenarios` does."""
    try:
        return run_scenarios(paths, options, operator=person(ask))
    except KeyboardInterrupt:
        print(
            f"interrupted; every finished trial is kept. Go on with the same command and --out {options.out} --resume",
            file=sys.stderr,
        )
        raise
