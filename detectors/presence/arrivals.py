"""Hops of the microphones and of what is played in them, side by side, however the streams arrive."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from detectors.presence.front_end import HOP_S, RATE_HZ, Hops


class Arrivals:
    """Hops that wait to be heard. rate_hz, kind: of the microphones. playback_hz: None where nothing tells what is played.

    late: samples of an envelope, at RATE_HZ, by which the microphones are held back, so that playback is beside what it does; below 0
    playback is.
    """

    def __init__(self, channels: int, rate_hz: int, kind: type, playback_hz: int | None) -> None:
        self._heard = _Queue(channels, rate_hz, kind, finite=False)
        self._played = None if playback_hz is None else _Queue(1, playback_hz, np.float32, finite=True)
        self.late = 0

    def push(self, heard: NDArray, played: NDArray | None) -> None:
        """heard: (M, n). played: (1, n) at its own rate, if it is told."""
        self._heard.push(heard)
        if self._played is not None:
            self._played.push(played)

    @property
    def waiting(self) -> int:
        """Hops of which all has come."""
        heard = len(self._heard.hops)
        return heard if self._played is None else min(heard, len(self._played.hops))

    def next(self) -> tuple[NDArray, NDArray[np.float32] | None]:
        played = None if self._played is None else self._played.hops.popleft()[0]
        return self._heard.hops.popleft(), played

    def hold(self, late: int) -> None:
        """Holds back one stream or the other from the next hop on: silence is put before what waits, or what is held too long left out."""
        self._heard.delay(max(late, 0) - max(self.late, 0))
        if self._played is not None:
            self._played.delay(max(-late, 0) - max(-self.late, 0))
        self.late = late


class _Queue:
    """One stream. finite: whether what is no number counts as silence."""

    def __init__(self, channels: int, rate_hz: int, kind: type, finite: bool) -> None:
        self._cutter = Hops(channels, round(HOP_S * rate_hz), kind, finite)
        self._step = rate_hz // RATE_HZ
        self.hops: deque[NDArray] = deque()

    def push(self, samples: NDArray) -> None:
        self.hops.extend(self._cutter.cut(samples))

    def delay(self, more: int) -> None:
        """By so many samples of an envelope, or, below 0, by so many less: as much has waited since it was delayed."""
        waiting = np.concatenate([*self.hops, self._cutter.rest], axis=1)
        count = more * self._step
        silence = np.zeros((len(waiting), max(count, 0)), waiting.dtype)
        self.hops = deque(self._cutter.again(np.concatenate([silence, waiting[:, max(-count, 0) :]], axis=1)))
