"""Captures that may be deleted: older than their rig file says they must be kept. The notes beside them stay.

A capture is old when all that is known of its age says so: the date in its note and that of its file, held against the days
that the rig file states now and those it stated when the capture was made. A clock that was wrong once deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.bench.physical.notes import read_note, write_note
from lab.errors import BadInput
from rigs.rig_file import RigFile

CAPTURES = "captures"


@dataclass(frozen=True)
class Old:
    """A capture that may go. made: when, as its note says. keep_days: how long it had to stay."""

    note: Path
    capture: Path
    made: datetime
    keep_days: int
    size_bytes: int


def old_captures(folders: Iterable[Path], rig: RigFile, now: datetime | None = None) -> list[Old]:
    """Of this bench, in the runs in `folders`, oldest first.

    Raises BadInput where the rig file does not state `captures.keep_days`: then everything stays.
    """
    if rig.captures.keep_days is None:
        raise BadInput(
            f"bench {rig.id}: captures.keep_days is not stated in its rig file; nothing is deleted"
        )
    now = now or datetime.now(UTC)
    notes = {note.resolve() for folder in folders for note in _notes(folder)}
    found = [old for note in sorted(notes) if (old := _old(note, rig, now)) is not None]
    return sorted(found, key=lambda old: old.made)


def delete(old: Old, now: datetime | None = None) -> None:
    """Delete one capture; its note says so. Raises OSError, and then the capture is still there."""
    deleted = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    write_note(old.note, read_note(old.note) | {"deleted": deleted})
    old.capture.unlink()


def _notes(folder: Path) -> Iterator[Path]:
    if folder.name == CAPTURES:
        yield from folder.glob("*.json")
    yield from folder.glob(f"**/{CAPTURES}/*.json")


def _old(note: Path, rig: RigFile, now: datetime) -> Old | None:
    """None for what must stay, and for whatever is not plainly a note of this bench."""
    try:
        said = read_note(note)
        name, promised, made = said["capture"], said["keep_days"], datetime.fromisoformat(said["made"])
        if said["rig"] != rig.id or Path(name).name != name:
            return None
        capture = note.with_name(name)
        status = capture.stat()
        assert rig.captures.keep_days is not None
        keep_days = max(rig.captures.keep_days, promised or 0)
        newest = max(made, datetime.fromtimestamp(status.st_mtime, UTC))
        if not now - newest > timedelta(days=keep_days):
            return None
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return Old(note, capture, made, keep_days, status.st_size)
