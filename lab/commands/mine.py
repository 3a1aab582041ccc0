"""`lab mine`: hours in which nothing happens, what fools the network in them, and learning from that."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.commands.train import (
    Corpus,
    Jobs,
    Out,
    Seed,
    Work,
    check_name,
    only_for,
    only_for_sound_events,
    presence_job,
    sound_events_job,
)

HOURS = {"presence": 10.8, "sound_events": 3.0}
ROUNDS = {"presence": 1, "sound_events": 2}
THRESHOLD = {"presence": 1.0, "sound_events": 0.0}


def mine(
    name: Annotated[str, typer.Argument(help="What to mine for: presence or sound_events.")],
    hours: Annotated[
        float | None,
        typer.Option(min=0.05, help="Each round; default: 10.8 for presence, 3 for sound_events."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=20, help="Default: 1 for presence, 2 for sound_events.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Log-odds above which it counts as fooled; default: 1 for presence, 0 for sound_events."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Training scenario to hear, may be repeated; default: all in which nobody is."
        ),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.01, max=10.0, help="Of the training trials or scenes, as trained.")
    ] = 1.0,
    steps: Annotated[
        int | None, typer.Option(min=10, help="As trained; a round learns a part of them.")
    ] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    corpus: Corpus = None,
    work: Work = None,
    out: Out = None,
) -> None:
    """Run the network over clutter, keep what fools it, learn on, and show false alarms before and after."""
    hours = HOURS[check_name(name)] if hours is None else hours
    rounds = ROUNDS[name] if rounds is None else rounds
    threshold = THRESHOLD[name] if threshold is None else threshold
    if name == "presence":
        from lab.training.presence.train import mine as mine_presence

        only_for_sound_events(corpus=corpus)
        presence = presence_job(share, steps, seed, jobs, work, out)
        print(mine_presence(presence, hours, rounds, threshold, only or ()))
        return
    from lab.training.sound_events.train import mine as mine_sound_events

    only_for("presence", only=only or None)
    job = sound_events_job(share, steps, seed, jobs, corpus, work, out)
    print(mine_sound_events(job, hours, rounds, threshold))
