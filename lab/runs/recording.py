"""The stack on a recording of any length, rate and number of channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from detectors.interface import AUDIBLE, Block, StackOutput, StreamFormat
from detectors.stack import Stack
from lab.errors import BadInput

_BLOCK_S = 1.0


def detect(path: Path, stack: Stack, channels: int | None = None) -> StackOutput:
    """Run a stack over a recording, resampled to the rate it wants, in constant memory.

    channels: how many the recording must have (the microphones of a device), None for any.
    Raises BadInput naming the file.
    """
    need = stack.needs.get(AUDIBLE)
    if need is None or set(stack.needs) != {AUDIBLE}:
        raise BadInput(
            f"{path}: the build wants {', '.join(stack.needs)}; a recording has the audible stream only"
        )
    rate_hz = need.rates_hz[0]
    try:
        with soundfile.SoundFile(path) as file:
            wanted = need.channels or 1
            if channels is not None and file.channels != channels:
                raise BadInput(f"{path}: {file.channels} channels, but the device has {channels} microphones")
            if file.channels < wanted:
                raise BadInput(f"{path}: {file.channels} channels, but the build listens to {wanted}")
            if file.frames == 0:
                raise BadInput(f"{path}: holds no samples")
            stack.open({AUDIBLE: StreamFormat(rate_hz, file.channels)})
            position = 0
            for samples in _resampled(file, rate_hz, path):
                stack.feed(Block(position, samples.shape[1], rate_hz, {AUDIBLE: samples}))
                position += samples.shape[1]
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (soundfile.SoundFileError, OSError) as error:
        raise BadInput(f"{path}: not readable as audio: {str(error).splitlines()[0]}") from None
    return stack.finish()


def _resampled(file: soundfile.SoundFile, rate_hz: int, path: Path) -> Iterator[NDArray[np.float32]]:
    """Blocks of shape (channels, n) at `rate_hz`; a sample that is no number is refused, not repaired."""
    converter = None
    if file.samplerate != rate_hz:
        converter = soxr.ResampleStream(file.samplerate, rate_hz, file.channels, dtype="float32")
    size = round(_BLOCK_S * file.samplerate)
    while True:
        at = file.tell()
        block = file.read(size, dtype="float32", always_2d=True)
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise BadInput(f"{path}: sample {at + int(bad[0])} is not a finite number")
        last = len(block) < size
        if converter is not None:
            block = converter.resample_chunk(block, last=last)
        if len(block):
            yield np.ascontiguousarray(block.T)
        if last:
            return
