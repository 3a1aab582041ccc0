"""`lab rig clean`: delete captures that are older than the rig file says they must be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lab.bench.physical.log import BenchLog
from lab.bench.physical.retention import delete, old_captures
from lab.commands.at_bench import person, read_rig
from lab.errors import BadInput, LabFailure
from lab.runs.on_rig import LOG
from rigs.errors import OperatorAbsent


def clean(bench: str, folders: Sequence[Path], yes: bool) -> None:
    """Say what would go, ask, delete. Raises BadInput when nothing is stated or nobody has agreed, LabFailure."""
    rig = read_rig(bench)
    for folder in folders:
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder of runs")
    old = old_captures(folders, rig)
    console = Console(soft_wrap=True, highlight=False)
    if not old:
        console.print(f"no capture of {rig.id} is older than {rig.captures.keep_days} days")
        return
    for one in old:
        console.print(f"{one.made:%Y-%m-%d}  {one.size_bytes / 1e6:8.1f} MB  {one.capture}", markup=False)
    size = sum(one.size_bytes for one in old) / 1e6
    console.print(f"{len(old)} captures, {size:.1f} MB, older than they must be kept; their notes stay")
    if not yes and not _agreed():
        raise BadInput("nothing was deleted: say --yes, or type the word at a terminal")
    for one in old:
        try:
            delete(one)
        except OSError as error:
            raise LabFailure(f"{one.capture}: cannot be deleted: {error.strerror}") from error
        log = BenchLog(one.capture.parent.parent / LOG)
        log.say(
            f"capture {one.capture.name} deleted: made {one.made:%Y-%m-%d}, to be kept {one.keep_days} days"
        )
    console.print(f"deleted {len(old)} captures, {size:.1f} MB")


def _agreed() -> bool:
    operator = person(ask=True)
    if not operator.present:
        return False
    try:
        return operator.ask("type delete to delete them").lower() == "delete"
    except OperatorAbsent:
        return False
