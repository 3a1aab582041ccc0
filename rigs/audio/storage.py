"""Captures on disk: as they come, whole, never all in memory.

`.flac` keeps 24 bits, what converters deliver, exactly; `.wav` and `.w64` keep float32, `.wav` as RF64 where it may pass
4 GB. What a killed process leaves behind is still readable, block by block, in `.flac`, `.w64` and short `.wav` files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from rigs.errors import AudioFault

RESERVE_BYTES = 256 * 2**20  # left for everything else that writes to this disk
LARGE_BYTES = 2**31
UNKNOWN_LENGTH = 2**62  # frames that libsndfile reports of a FLAC file that was never closed
SUFFIXES = (".flac", ".wav", ".w64")


def bytes_needed(channels: int, rate_hz: int, seconds: float) -> int:
    """At most; FLAC usually needs half."""
    return int(4 * channels * rate_hz * seconds)


def check_space(folder: Path, needed: int, reserve: int = RESERVE_BYTES) -> None:
    """Raises AudioFault where `needed` bytes would not leave the reserve free."""
    free = shutil.disk_usage(folder).free
    if needed + reserve > free:
        raise AudioFault(
            f"disk of {folder}: the recording needs {needed / 1e9:.2f} GB and {reserve / 1e9:.2f} GB must stay free, "
            f"{free / 1e9:.2f} GB are. Make room, or record elsewhere"
        )


class Writer:
    """One capture file. Raises AudioFault when the disk refuses."""

    def __init__(self, path: Path, rate_hz: int, channels: int, expected_s: float | None = None) -> None:
        if path.suffix not in SUFFIXES:
            raise AudioFault(f"recording {path.name}: allowed are {', '.join(SUFFIXES)}")
        if path.suffix == ".flac" and channels > 8:
            raise AudioFault(
                f"recording {path.name}: FLAC holds 8 channels, {channels} are recorded; use .w64"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        needed = bytes_needed(channels, rate_hz, expected_s or 0.0)
        check_space(path.parent, needed)
        self.path = path
        self._bits24 = path.suffix == ".flac"
        if self._bits24:
            kind = {"format": "FLAC", "subtype": "PCM_24", "compression_level": 0.2}
        else:
            large = expected_s is None or needed > LARGE_BYTES
            kind = {
                "format": "W64" if path.suffix == ".w64" else "RF64" if large else "WAV",
                "subtype": "FLOAT",
            }
        try:
            self._file = soundfile.SoundFile(path, "w", rate_hz, channels, **kind)
        except (soundfile.LibsndfileError, OSError) as error:
            raise AudioFault(f"recording {path}: cannot be made: {error}") from error

    def write(self, block: NDArray[np.float32]) -> None:
        """Append (channels, n)."""
        frames = block.T
        if self._bits24:
            # libsndfile scales floats by 2^23 - 1; whole numbers keep what a 24-bit converter gave.
            whole = np.clip(np.rint(frames * np.float64(2**23)), -(2**23), 2**23 - 1)
            frames = whole.astype(np.int32) << 8
        try:
            self._file.write(np.ascontiguousarray(frames))
        except (
            soundfile.LibsndfileError,
            OSError,
            AssertionError,
        ) as error:  # short writes trip an assert in soundfile
            raise AudioFault(f"recording {self.path}: the disk refuses: {error or 'full'}") from error

    def discard(self) -> None:
        """Nothing was recorded: leave no empty file behind."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close, and have it on the disk itself: a power cut must not take what was measured."""
        try:
            self._file.close()
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
        except (soundfile.LibsndfileError, OSError) as error:
            raise AudioFault(f"recording {self.path}: the disk refuses: {error}") from error


def read_blocks(
    path: Path, frames: int, start: int = 0, stop: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Blocks of (channels, frames) from frame `start` to before `stop`, the last may be shorter.

    Also from a file that was never closed, whose length is unknown and in which nothing can be sought. Raises AudioFault
    where a file ends in the middle of a block of its own, as on a full disk.
    """
    with _Sequential(path) as file:
        position = start
        if file.frames < UNKNOWN_LENGTH:
            position = file.seek(min(start, file.frames))
        else:
            _skip(file, start)
        while stop is None or position < stop:
            wanted = frames if stop is None else min(frames, stop - position)
            try:
                block = file.read(wanted, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise AudioFault(
                    f"recording {path}: cannot be read beyond {position / file.samplerate:.1f} s: {error}"
                ) from error
            if not len(block):
                return
            yield np.ascontiguousarray(block.T)
            position += len(block)


class _Sequential(soundfile.SoundFile):
    """soundfile seeks after every read, which a file without a length cannot."""

    def seekable(self) -> bool:
        return self.frames < UNKNOWN_LENGTH


def _skip(file: soundfile.SoundFile, frames: int) -> None:
    while frames > 0:
        skipped = len(file.read(min(frames, 65536)))
        if not skipped:
            return
        frames -= skipped
