"""From what the bench recorded to what the device's stack would have heard.

    full scale of the input -> full scale of the device's microphone -> sampling rate of the device

On a loopback bench there is no air to add sounds up: the inputs are added here and every microphone hears the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from lab.acoustics.device import DeviceSpec
from rigs.rig_file import RigFile


def heard_by(
    device: DeviceSpec, channels: int, rig: RigFile, recorded: Iterable[NDArray[np.float32]]
) -> Iterator[NDArray[np.float32]]:
    """Blocks (channels, n) at the device's rate and scale, clipped as its converter would.

    recorded: blocks (inputs, n) at the bench's rate, in the order of the rig file. channels: the device's first ones.
    """
    rate_hz, own_hz = rig.audio.rate_hz, device.audible.rate_hz
    mixing = _mixing(device.audible.full_scale_db_spl, channels, rig)
    converter = None
    if rate_hz != own_hz:
        converter = soxr.ResampleStream(rate_hz, own_hz, channels, dtype="float32", quality="VHQ")
    for block in _recut(recorded, rate_hz):
        frames = np.ascontiguousarray((mixing @ block).T)
        if converter is not None:
            frames = converter.resample_chunk(frames)
        if len(frames):
            yield _clip(frames)
    if converter is not None:
        frames = converter.resample_chunk(np.zeros((0, channels), np.float32), last=True)
        if len(frames):
            yield _clip(frames)


def heard_above(
    device: DeviceSpec, channels: int, rig: RigFile, block: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A block (inputs, n) above hearing at the device's scale, (channels, n); the bench records at the device's own rate."""
    assert device.ultrasonic is not None, "refused by the plan"
    mixing = _mixing(device.ultrasonic.full_scale_db_spl, channels, rig)
    return np.clip(mixing @ block, -1.0, 1.0)


def _recut(blocks: Iterable[NDArray[np.float32]], samples: int) -> Iterator[NDArray[np.float32]]:
    """The same in blocks of one length: how a resampler rounds depends on how it is fed."""
    waiting: list[NDArray[np.float32]] = []
    for block in blocks:
        waiting.append(block)
        while sum(one.shape[1] for one in waiting) >= samples:
            whole = np.concatenate(waiting, axis=1)
            yield whole[:, :samples]
            waiting = [whole[:, samples:]]
    if waiting and (rest := np.concatenate(waiting, axis=1)).shape[1]:
        yield rest


def _clip(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.clip(frames, -1.0, 1.0).T)


def _mixing(full_scale_db_spl: float, channels: int, rig: RigFile) -> NDArray[np.float32]:
    """Gains from inputs to microphones of this full scale, (channels, inputs)."""
    inputs = rig.audio.inputs
    gains = [10.0 ** ((wire.full_scale_db_spl - full_scale_db_spl) / 20.0) for wire in inputs]
    mixing = np.zeros((channels, len(inputs)), np.float32)
    for column, (wire, gain) in enumerate(zip(inputs, gains, strict=True)):
        if rig.kind == "loopback":
            mixing[:, column] = gain
        elif wire.microphone <= channels:
            mixing[wire.microphone - 1, column] = gain
    return mixing
