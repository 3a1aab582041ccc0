"""`lab detect`: the stack on any recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from detectors.interface import StackOutput


def detect(
    audio: Annotated[list[Path], typer.Argument(help="Recordings; any rate, any format libsndfile reads.")],
    build: Annotated[Path | None, typer.Option(help="Build file; default: the reference build.")] = None,
    detectors: Annotated[str | None, typer.Option(help="Only these, comma-separated.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Device the recordings come from: checks their channels.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a DCASE file: filename, onset, offset, event_label.")
    ] = None,
) -> None:
    """Run the detector stack over recordings and list what it reports."""
    from detectors.build import load_build
    from detectors.stack import Stack
    from lab.acoustics.device import load_device
    from lab.runs.recording import detect as run_stack
    from lab.runs.render import write_events

    stack = Stack(load_build(build).only(detectors.split(",") if detectors else None))
    channels = len(load_device(device).microphones_m) if device else None
    found = []
    for path in audio:
        output = run_stack(path, stack, channels)
        for event in output.events:
            print(f"{path}\t{event.offset_s:.2f} s\t{event.label}\tscore {event.score:.2f}")
            found.append((path.name, event))
        if not output.events:
            print(f"{path}\tnothing detected{_highest(output)}")
    if out is not None:
        write_events(out, found)


def _highest(output: StackOutput) -> str:
    import numpy as np

    highest = max((np.nanmax(t.scores) for t in output.tracks if np.isfinite(t.scores).any()), default=None)
    return ": too short for a single score" if highest is None else f" (highest score {highest:.2f})"
