"""The stack on a recording of any length, rate and number of channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from detectors.interface import AUDIBLE, Block, Event, StackOutput, StreamFormat
from detectors.stack import Stack
from lab.errors import BadInput

_BLOCK_S = 1.0
# What of an event must be there to judge it, in Hz: piezos of alarms sound up to 3.7 kHz, two thirds of the energy of glass lie above 3 kHz and
# tell it from crockery; steps and doors lie below 1 kHz, their clicks at 2 to 3 kHz.
NEEDED_HZ = {
    "smoke_alarm": 3_800.0,
    "co_alarm": 3_800.0,
    "legacy_smoke_alarm": 3_800.0,
    "tv_smoke_alarm": 3_800.0,
    "appliance_beep": 4_200.0,
    "glass_break": 7_000.0,
    "footsteps": 2_000.0,
    "door_close": 2_000.0,
    "door_knock": 2_000.0,
}


@dataclass(frozen=True)
class RecordingFacts:
    """Of a file, without its samples."""

    rate_hz: int
    channels: int
    seconds: float


def facts_of(path: Path) -> RecordingFacts:
    """Raises BadInput naming the file."""
    try:
        found = soundfile.info(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from None
    return RecordingFacts(found.samplerate, found.channels, found.frames / found.samplerate)


def beyond(rate_hz: int, labels: Sequence[str]) -> tuple[str, ...]:
    """Those of `labels` that a recording at this rate cannot carry, in order."""
    return tuple(label for label in labels if NEEDED_HZ.get(label, 0.0) > rate_hz / 2.0)


def detect(path: Path, stack: Stack, channels: int | None = None) -> StackOutput:
    """Run a stack over a recording, resampled to the rate it wants, in constant memory.

    channels: how many the recording must have (the microphones of a device). None: any; a build that listens to one microphone then
    hears the mean of all, so that nothing in one of two channels is lost.
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
            mixed = channels is None and need.channels == 1
            stack.open({AUDIBLE: StreamFormat(rate_hz, 1 if mixed else file.channels)})
            position = 0
            for samples in _resampled(file, rate_hz, path, mixed):
                stack.feed(Block(position, samples.shape[1], rate_hz, {AUDIBLE: samples}))
                position += samples.shape[1]
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from None
    return stack.finish()


def write_detections(path: Path, events: Sequence[tuple[str, Event]]) -> None:
    """A DCASE file with what a detection has beside its time: filename, onset, offset, event_label, score, stage, detector. Raises BadInput."""
    lines = ["filename\tonset\toffset\tevent_label\tscore\tstage\tdetector"]
    lines += [
        f"{name}\t{e.onset_s:.4f}\t{e.offset_s:.4f}\t{e.label}\t{e.score:.4f}\t{e.stage}\t{e.detector}"
        for name, e in events
    ]
    try:
        path.write_text("\n".join(lines) + "\n")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None


def _unreadable(path: Path, error: Exception) -> BadInput:
    if not path.exists():
        return BadInput(f"{path}: no such file")
    return BadInput(f"{path}: not readable as audio: {str(error).splitlines()[0]}")


def _resampled(
    file: soundfile.SoundFile, rate_hz: int, path: Path, mixed: bool
) -> Iterator[NDArray[np.float32]]:
    """Blocks of shape (channels, n) at `rate_hz`, their mean where `mixed`; a sample that is no number is refused, not repaired."""
    converter = None
    if file.samplerate != rate_hz:
        channels = 1 if mixed else file.channels
        converter = soxr.ResampleStream(file.samplerate, rate_hz, channels, dtype="float32")
    size = round(_BLOCK_S * file.samplerate)
    while True:
        at = file.tell()
        block = file.read(size, dtype="float32", always_2d=True)
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise BadInput(f"{path}: sample {at + int(bad[0])} is not a finite number")
        last = len(block) < size
        if mixed:
            block = block.mean(axis=1, keepdims=True, dtype=np.float32)
        if converter is not None:
            block = converter.resample_chunk(block, last=last)
        if len(block):
            yield np.ascontiguousarray(block.T)
        if last:
            return
