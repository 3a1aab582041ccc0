"""The table of `lab rig list`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.bench.physical.emulation import standing
from lab.errors import BadInput
from rigs.errors import BadRigFile
from rigs.locks import holders
from rigs.rig_file import BENCHES, RigFile, load_rig

LOG_WIDTH = 220  # a folded table helps nobody in a log


def print_rigs(paths: Sequence[Path]) -> None:
    """Benches in files and folders, the shipped ones when none is named. Raises BadInput when none can be read."""
    files = [
        file
        for path in paths or [BENCHES]
        for file in (sorted(path.glob("*.toml")) if path.is_dir() else [path])
    ]
    held = {holder.name: holder for holder in holders()}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("bench", "kind", "what it is", "in use"):
        table.add_column(column)
    wrong = []
    for file in files:
        try:
            rig = load_rig(file)
        except BadRigFile as error:
            wrong.append(str(error))
            continue
        table.add_row(rig.id, rig.kind, rig.title, _use(rig, held.get(rig.id)))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, LOG_WIDTH))
    console.print(table)
    if wrong:
        raise BadInput("\n".join(wrong))


def _use(rig: RigFile, holder: object) -> str:
    if holder is not None and getattr(holder, "held", False):
        return str(holder)
    stand = standing(rig) if rig.kind == "emulated" else None
    return f"free; emulation stands (process {stand.pid})" if stand is not None else "free"
