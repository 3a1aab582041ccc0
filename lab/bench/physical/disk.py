"""Whether the disk can hold what a run will record, asked before the first trial."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.bench.physical.sound_card import audio_spec
from lab.errors import LabFailure
from rigs.audio.storage import RESERVE_BYTES, bytes_needed
from rigs.rig_file import RigFile


def capture_bytes(rig: RigFile, trials: int, audio_s: float) -> int:
    """At most; pilots included."""
    spec = audio_spec(rig)
    return bytes_needed(spec.inputs, spec.rate_hz, audio_s + trials * spec.pilot.around_s)


def check_disk(folder: Path, rig: RigFile, trials: int, audio_s: float) -> None:
    """Raises LabFailure where the captures of a run would not leave the reserve free."""
    needed, free = capture_bytes(rig, trials, audio_s), shutil.disk_usage(folder).free
    if needed + RESERVE_BYTES > free:
        raise LabFailure(
            f"{folder}: {trials} trials record up to {needed / 1e9:.1f} GB and {RESERVE_BYTES / 1e9:.2f} GB must "
            f"stay free, {free / 1e9:.1f} GB are. Make room, name another --out, or run fewer --trials"
        )
