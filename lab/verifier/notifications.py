"""What a device told its user, with the sound that made it do so, in a folder the user names. Without one nothing is kept.

    20261121T055530.123Z_glass_break.json     label, time, scores, verdict, until when it is kept
    20261121T055530.123Z_glass_break.flac     the clip

A note is written before its clip and removed after it, so no clip is ever there without a note that ends its time. Folder and files
are for their owner alone.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import BinaryIO, Literal

import soundfile
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from detectors.interface import Event
from detectors.sound_events.verifier import RATE_HZ, Clip, Verdict
from lab.errors import BadInput

KEEP_DAYS = 30.0
_ID = re.compile(r"\d{8}T\d{6}\.\d{3}Z_[a-z_]+(-\d+)?")


class Notification(BaseModel):
    """source: what was listening, or the recording. onset_s, decided_s: in its time. score: that the event was told with, if any.
    device_score: of the first stage alone. confirmed: by the verifier, None where it gave no answer. verifier: how it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["earshot-notification/1"] = "earshot-notification/1"
    id: str
    told: AwareDatetime
    keep_until: AwareDatetime
    source: str
    label: str
    onset_s: float
    decided_s: float
    score: float | None
    detector: str
    stage: str
    device_score: float | None = None
    verifier: Literal["none", "ok", "slow", "down", "rubbish"] = "none"
    confirmed: bool | None = None
    verifier_score: float | None = None
    clip_start_s: float | None = None
    clip_duration_s: float | None = None


def keep(
    folder: Path,
    event: Event,
    clip: Clip | None = None,
    verdict: Verdict | None = None,
    *,
    source: str = "",
    device_score: float | None = None,
    keep_days: float = KEEP_DAYS,
    now: datetime | None = None,
) -> Notification:
    """Write one notification; those whose time is over go. keep_days: > 0. now: with a time zone. Raises OSError when the disk
    refuses, BadInput for a folder that is a file."""
    now = now or datetime.now(UTC)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise BadInput(f"{folder}: a folder for notifications is needed, this is a file") from None
    forget_old(folder, now)
    answered = verdict is not None and verdict.answered
    said = {
        "told": now,
        "keep_until": now + timedelta(days=keep_days),
        "source": source,
        "label": event.label,
        "onset_s": event.onset_s,
        "decided_s": event.offset_s,
        "score": None if math.isnan(event.score) else event.score,
        "detector": event.detector,
        "stage": event.stage,
        "device_score": device_score,
        "verifier": "none" if verdict is None else verdict.state.value,
        "confirmed": verdict.confirmed if answered else None,
        "verifier_score": verdict.score if answered else None,
        "clip_start_s": None if clip is None else clip.start_s,
        "clip_duration_s": None if clip is None else clip.duration_s,
    }
    for name in _names(now, event.label):
        notification = Notification.model_validate({"id": name, **said})
        try:
            with _new(folder / f"{name}.json") as note:
                note.write(notification.model_dump_json(indent=2).encode() + b"\n")
        except FileExistsError:
            continue
        break
    if clip is not None:
        sound = io.BytesIO()
        soundfile.write(sound, clip.audio, RATE_HZ, format="FLAC", subtype="PCM_16")
        with _new(folder / f"{notification.id}.flac") as file:
            file.write(sound.getvalue())
    return notification


def kept(folder: Path, now: datetime | None = None) -> tuple[list[Notification], list[str]]:
    """What is kept, oldest first, and the ids of notes that cannot be read. Those whose time is over go first.

    Raises BadInput where there is no such folder.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder of notifications")
    forget_old(folder, now)
    found, unreadable = [], []
    for name in _ids(folder):
        note = _read(folder, name)
        if note is None:
            unreadable.append(name)
        else:
            found.append(note)
    return found, unreadable


def clip_file(folder: Path, name: str) -> Path:
    """The sound of one notification. Raises BadInput for an id that is none, or one without a clip."""
    if name not in _ids(folder):
        raise BadInput(
            f"{folder}: no notification {name!r}; `lab notifications list {folder}` shows what there is"
        )
    path = folder / f"{name}.flac"
    if not path.is_file():
        raise BadInput(f"{folder}: notification {name} has no clip")
    return path


def delete(folder: Path, name: str) -> None:
    """Remove clip and note from the disk. Raises BadInput for an id that is none."""
    if not _ID.fullmatch(name) or not (folder / f"{name}.json").is_file():
        raise BadInput(
            f"{folder}: no notification {name!r}; `lab notifications list {folder}` shows what there is"
        )
    (folder / f"{name}.flac").unlink(missing_ok=True)
    (folder / f"{name}.json").unlink()


def forget_old(folder: Path, now: datetime | None = None) -> int:
    """Remove every notification whose time is over; answers how many."""
    now = now or datetime.now(UTC)
    old = [name for name in _ids(folder) if (note := _read(folder, name)) and note.keep_until <= now]
    for name in old:
        delete(folder, name)
    return len(old)


def _ids(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json") if _ID.fullmatch(path.stem))


def _read(folder: Path, name: str) -> Notification | None:
    try:
        return Notification.model_validate_json((folder / f"{name}.json").read_bytes())
    except (OSError, ValidationError):
        return None


def _names(now: datetime, label: str) -> Iterator[str]:
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z_{label}"
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def _new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
