"""`lab run --rig`: the run as a technician at the bench sees it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from lab.bench.physical.operator import AtTerminal, Nobody, Operator
from lab.errors import BadInput, LabFailure
from lab.runs.options import RunOptions
from lab.runs.run import run_scenarios
from lab.store.results import Results
from rigs.errors import BadRigFile, OperatorAbsent
from rigs.rig_file import RigFile, load_rig

LIMITS = {
    "playback": ("max_playback_db_spl", "loud")
}  # name on the command line -> key of [safety], word to type


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


def lift(wanted: Sequence[str], rig: RigFile, operator: Operator) -> frozenset[str]:
    """Safety limits that the person at the bench lifts for this run, each by a word of its own. Raises BadInput."""
    for name in wanted:
        if name not in LIMITS:
            raise BadInput(f"--lift {name}: the limits there are: {', '.join(LIMITS)}")
        if not operator.present:
            raise BadInput(f"--lift {name}: only a person at a terminal at the bench may lift a safety limit")
        key, word = LIMITS[name]
        operator.tell(f"{key} = {getattr(rig.safety, key):g} shields ears and loudspeakers.")
        if operator.ask(f"type {word} to lift it for this run").lower() != word:
            raise BadInput(f"--lift {name}: was not confirmed at the bench; nothing was played")
    return frozenset(wanted)


def at_bench(paths: Sequence[Path], options: RunOptions, ask: bool, lifted: Sequence[str] = ()) -> Results:
    """Run on `options.rig`, asking the person there when `ask`. Raises as `run_scenarios` does, and as `lift`."""
    operator = person(ask)
    assert options.rig is not None
    try:
        options = replace(options, lifted=lift(lifted, options.rig, operator))
        return run_scenarios(paths, options, operator=operator)
    except OperatorAbsent as error:
        raise LabFailure(str(error)) from None
    except KeyboardInterrupt:
        print(
            f"interrupted; every finished trial is kept. Go on with the same command and --out {options.out} --resume",
            file=sys.stderr,
        )
        raise
