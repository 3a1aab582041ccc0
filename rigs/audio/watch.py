"""What a recording shows while it runs: clipping, blocks that froze or fell silent, samples that are not what was played.

Flags of the sound card are not asked: they cry without loss and keep silent at losses.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from rigs.audio.spec import AudioSpec
from rigs.audio.verdict import Defect, Finding

CLIPPED = 0.9999  # 16 bits end at 0.99997
CLIPPED_RUN = 3
FROZEN_RUN = 64


class Watch:
    """Feed it every recorded block, in order.

    A converter with its noise never gives 64 equal samples on all channels at once; a computed path may, so the
    search for gaps is on only where the silence before the pilot held noise.
    """

    def __init__(self, spec: AudioSpec) -> None:
        self._inputs = spec.in_connectors
        self._before = spec.pilot.before(spec.rate_hz)
        self._half = spec.pilot.silence(spec.rate_hz) // 2
        self._position = 0
        self._noisy = False
        self._last: NDArray | None = None
        self._run = 0
        self._clipped = np.zeros(spec.inputs, np.int64)
        self._frozen: list[tuple[int, int]] = []

    def feed(self, block: NDArray[np.float32]) -> None:
        """block: (channels, n)."""
        self._clipped += clipped_runs(block)
        quiet = max(0, self._before - self._position)
        if quiet:
            # What comes first may be the card waking up.
            self._noisy |= bool(np.any(block[:, max(0, quiet - self._half) : quiet]))
        if self._noisy and block.shape[1] > quiet:
            self._find_frozen(block[:, quiet:], self._position + quiet)
        self._position += block.shape[1]

    def _find_frozen(self, block: NDArray[np.float32], start: int) -> None:
        before = block[:, :1] if self._last is None else self._last
        still = np.all(block == np.concatenate([before, block[:, :-1]], axis=1), axis=0)
        self._last = block[:, -1:].copy()
        if np.all(still):
            self._run += len(still)
            return
        moving = np.flatnonzero(~still)
        self._note(start - self._run, self._run + int(moving[0]))
        lengths = np.diff(moving) - 1
        for index in np.flatnonzero(lengths >= FROZEN_RUN):
            self._note(start + int(moving[index]) + 1, int(lengths[index]))
        self._run = len(still) - 1 - int(moving[-1])

    def _note(self, where: int, length: int) -> None:
        if length >= FROZEN_RUN:
            self._frozen.append((where, length))

    def findings(self, rate_hz: int) -> list[Finding]:
        found = []
        self._note(self._position - self._run, self._run)
        self._run = 0
        if self._frozen:
            where, length = self._frozen[0]
            found.append(
                Finding(
                    Defect.LOST_BLOCK,
                    f"{len(self._frozen)} gaps without any noise, the first {length} samples long at {where / rate_hz:.3f} s",
                )
            )
        if np.any(self._clipped):
            which = ", ".join(
                f"{number} ({count} times)"
                for number, count in zip(self._inputs, self._clipped, strict=True)
                if count
            )
            found.append(Finding(Defect.CLIPPED, f"full scale was reached on input {which}; lower the gain"))
        return found


def clipped_runs(block: NDArray[np.float32]) -> NDArray[np.int64]:
    """Per channel, how often three samples in a row reach full scale. A run that spans two blocks may count twice."""
    if block.size == 0 or np.max(np.abs(block)) < CLIPPED:
        return np.zeros(block.shape[0], np.int64)
    full = np.abs(block) >= CLIPPED
    runs = np.logical_and.reduce(
        [full[:, i : full.shape[1] - CLIPPED_RUN + 1 + i] for i in range(CLIPPED_RUN)]
    )
    starts = runs & ~np.pad(runs[:, :-1], ((0, 0), (1, 0)))
    return np.sum(starts, axis=1)


class ExactWatch:
    """Compares what came back with what was played, sample by sample, on every looped channel.

    Until `lag` is set, blocks wait.
    """

    def __init__(self, spec: AudioSpec) -> None:
        self._out = [output for output, _ in spec.loops]
        self._in = [channel for _, channel in spec.loops]
        self._played: deque[NDArray] = deque()
        self._recorded: deque[NDArray] = deque()
        self._lag: int | None = None
        self.compared = 0
        self.different = 0
        self.first_different: int | None = None

    def set_lag(self, lag: int) -> None:
        self._lag = lag
        skip = lag
        while skip and self._recorded:
            block = self._recorded.popleft()
            if block.shape[1] > skip:
                self._recorded.appendleft(block[:, skip:])
            skip -= min(skip, block.shape[1])

    def feed(self, recorded: NDArray[np.float32], played: NDArray[np.float32]) -> None:
        self._recorded.append(recorded[self._in])
        self._played.append(played[self._out])
        if self._lag is None:
            return
        while self._recorded and self._played:
            ours, theirs = self._recorded.popleft(), self._played.popleft()
            n = min(ours.shape[1], theirs.shape[1])
            wrong = np.any(ours[:, :n] != theirs[:, :n], axis=0)
            if np.any(wrong):
                self.different += int(np.sum(wrong))
                if self.first_different is None:
                    self.first_different = self.compared + int(np.argmax(wrong))
            self.compared += n
            if ours.shape[1] > n:
                self._recorded.appendleft(ours[:, n:])
            if theirs.shape[1] > n:
                self._played.appendleft(theirs[:, n:])

    def findings(self, rate_hz: int) -> list[Finding]:
        if self.first_different is None:
            return []
        detail = (
            f"{self.different} of {self.compared} samples are not what was played, "
            f"the first {self.first_different / rate_hz:.3f} s after the start"
        )
        return [Finding(Defect.CORRUPTED, detail)]
