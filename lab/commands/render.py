"""`lab render`: one trial of a scenario as audio, truth and drawn values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.corpora.split import Split


def render(
    scenario: Annotated[Path, typer.Argument(help="Scenario file.")],
    trial: Annotated[int, typer.Option(min=0, help="Trial of the cell.")] = 0,
    cell: Annotated[str, typer.Option(help="Cell, as `lab run` names it; default: the first.")] = "",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all draws.")] = None,
    split: Annotated[
        Split | None, typer.Option(help="Rooms, clips and draws of this split instead of the scenario's own.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Path of the files, without their endings.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Folder of recordings; default: the cache.")] = None,
    stream: Annotated[
        str | None, typer.Option(help="audible or ultrasonic; default: what the scenario is about.")
    ] = None,
    carrier_hz: Annotated[float, typer.Option(help="Tone the device emits, ultrasonic only.")] = 34_000.0,
    level_db_spl: Annotated[float, typer.Option(help="Its level at 1 m.")] = 85.0,
) -> None:
    """Render a trial: OUT.wav (all microphones), OUT.tsv (truth), OUT.json (drawn values); OUT.png, the Doppler
    spectrogram, of an ultrasonic one."""
    from detectors.interface import AUDIBLE, ULTRASONIC, Emission
    from lab.errors import BadInput
    from lab.runs.render import write_trial
    from lab.runs.run import DEFAULT_SEED
    from lab.scenario.load import load_scenario

    loaded = load_scenario(scenario, split and split.value)
    cells = {one.key: one for one in loaded.cells()}
    wanted = cell or next(iter(cells))
    if wanted not in cells:
        listed = "\n  ".join(cells)
        raise BadInput(f"--cell {cell}: {scenario} has no such cell; there are:\n  {listed}")
    drawn = loaded.draw(cells[wanted], trial, DEFAULT_SEED if seed is None else seed)
    stem = out or Path(f"{loaded.id}-{trial}")
    if stream not in (None, AUDIBLE, ULTRASONIC):
        raise BadInput(f"--stream {stream}: {AUDIBLE} or {ULTRASONIC}")
    written = write_trial(drawn, stem, corpus, stream, Emission((carrier_hz,), level_db_spl))
    print(written.wav, written.truth, written.drawn, sep="\n")
    if written.carrier_hz is not None:
        from reports.doppler import write_spectrogram

        title = f"{loaded.title}{f' · {wanted}' if wanted else ''}"
        print(write_spectrogram(written.wav, written.carrier_hz, title, stem.with_name(stem.name + ".png")))
