"""`lab report`: stored results as one HTML page, and as PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or the results.json in them.")],
    against: Annotated[
        str | None,
        typer.Option(
            help="Compare with this run folder, or with the newest run of this build (file, id or hash)."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Page to write; default: report.html in the first run.")
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="Also print the page here; needs Chromium.")] = None,
    fail_on_worse: Annotated[
        bool,
        typer.Option(
            "--fail-on-worse",
            help="Exit code 1 where the comparison calls a figure worse, 2 where it can compare none.",
        ),
    ] = False,
) -> None:
    """Write one self-contained page of the verdicts, curves and worst cases of RUNS."""
    from lab.errors import BadInput, ExitCode
    from reports import page, printing
    from reports.comparison import compare, told
    from reports.run import find_against, open_run

    opened = [open_run(path) for path in runs]
    if not opened:
        raise BadInput("lab report: name at least one run folder")
    if fail_on_worse and against is None:
        raise BadInput("--fail-on-worse speaks of a comparison; name the other run or build with --against")
    other = find_against(against, beside=opened[0]) if against else None
    target = html or opened[0].folder / "report.html"
    page.write(page.render(opened, other, target.parent), target)
    typer.echo(f"report: {target}")
    if pdf:
        printing.print_pdf(target, pdf)
        typer.echo(f"printed: {pdf}")
    if fail_on_worse:
        pairs = [pair for run in opened for pair in compare(other.results, run.results)]
        worse = [told(pair, change) for pair in pairs for change in pair.changes if change.word == "worse"]
        for line in worse:
            typer.echo(f"worse: {line}")
        if worse:
            raise typer.Exit(ExitCode.FAIL)
        if not any(pair.changes for pair in pairs):
            typer.echo("nothing can be compared; the page says why")
            raise typer.Exit(ExitCode.INCONCLUSIVE)
