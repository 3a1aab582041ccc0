"""A finished recording as a session: the stack cannot tell it from any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.interface import AUDIBLE, PLAYBACK, SILENT, Block, Emission, StreamFormat
from lab.bench.protocol import CaptureFacts
from lab.errors import BadInput


class RecordedSession:
    """Implements `lab.bench.protocol.Session` on what was recorded.

    heard: blocks (channels, n) at `rate_hz`; cut or filled with silence to `samples`. A recording holds no answer to
    what a stack wants to emit, so a build that emits is refused.
    """

    def __init__(
        self,
        *,
        rate_hz: int,
        channels: int,
        samples: int,
        streams: tuple[str, ...],
        heard: Iterator[NDArray[np.float32]],
        facts: CaptureFacts,
    ) -> None:
        self.clock_hz = rate_hz
        self.formats: Mapping[str, StreamFormat] = {
            name: StreamFormat(rate_hz, 1 if name == PLAYBACK else channels) for name in streams
        }
        self._channels, self._samples = channels, samples
        self._heard, self._facts = heard, facts
        self._position = 0

    def next(self, emission: Emission) -> Block | None:
        if emission != SILENT:
            raise BadInput(
                "the build wants the device to emit; what this bench recorded holds no answer to that"
            )
        left = self._samples - self._position
        if left <= 0:
            return None
        audio = next(self._heard, None)
        if audio is None:
            if self._facts.invalid is not None:
                return None
            audio = np.zeros((self._channels, left), np.float32)
        audio = audio[:, :left]
        streams = {}
        if AUDIBLE in self.formats:
            streams[AUDIBLE] = audio
        if PLAYBACK in self.formats:
            streams[PLAYBACK] = np.zeros((1, audio.shape[1]), np.float32)
        block = Block(self._position, audio.shape[1], self.clock_hz, streams)
        self._position += audio.shape[1]
        return block

    def facts(self) -> CaptureFacts:
        return self._facts

    def close(self) -> None:
        """The recording is finished; nothing is held open."""
