"""`lab mine`: hours of clutter, what fools the network in them, and learning from that."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.commands.train import WORK, Jobs, Out, Seed, Work, presence_job


def mine(
    name: Annotated[str, typer.Argument(help="What to mine for: presence.")],
    hours: Annotated[float, typer.Option(min=0.05, help="Of clutter, each round.")] = 24.0,
    rounds: Annotated[int, typer.Option(min=1, max=20)] = 2,
    threshold: Annotated[float, typer.Option(help="Log-odds above which it counts as fooled.")] = 3.0,
    share: Annotated[
        float, typer.Option(min=0.01, max=10.0, help="Of the training trials, as trained.")
    ] = 1.0,
    steps: Annotated[
        int | None, typer.Option(min=10, help="As trained; a round learns a third of them.")
    ] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    work: Work = WORK,
    out: Out = None,
) -> None:
    """Run the network over clutter, keep what fools it, learn on, and show false alarms per day before and after."""
    from lab.training.presence.train import mine as mine_presence

    print(mine_presence(presence_job(name, share, steps, seed, jobs, work, out), hours, rounds, threshold))
