"""`lab rig`: benches there are, whether one is fit, what it does right now, one that is all emulators, old captures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Benches: list, check, monitor, emulate, clean.")
Bench = Annotated[str, typer.Argument(help="Rig file, or name of a shipped bench.")]
Wires = Annotated[
    Path | None, typer.Option(help="Folder for the logs of all wires; default: a temporary one.")
]


@app.command("list")
def list_rigs(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rig files, or folders of them; default: shipped.")
    ] = None,
) -> None:
    """Benches, what they are, and who holds them."""
    from lab.commands.rig_list import print_rigs

    print_rigs(paths or [])


@app.command("check")
def check_rig(
    bench: Bench,
    sound: Annotated[bool, typer.Option(help="Play and hear a pilot.")] = True,
    build: Annotated[
        Path | None, typer.Option(help="Build file the device must run; default: as in the rig file.")
    ] = None,
    wires: Wires = None,
) -> None:
    """One screen: green, or what to do. Exit code 0 when the bench is fit for a run, 4 when it is not."""
    from lab.commands.rig_check import check

    raise typer.Exit(check(bench, sound, build, _folder(wires)))


@app.command("monitor")
def monitor_rig(
    bench: Bench,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long; default: at Ctrl-C.")
    ] = None,
    wires: Wires = None,
) -> None:
    """Live levels, console and stage position."""
    from lab.commands.rig_monitor import monitor

    monitor(bench, seconds, _folder(wires))


@app.command("emulate")
def emulate_rig(
    bench: Bench = "emulated",
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long; default: at Ctrl-C.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="INSTRUMENT:FAULT[=VALUE], such as relays:silence or rail:late_s=0.5 (repeatable)."
        ),
    ] = None,
    corpus: Annotated[Path | None, typer.Option(help="Folder of recordings; default: the cache.")] = None,
) -> None:
    """Keep an emulated bench standing; runs and checks on it use this one. Faults may be typed while it stands."""
    from lab.commands.rig_emulate import emulate

    emulate(bench, seconds, fault or [], corpus)


@app.command("clean")
def clean_rig(
    bench: Bench,
    folders: Annotated[list[Path] | None, typer.Argument(help="Folders of runs; default: runs.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed without asking.")] = False,
) -> None:
    """Delete captures older than `captures.keep_days` of the rig file; without that key nothing is ever deleted."""
    from lab.commands.rig_clean import clean

    clean(bench, folders or [Path("runs")], yes)


def _folder(wires: Path | None) -> Path:
    return wires or Path(tempfile.mkdtemp(prefix="earshot-rig-"))
