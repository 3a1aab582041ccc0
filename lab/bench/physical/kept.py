"""Kept captures: heard again as the stack heard them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.bench.physical.hearing import heard_above, heard_by
from lab.bench.physical.notes import read_note
from lab.errors import LabFailure
from lab.scenario.trial import Trial
from lab.sources.segments import Segment
from rigs.audio.storage import read_blocks
from rigs.rig_file import RigFile

MOST_FLAC_CHANNELS = 8


def capture_path(folder: Path, name: str, rig: RigFile) -> Path:
    """Where the next capture of a trial goes; an earlier one is never overwritten."""
    suffix = ".flac" if len(rig.audio.inputs) <= MOST_FLAC_CHANNELS else ".w64"
    path, attempt = folder / f"{name}{suffix}", 1
    while path.exists():
        attempt += 1
        path = folder / f"{name}-{attempt}{suffix}"
    return path


def last_note(folder: Path, name: str) -> Path:
    """The note beside the last capture of a trial. Raises LabFailure when there is none."""
    notes = [folder / f"{name}.json", *folder.glob(f"{name}-*.json")]
    kept = [path for path in notes if path.is_file() and path.stem.removeprefix(name).lstrip("-").isdecimal()]
    kept += [path for path in notes[:1] if path.is_file()]
    if not kept:
        raise LabFailure(f"{folder}: the capture of {name} is not there")
    return max(kept, key=lambda path: int(path.stem.removeprefix(name).lstrip("-") or 1))


def heard_again(
    note: Path, trial: Trial, rig: RigFile, start_s: float, end_s: float, above: bool = False
) -> tuple[NDArray[np.float32], int, tuple[Segment, ...]]:
    """The reference microphone between two moments of a kept trial, its rate, and what was played in the trial.

    above: as the device's stack hears it above hearing, at the bench's rate; else at the rate of what the device hears.
    """
    said, device = read_note(note), trial.spec.device
    rate_hz = rig.audio.rate_hz if above else device.audible.rate_hz
    segments = tuple(Segment(**one) for one in said["segments"])
    if said["body_at"] is None or "deleted" in said:
        return np.zeros(0, np.float32), rate_hz, segments
    blocks = _body(note.parent / said["capture"], said["body_at"], said["body_frames"], rig.audio.rate_hz)
    heard = (
        (heard_above(device, 1, rig, block) for block in blocks)
        if above
        else heard_by(device, 1, rig, blocks)
    )
    audio = np.concatenate([block[0] for block in heard])
    return audio[max(0, round(start_s * rate_hz)) : round(end_s * rate_hz)], rate_hz, segments


def _body(path: Path, at: int, frames: int, rate_hz: int) -> Iterator[NDArray[np.float32]]:
    yield from read_blocks(path, rate_hz, at, at + frames)
