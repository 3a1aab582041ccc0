"""`lab train`: a network from its training scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.training.presence.train import Job

Seed = Annotated[int | None, typer.Option(min=0, help="Seed of data and learning.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes that render; default: one per core.")]
Work = Annotated[Path, typer.Option(help="Folder of examples and weights, taken up again.")]
Out = Annotated[Path | None, typer.Option(help="Folder of model and card; default: detectors/models.")]
WORK = Path("runs/training/presence")


def train(
    name: Annotated[str, typer.Argument(help="What to train: presence.")],
    evaluate: Annotated[
        bool,
        typer.Option("--evaluate", help="Only print the figures of the published model on the tune split."),
    ] = False,
    share: Annotated[
        float, typer.Option(min=0.01, max=10.0, help="Of the trials in the scenario files.")
    ] = 1.0,
    steps: Annotated[int | None, typer.Option(min=10, help="Of the optimiser.")] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    work: Work = WORK,
    out: Out = None,
) -> None:
    """Render, learn, export to ONNX (float32, int8), evaluate on the tune split and write the model card."""
    from lab.training.presence.train import figures
    from lab.training.presence.train import train as train_presence

    made = presence_job(name, share, steps, seed, jobs, work, out)
    print(figures(made) if evaluate else train_presence(made))


def presence_job(
    name: str,
    share: float,
    steps: int | None,
    seed: int | None,
    jobs: int | None,
    work: Path,
    out: Path | None,
) -> Job:
    """The job that the options of `lab train` and `lab mine` describe. Raises BadInput for another name."""
    from dataclasses import replace

    from lab.errors import BadInput
    from lab.runs.options import default_jobs
    from lab.training.presence.learn import Recipe
    from lab.training.presence.train import MODELS, Job

    if name != "presence":
        raise BadInput(f"{name}: nothing of that name is trained; there is: presence")
    recipe = Recipe()
    recipe = replace(recipe, steps=steps or recipe.steps, seed=recipe.seed if seed is None else seed)
    return Job(
        work=work, out=out or MODELS, share=share, jobs=jobs or default_jobs(), recipe=recipe, say=_say
    )


def _say(line: str) -> None:
    import sys

    print(line, file=sys.stderr, flush=True)
