"""`lab detect`: the stack on any recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from detectors.build import Build
    from detectors.interface import Event, StackOutput
    from detectors.stack import Stack


def detect(
    audio: Annotated[list[Path], typer.Argument(help="Recordings; any rate, any format libsndfile reads.")],
    build: Annotated[
        Path | None, typer.Option(help="Build file; default: household, all that a device at home runs.")
    ] = None,
    detectors: Annotated[str | None, typer.Option(help="Only these, comma-separated.")] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Device the recordings come from: checks their channels, and none are mixed."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write a DCASE file: filename, onset, offset, event_label, score, stage, detector."
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write a PNG: spectrogram and scores; of several recordings, a folder."),
    ] = None,
    notifications: Annotated[
        Path | None,
        typer.Option(help="Keep what is told, with its clips, in this folder: `lab notifications`."),
    ] = None,
) -> None:
    """Run the detector stack over recordings and list what it reports.

    A recording has what people hear: detectors that need more are left out, unless they are named."""
    from detectors.build import BUILDS, load_build
    from detectors.stack import Stack
    from lab.acoustics.device import load_device
    from lab.runs.recording import beyond, facts_of, write_detections
    from lab.runs.recording import detect as run_stack

    whole = load_build(build or BUILDS / "household.toml")
    chosen = whole.only(detectors.split(",")) if detectors else _that_hear(whole)
    if notifications is not None:
        _check_folder(notifications)
    channels = len(load_device(device).microphones_m) if device else None
    # Of a device's microphones all detectors hear the same; of any recording each hears as many channels as it can.
    alone = [chosen] if device else [chosen.only([one.name]) for one in chosen.detectors]
    stacks = [Stack(one) for one in alone]
    labels = list(dict.fromkeys(label for stack in stacks for _, label in stack.labels))
    if not detectors:
        _tell(whole, chosen, labels)
    found: list[tuple[str, Event]] = []
    # A file that is none is said before the first hour is heard.
    every = [(path, facts_of(path)) for path in audio]
    for path, facts in every:
        output = _joined([run_stack(path, stack, channels) for stack in stacks])
        unheard = beyond(facts.rate_hz, labels)
        if unheard:
            print(
                f"{path}\t{facts.rate_hz} Hz carries nothing above {facts.rate_hz / 2000:g} kHz: "
                f"no judgement of {', '.join(unheard)}"
            )
        _show(path, output, facts.seconds, chosen)
        found += [(path.name, event) for event in output.events]
        if picture is not None:
            print(f"{path}\t{_picture(path, output, chosen, picture, alone=len(audio) == 1)}")
        if notifications is not None:
            _keep(path, output, stacks, notifications)
    if out is not None:
        write_detections(out, found)


def _that_hear(build: Build) -> Build:
    """The build without detectors that a recording has nothing for. One of such alone stays, to be refused with the recording's name."""
    from detectors.interface import AUDIBLE

    heard = [one.name for one in build.detectors if set(one.streams) == {AUDIBLE}]
    return build.only(heard) if heard else build


def _tell(build: Build, chosen: Build, labels: Sequence[str]) -> None:
    kept = {one.name for one in chosen.detectors}
    left_out = [
        f"{one.name} (needs {', '.join(one.streams)})" for one in build.detectors if one.name not in kept
    ]
    print(
        f"build {build.id}: {', '.join(labels)}" + (f"; left out: {', '.join(left_out)}" if left_out else "")
    )


def _joined(outputs: Sequence[StackOutput]) -> StackOutput:
    """What several stacks made of one recording."""
    from detectors.interface import StackOutput

    events = [event for output in outputs for event in output.events]
    events.sort(key=lambda event: (event.offset_s, event.label))
    return StackOutput(tuple(track for output in outputs for track in output.tracks), tuple(events))


def _check_folder(folder: Path) -> None:
    from lab.errors import BadInput

    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--notifications {folder}: a file, where a folder is wanted")


def _show(path: Path, output: StackOutput, seconds: float, build: Build) -> None:
    from rich.console import Console
    from rich.table import Table

    if not output.events:
        print(f"{path}\tnothing detected{_highest(output, build)}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold", title=str(path), title_justify="left")
    for column in ("time", "event", "stage", "score", "detector"):
        table.add_column(column, justify="right" if column in ("time", "score") else "left", no_wrap=True)
    for event in output.events:
        table.add_row(
            _moment(event.offset_s, seconds), event.label, event.stage, f"{event.score:.2f}", event.detector
        )
    console = Console()
    (console if console.is_terminal else Console(width=max(120, len(str(path)) + 2))).print(table)


def _moment(at_s: float, seconds: float) -> str:
    minutes, rest = divmod(at_s, 60.0)
    if seconds < 3600.0:
        return f"{int(minutes)}:{rest:05.2f}"
    return f"{int(minutes) // 60}:{int(minutes) % 60:02d}:{rest:05.2f}"


def _picture(path: Path, output: StackOutput, build: Build, picture: Path, alone: bool) -> Path:
    from lab.errors import BadInput
    from reports.detected import write_picture

    if not alone:
        if picture.suffix:
            raise BadInput(f"--picture {picture}: of several recordings, name a folder")
        picture.mkdir(parents=True, exist_ok=True)
        picture = picture / f"{path.name}.png"
    thresholds = {spec.name: spec.threshold for spec in build.detectors}
    return write_picture(path, output.tracks, output.events, thresholds, picture)


def _keep(path: Path, output: StackOutput, stacks: Sequence[Stack], folder: Path) -> None:
    from detectors.interface import DEVICE
    from lab.verifier.recorded import keep_told

    every = [one for stack in stacks for one in stack.detectors.values()]
    asking = [one.uploads for one in every if hasattr(one, "uploads")]
    twice = {track.detector for track in output.tracks if track.stage != DEVICE}
    asked = [question for uploads in asking for question in uploads.asked]
    keep_told(folder, path, output.events, asked, twice=twice)


def _highest(output: StackOutput, build: Build) -> str:
    """How near each detector came."""
    import numpy as np

    told = []
    for spec in build.detectors:
        own = [track.scores for track in output.tracks if track.detector == spec.name]
        known = [float(np.nanmax(scores)) for scores in own if np.isfinite(scores).any()]
        if known:
            told.append(f"{spec.name} {max(known):.2f} of {spec.threshold:g}")
    return f" (highest score: {', '.join(told)})" if told else ": too short for a single score"
