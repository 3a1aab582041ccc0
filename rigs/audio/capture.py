"""A finished capture, and the short way to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs.audio.alignment import Alignment
from rigs.audio.duplex import Duplex
from rigs.audio.playback import Clip
from rigs.audio.spec import AudioSpec
from rigs.audio.storage import read_blocks
from rigs.audio.verdict import AudioVerdict
from rigs.errors import AudioFault


@dataclass(frozen=True, eq=False)
class Capture:
    """What came back, in memory (`samples`, the body alone) or on disk (`path`, whole, with its pilots).

    samples: float32 (inputs, body_frames), None where there is a file. body_at: the file's sample at which the body
    begins, None if that could not be found. Sample i of the body was heard when sample i of the playback arrived,
    to within half a sample; the fraction is in `alignment`.
    """

    rate_hz: int
    alignment: Alignment
    verdict: AudioVerdict
    body_frames: int
    body_at: int | None
    samples: NDArray[np.float32] | None = None
    path: Path | None = None

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """The body in blocks of (inputs, frames), the last may be shorter. Raises AudioFault if it was never found."""
        if self.samples is not None:
            for start in range(0, self.samples.shape[1], frames):
                yield self.samples[:, start : start + frames]
            return
        if self.path is None or self.body_at is None:
            raise AudioFault(f"capture: the body was not found, {self.verdict.reason}")
        yield from read_blocks(self.path, frames, self.body_at, self.body_at + self.body_frames)


def play_record(
    spec: AudioSpec,
    playback: NDArray[np.float32],
    record_to: Path | None = None,
    on_block: Callable[[NDArray[np.float32]], None] | None = None,
    *,
    duplex: type[Duplex] = Duplex,
) -> Capture:
    """Play (outputs, n) and record meanwhile, to a file (.flac, .wav, .w64) or into memory.

    on_block: called with each piece of the body (inputs, any) as it comes. Raises AudioFault where nothing can be played
    or kept; what is wrong with the sound itself is in `verdict`.
    """
    playback = np.asarray(playback)
    if playback.dtype != np.float32 or playback.ndim != 2 or playback.shape[0] != spec.outputs:
        raise AudioFault(
            f"playback is {playback.dtype} {playback.shape}, float32 ({spec.outputs}, n) is needed"
        )
    kept: list[NDArray[np.float32]] = []

    def take(block: NDArray[np.float32]) -> None:
        if record_to is None:
            kept.append(block)
        if on_block is not None:
            on_block(block)

    running = duplex(
        spec,
        record_to,
        source=Clip(playback),
        live=False,
        on_block=take,
        expected_s=playback.shape[1] / spec.rate_hz + spec.pilot.around_s,
    )
    with running:
        alignment, verdict = running.result()
    return Capture(
        rate_hz=spec.rate_hz,
        alignment=alignment,
        verdict=verdict,
        body_frames=running.body_frames,
        body_at=running.body_at,
        samples=_joined(kept, spec.inputs) if record_to is None else None,
        path=record_to,
    )


def _joined(blocks: list[NDArray[np.float32]], channels: int) -> NDArray[np.float32]:
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((channels, 0), np.float32)
