"""What is played: the pilot, a body that may still be in the making, the pilot again."""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rigs.audio.spec import AudioSpec
from rigs.errors import AudioFault


class Source(Protocol):
    """Where the body comes from. `read` does not wait for real sound cards: it is called by them."""

    ready: bool
    ended: bool

    def read(self, frames: int) -> NDArray[np.float32]:
        """(channels, at most `frames`)."""


class Clip:
    """A body that is there as a whole, shape (channels, n)."""

    ready = True

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples
        self._position = 0

    @property
    def ended(self) -> bool:
        return self._position >= self._samples.shape[1]

    def read(self, frames: int) -> NDArray[np.float32]:
        block = self._samples[:, self._position : self._position + frames]
        self._position += block.shape[1]
        return block


class Player:
    """A body handed out block by block while it plays.

    It begins when half of what may be queued is, or when somebody wants to hear what there is of it. patient_s: how long `read` waits for
    what is not there yet; a real sound card cannot wait, one of software can.
    """

    def __init__(self, channels: int, ahead: int, patient_s: float = 0.0) -> None:
        self._channels = channels
        self._ahead = ahead
        self._patient_s = patient_s
        self._blocks: deque[NDArray[np.float32]] = deque()
        self._queued = 0
        self._finished = False
        self._hurried = False
        self._changed = threading.Condition()

    def put(self, block: NDArray[np.float32], timeout_s: float = 60.0) -> None:
        """Hand out (channels, n) float32; waits while more than `ahead_s` is queued. Raises AudioFault when playback has
        ended or nothing moves for `timeout_s`."""
        block = np.asarray(block)
        if block.dtype != np.float32 or block.ndim != 2 or block.shape[0] != self._channels:
            raise AudioFault(
                f"player: a block of {block.dtype} {block.shape} was handed out, float32 ({self._channels}, n) is needed"
            )
        with self._changed:
            if not self._changed.wait_for(lambda: self._finished or self._queued < self._ahead, timeout_s):
                raise AudioFault(f"player: the sound card took nothing for {timeout_s:g} s")
            if self._finished:
                raise AudioFault("player: playback has ended, no block can be put")
            if block.shape[1]:
                self._blocks.append(block.copy())
                self._queued += block.shape[1]

    def finish(self) -> None:
        """No more blocks; what is queued still plays."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    @property
    def ready(self) -> bool:
        return self._finished or self._queued >= (1 if self._hurried else self._ahead // 2)

    def hurry(self) -> None:
        """Begin with whatever is queued."""
        self._hurried = True

    @property
    def ended(self) -> bool:
        return self._finished and not self._queued

    def read(self, frames: int) -> NDArray[np.float32]:
        with self._changed:
            if self._patient_s:
                self._changed.wait_for(lambda: self._finished or self._queued >= frames, self._patient_s)
            taken = []
            wanted = frames
            while wanted and self._blocks:
                block = self._blocks.popleft()
                if block.shape[1] > wanted:
                    self._blocks.appendleft(block[:, wanted:])
                    block = block[:, :wanted]
                taken.append(block)
                wanted -= block.shape[1]
            self._queued -= frames - wanted
            self._changed.notify_all()
        return np.concatenate(taken, axis=1) if taken else np.zeros((self._channels, 0), np.float32)


class Feed:
    """Head, body and tail in one stream of blocks, and the frame numbers at which each began.

    The head begins with `begin`, the body when its source is ready; a source that then runs dry leaves silence, which is
    counted.
    """

    def __init__(self, spec: AudioSpec, source: Source) -> None:
        pilot, rate_hz = spec.pilot, spec.rate_hz
        self._channels = spec.outputs
        self._source = source
        self._head = Clip(pilot.head(rate_hz, spec.outputs, spec.pilot_output))
        self._tail = Clip(pilot.tail(rate_hz, spec.outputs, spec.pilot_output))
        self._before = pilot.before(rate_hz)
        self._silence = pilot.silence(rate_hz)
        self._stopped = False
        self._begun = False
        self.played = 0
        self.head_start: int | None = None
        self.body_start: int | None = None
        self.body_frames = 0
        self.tail_pilot: int | None = None
        self.starved = 0

    @property
    def over(self) -> bool:
        return self._stopped or self._tail.ended

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def head_pilot(self) -> int:
        """Where the first pilot began; asked only after the head did."""
        assert self.head_start is not None
        return self.head_start + self._before

    def begin(self) -> None:
        """From the next block on; before, there is silence."""
        self._begun = True

    def stop(self) -> None:
        """Silence from the next block on; no tail."""
        self._stopped = True

    def take(self, frames: int) -> NDArray[np.float32]:
        """The next (channels, frames)."""
        block = np.zeros((self._channels, frames), np.float32)
        filled = 0
        while filled < frames and not self.over:
            room = frames - filled
            piece = self._next(room)
            block[:, filled : filled + piece.shape[1]] = piece
            filled += piece.shape[1]
            self.played += piece.shape[1]
        self.played += frames - filled
        return block

    def _next(self, room: int) -> NDArray[np.float32]:
        if not self._begun:
            return np.zeros((self._channels, room), np.float32)
        if self.head_start is None:
            self.head_start = self.played
        if not self._head.ended:
            return self._head.read(room)
        if self.body_start is None:
            if not self._source.ready:
                return np.zeros((self._channels, room), np.float32)
            self.body_start = self.played
        if not self._source.ended:
            piece = self._source.read(room)
            if piece.shape[1] < room and not self._source.ended:
                self.starved += room - piece.shape[1]
                piece = np.pad(piece, ((0, 0), (0, room - piece.shape[1])))
            self.body_frames += piece.shape[1]
            return piece
        if self.tail_pilot is None:
            self.tail_pilot = self.played + self._silence
        return self._tail.read(room)
