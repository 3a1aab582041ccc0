"""`lab evidence`: a body of evidence by a plan - how far it is, measuring what is missing, a page of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.runs.campaign import Campaign

app = typer.Typer(
    no_args_is_help=True, help="A body of evidence by a plan: estimate, measure, ceiling, publish."
)
PlanFile = Annotated[Path, typer.Argument(help="The plan, a file like scenarios/presence/evidence.toml.")]
Out = Annotated[Path | None, typer.Option(help="Folder of what is measured; default: runs/SUITE.")]
Rows = Annotated[list[str] | None, typer.Option("--row", help="Only this row; may be given again.")]
Undecided = Annotated[
    bool, typer.Option("--undecided", help="Without rows that are published as met or missed.")
]
Trials = Annotated[float, typer.Option(min=1e-9, max=1.0, help="Of the trials that the plan asks for.")]
Hours = Annotated[float, typer.Option(min=1e-9, max=1.0, help="Of the hours that the plan asks for.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one per core.")]
Results = Annotated[Path, typer.Option(help="Folder of what is published.")]
RESULTS = Path("docs/results")


@app.command("estimate")
def estimate_evidence(
    plan: PlanFile,
    row: Rows = None,
    undecided: Undecided = False,
    trials_scale: Trials = 1.0,
    hours_scale: Hours = 1.0,
    jobs: Jobs = None,
    out: Out = None,
    results: Results = RESULTS,
) -> None:
    """How far each row is and how long the rest takes. Nothing is run."""
    print(_left(_campaign(plan, out, results, row, undecided, trials_scale, hours_scale), jobs))


@app.command("measure")
def measure_evidence(
    plan: PlanFile,
    row: Rows = None,
    undecided: Undecided = False,
    trials_scale: Trials = 1.0,
    hours_scale: Hours = 1.0,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Stop after so long; default: when all is measured.")
    ] = None,
    slice_s: Annotated[
        float | None, typer.Option(min=0.1, help="Of one core, for a row and a round; default: 30.")
    ] = None,
    jobs: Jobs = None,
    out: Out = None,
    results: Results = RESULTS,
) -> None:
    """Measure what is missing, a slice of every row in turn. The same command goes on from where it was stopped.

    Recordings come from the folder that EARSHOT_CORPUS names, or the user's cache; rows without theirs are left out and named.
    """
    from dataclasses import replace

    from lab.runs.campaign import measure
    from lab.runs.options import default_jobs

    campaign = _campaign(plan, out, results, row, undecided, trials_scale, hours_scale)
    if slice_s is not None:
        campaign = replace(campaign, slice_s=slice_s)
    measure(campaign, jobs or default_jobs(), minutes, lambda line: print(line, flush=True))
    print(_left(campaign, jobs))


@app.command("ceiling")
def ceiling_of_evidence(
    plan: PlanFile,
    row: Rows = None,
    trials: Annotated[int, typer.Option(min=1, help="Of a row.")] = 40,
    out: Out = None,
) -> None:
    """What physics leaves of each row of motions: what receivers find that know the person's echo, or that something moves."""
    from lab.commands.evidence_ceilings import measure_ceiling

    measure_ceiling(_campaign(plan, out, rows=row), trials)


@app.command("publish")
def publish_evidence(
    plan: PlanFile,
    benchmark: Annotated[bool, typer.Option("--benchmark", help="Time the detector anew.")] = False,
    out: Out = None,
    results: Results = RESULTS,
) -> None:
    """Add what is stored to the ledger SUITE.json in the folder of results, and write SUITE.md, SUITE/figures.json and the plan's picture.

    In the lab's own docs/results it also writes the figures of README.md.
    """
    from lab.commands.evidence_steps import publish

    publish(_campaign(plan, out, results), results, benchmark)


def _campaign(
    plan: Path,
    out: Path | None,
    results: Path = RESULTS,
    rows: list[str] | None = None,
    undecided: bool = False,
    trials_scale: float = 1.0,
    hours_scale: float = 1.0,
) -> Campaign:
    from lab.commands.evidence_steps import check_texts, chosen
    from lab.runs.campaign import Campaign
    from lab.runs.evidence import load_plan

    loaded = load_plan(plan)
    check_texts(loaded)
    return Campaign(
        loaded,
        out or Path("runs") / loaded.suite,
        trials_scale,
        hours_scale,
        chosen(loaded, rows or (), undecided, results),
        ledger=results / f"{loaded.suite}.json",
    )


def _left(campaign: Campaign, jobs: int | None) -> str:
    from lab.commands.evidence_steps import estimate
    from lab.runs.options import default_jobs

    return estimate(campaign, jobs or default_jobs())
