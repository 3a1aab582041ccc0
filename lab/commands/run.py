"""`lab run`: scenarios to curves, verdicts and a report."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from lab.corpora.split import Split
from lab.errors import ExitCode


def run(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders of them.")],
    trials: Annotated[int | None, typer.Option(min=1, help="Trials per cell.")] = None,
    hours: Annotated[float | None, typer.Option(min=0.001, help="Hours per exposure cell.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all draws.")] = None,
    build: Annotated[Path | None, typer.Option(help="Build file; default: the reference build.")] = None,
    split: Annotated[
        Split | None,
        typer.Option(
            help="Rooms, clips and draws of this split instead of the scenarios' own. Only test is evidence."
        ),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only scenarios with this tag (repeatable).")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Folder of recordings; default: the cache.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one per core.")] = None,
    rig: Annotated[
        str | None,
        typer.Option(help="Rig file, or name of a shipped bench: run there, not in simulated rooms."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Nobody is at the bench: never ask; what needs a person is not run.")
    ] = False,
    lift: Annotated[
        list[str] | None,
        typer.Option(help="Safety limit of the bench to lift for this run, confirmed there: playback."),
    ] = None,
    operator: Annotated[
        str | None, typer.Option(help="Who runs it, for the report; default: the login name.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Directory of the run; default: runs/TIME.")] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Do what is left of the run in --out, or more of it: a second look."),
    ] = False,
    store: Annotated[str | None, typer.Option(help="Database URL; default: SQLite in --out.")] = None,
    report: Annotated[bool, typer.Option(help="Write report.html beside results.json.")] = True,
) -> None:
    """Run scenarios and judge them.

    Exit code: 0 all pass, 1 at least one fails, 2 none fails and some are inconclusive, 3 bad input, 4 the lab failed, also where none
    fails and a bench could not run some trials, 130 interrupted (finished trials are kept; go on with --resume).
    """
    from lab.commands.progress import watching
    from lab.commands.table import print_results
    from lab.errors import BadInput
    from lab.runs.on_rig import told
    from lab.runs.options import RunOptions, default_jobs
    from lab.runs.run import run_scenarios

    if out is None:
        if resume:
            raise BadInput("--resume needs --out: the directory of the run to go on with")
        out = Path("runs") / datetime.now().strftime("%Y%m%d-%H%M%S")
    bench = None
    if rig is None and (yes or lift):
        raise BadInput(f"{'--yes' if yes else '--lift'} speaks of a bench; name one with --rig")
    if rig is not None:
        from lab.commands.at_bench import read_rig

        bench = read_rig(rig)
    options = RunOptions(
        out=out,
        trials=trials,
        hours=hours,
        seed=seed,
        build=build,
        split=split and split.value,
        jobs=jobs or default_jobs(),
        resume=resume,
        tags=tuple(tag or ()),
        corpus=corpus,
        store=store,
        rig=bench,
        operator=operator or login(),
    )
    if bench is None:
        with watching(out) as watch:
            results = run_scenarios(paths, options, watch)
    else:
        from lab.commands.at_bench import at_bench

        results = at_bench(paths, options, ask=not yes, lifted=lift or ())
    print_results(results)
    print(f"results: {out / 'results.json'}")
    if report:
        from reports.page import write_report

        print(f"report:  {write_report(out)}")
    if (lacking := told(results, out)) is not None:
        print(f"lab: {lacking}", file=sys.stderr)
    raise typer.Exit(exit_code(results.verdict, lacking is None))


def login() -> str | None:
    """The login name, None where the system has none for this user."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def exit_code(verdict: str, whole: bool) -> ExitCode:
    """whole: all that was planned was run. What fails fails; short of that a bench that could not run trials comes first."""
    if verdict == "fail":
        return ExitCode.FAIL
    if not whole:
        return ExitCode.LAB_FAILURE
    return ExitCode.INCONCLUSIVE if verdict == "inconclusive" else ExitCode.PASS
