"""`lab notifications`: what a device told its user, to look at, hear again and delete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.verifier.notifications import Notification

app = typer.Typer(no_args_is_help=True, help="Notifications kept with their clips: list, play, delete.")

LOG_WIDTH = 150  # a folded table helps nobody in a log
Folder = Annotated[
    Path, typer.Argument(help="Where they are kept, as given to `lab detect --notifications`.")
]
Label = Annotated[str | None, typer.Option(help="Only those of this event.")]


@app.command("list")
def list_notifications(folder: Folder, label: Label = None) -> None:
    """One line each, oldest first. Those whose time is over are deleted."""
    from rich.console import Console
    from rich.table import Table

    from lab.verifier.notifications import kept

    _known(label)
    notifications, unreadable = kept(folder)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("id", "source", "event", "at", "score", "verifier", "clip", "kept until"):
        table.add_column(
            column, justify="right" if column in ("at", "score", "clip") else "left", no_wrap=True
        )
    for one in notifications:
        if label in (None, one.label):
            table.add_row(*_cells(one))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, LOG_WIDTH))
    console.print(table)
    for name in unreadable:
        console.print(
            f"[yellow]{name}: not readable; `lab notifications delete {folder} {name}` removes it[/]"
        )


@app.command()
def play(
    folder: Folder,
    name: Annotated[str, typer.Argument(metavar="ID", help="As `lab notifications list` shows it.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the clip to this file, format by its suffix, instead of playing it."),
    ] = None,
) -> None:
    """Hear the clip of one notification."""
    import soundfile

    from lab.errors import BadInput, LabFailure
    from lab.verifier.notifications import clip_file

    path = clip_file(folder, name)
    try:
        audio, rate_hz = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        raise LabFailure(f"{path}: the clip cannot be read: {error.error_string}") from None
    if out is not None:
        try:
            soundfile.write(out, audio, rate_hz)
        except (soundfile.LibsndfileError, TypeError, ValueError) as error:
            raise BadInput(f"{out}: cannot be written: {error}") from None
        print(f"{out}: {len(audio) / rate_hz:.1f} s")
        return
    instead = "write the clip to a file with --out FILE"
    try:
        import sounddevice
    except OSError as error:
        raise LabFailure(f"PortAudio is missing, nothing can be played ({error}); {instead}") from None
    try:
        sounddevice.play(audio, rate_hz, blocking=True)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise LabFailure(f"no sound card to play on ({error}); {instead}") from None


@app.command()
def delete(
    folder: Folder,
    names: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="These.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every one.")] = False,
    older_than_days: Annotated[float | None, typer.Option(min=0.0, help="Those told longer ago.")] = None,
    label: Label = None,
) -> None:
    """Delete notifications and their clips for good: the ones named, or all, narrowed by age and event."""
    from lab.errors import BadInput
    from lab.verifier.notifications import delete as remove
    from lab.verifier.notifications import kept

    choosing = every or older_than_days is not None or label is not None
    if bool(names) == choosing:
        raise BadInput("delete: either the ids of notifications, or --all, --older-than-days, --label")
    _known(label)
    notifications, unreadable = kept(folder)
    for name in names or ():
        if name not in unreadable and name not in {one.id for one in notifications}:
            raise BadInput(
                f"{folder}: no notification {name!r}; nothing was deleted. `lab notifications list {folder}` shows what there is"
            )
    if not names:
        before = None if older_than_days is None else datetime.now(UTC) - timedelta(days=older_than_days)
        names = [
            one.id
            for one in notifications
            if label in (None, one.label) and (before is None or one.told < before)
        ]
        names += unreadable if every and label is None and before is None else []
    names = list(dict.fromkeys(names))
    for name in names:
        remove(folder, name)
    print(f"{len(names)} notification{'' if len(names) == 1 else 's'} deleted from {folder}")


def _known(label: str | None) -> None:
    from detectors.sound_events.clips import EXCERPTS
    from lab.errors import BadInput

    if label is not None and label not in EXCERPTS:
        raise BadInput(f"--label {label}: no such event; there are: {', '.join(EXCERPTS)}")


def _cells(one: Notification) -> list[str]:
    if one.verifier == "none":
        verifier = ""
    elif one.confirmed is None:
        verifier = f"{one.verifier}: device alone"
    else:
        verifier = f"{'confirmed' if one.confirmed else 'rejected'} {one.verifier_score:.2f}"
    clip = "" if one.clip_duration_s is None else f"{one.clip_duration_s:.1f} s"
    return [
        one.id,
        one.source,
        one.label,
        f"{one.onset_s:.1f} s",
        "" if one.score is None else f"{one.score:.2f}",
        verifier,
        clip,
        f"{one.keep_until:%Y-%m-%d}",
    ]
