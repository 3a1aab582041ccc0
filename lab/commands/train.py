"""`lab train`: networks from their training scenarios and scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.training.presence.train import Job as PresenceJob
    from lab.training.sound_events.job import Job as SoundEventsJob

Seed = Annotated[int | None, typer.Option(min=0, help="Seed of data and learning.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes that render; default: one per core.")]
Work = Annotated[
    Path | None,
    typer.Option(help="Folder of examples and weights, taken up again; default: runs/training/NAME."),
]
Out = Annotated[Path | None, typer.Option(help="Folder of models and card; default: where NAME has its own.")]
Corpus = Annotated[
    Path | None,
    typer.Option(help="Folder of recordings, for sound_events; EARSHOT_CORPUS or the user cache if none."),
]
NAMES = ("presence", "sound_events")
WORK = Path("runs/training")


def train(
    name: Annotated[str, typer.Argument(help="What to train: presence or sound_events.")],
    evaluate: Annotated[
        bool,
        typer.Option("--evaluate", help="Only print the figures of the published model on the tune split."),
    ] = False,
    head: Annotated[
        str | None,
        typer.Option(
            help="Of sound_events: train this head alone, on the published base; no other model changes, and the card only if WORK made the base."
        ),
    ] = None,
    verifier: Annotated[
        bool,
        typer.Option(
            "--verifier",
            help="Of sound_events: train the verifier alone, on what the published device stage flags; no other model changes.",
        ),
    ] = False,
    examples: Annotated[int, typer.Option(min=1, max=20, help="That a single head learns from.")] = 20,
    study: Annotated[
        bool,
        typer.Option(
            "--study",
            help="Of sound_events: also compare with and without pre-training and a teacher's labels.",
        ),
    ] = False,
    share: Annotated[float, typer.Option(min=0.01, max=10.0, help="Of the training trials or scenes.")] = 1.0,
    steps: Annotated[int | None, typer.Option(min=10, help="Of the optimiser.")] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    corpus: Corpus = None,
    work: Work = None,
    out: Out = None,
) -> None:
    """Render, learn, export to ONNX (float32, int8), evaluate on the tune split and write the model card."""
    one_at_most(evaluate=evaluate, head=head is not None, verifier=verifier, study=study)
    if check_name(name) == "presence":
        from lab.training.presence.train import figures
        from lab.training.presence.train import train as train_presence

        only_for_sound_events(head=head, verifier=verifier or None, study=study or None, corpus=corpus)
        made = presence_job(share, steps, seed, jobs, work, out)
        print(figures(made) if evaluate else train_presence(made))
        return
    from lab.training.sound_events import train as sound_events

    job = sound_events_job(share, steps, seed, jobs, corpus, work, out, study)
    if evaluate:
        print(sound_events.figures(job))
    elif head is not None:
        print(sound_events.train_head(job, head, examples))
    elif verifier:
        print(sound_events.train_verifier(job))
    else:
        print(sound_events.train(job))


def check_name(name: str) -> str:
    """Raises BadInput for what is not trained."""
    from lab.errors import BadInput

    if name not in NAMES:
        raise BadInput(f"{name}: nothing of that name is trained; there is: {', '.join(NAMES)}")
    return name


def one_at_most(**options: bool) -> None:
    """Raises BadInput for two options of which each says what is done alone."""
    from lab.errors import BadInput

    given = [f"--{name}" for name, value in options.items() if value]
    if len(given) > 1:
        raise BadInput(f"{', '.join(given)}: one of these at most")


def only_for_sound_events(**options: object) -> None:
    """Raises BadInput for an option that was given to a network that has no use for it."""
    only_for("sound_events", **options)


def only_for(network: str, **options: object) -> None:
    """The same of any network."""
    from lab.errors import BadInput

    for option, value in options.items():
        if value is not None:
            raise BadInput(f"--{option}: only for {network}")


def presence_job(
    share: float, steps: int | None, seed: int | None, jobs: int | None, work: Path | None, out: Path | None
) -> PresenceJob:
    """The job that the options of `lab train presence` and `lab mine presence` describe."""
    from dataclasses import replace

    from lab.runs.options import default_jobs
    from lab.training.presence.learn import Recipe
    from lab.training.presence.train import MODELS, Job

    recipe = Recipe()
    recipe = replace(recipe, steps=steps or recipe.steps, seed=recipe.seed if seed is None else seed)
    work = work or WORK / "presence"
    return Job(
        work=work, out=out or MODELS, share=share, jobs=jobs or default_jobs(), recipe=recipe, say=_say
    )


def sound_events_job(
    share: float,
    steps: int | None,
    seed: int | None,
    jobs: int | None,
    corpus: Path | None,
    work: Path | None,
    out: Path | None,
    study: bool = False,
) -> SoundEventsJob:
    """The job that the options of `lab train sound_events` and `lab mine sound_events` describe. steps: of base and heads; the
    verifier learns in proportion."""
    from dataclasses import replace

    from lab.runs.options import default_jobs
    from lab.training.sound_events.job import MODELS, Job
    from lab.training.sound_events.learn import Recipe
    from lab.training.sound_events.verifier import VerifierRecipe

    recipe, second = Recipe(), VerifierRecipe()
    seed = recipe.seed if seed is None else seed
    if steps is not None:
        second = replace(second, steps=max(10, round(second.steps * steps / recipe.steps)))
        recipe = replace(recipe, steps=steps)
    return Job(
        work=work or WORK / "sound_events",
        out=out or MODELS,
        share=share,
        jobs=jobs or default_jobs(),
        corpus=corpus,
        recipe=replace(recipe, seed=seed),
        verifier=replace(second, learning=replace(second.learning, seed=seed)),
        study=study,
        say=_say,
    )


def _say(line: str) -> None:
    import sys

    print(line, file=sys.stderr, flush=True)
