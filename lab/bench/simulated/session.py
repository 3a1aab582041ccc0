"""One simulated trial: sources play, the room carries, the microphones hear, block by block.

    source (Pa at 1 m) -> impulse responses of the calibrated room -> sum of sources (Pa at each microphone)
    noise (unit RMS) -> diffuse-field coherence -> asked level        -> + -> microphones and converter

Memory does not grow with the length of the trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.interface import AUDIBLE, PLAYBACK, SILENT, Block, Emission, StreamFormat
from lab.acoustics.microphone import Microphone
from lab.bench.protocol import CaptureFacts


@dataclass(frozen=True, eq=False)
class Component:
    """One contribution to the sound field: pressure at every microphone in Pa, `read(n)` -> (M, n), times gain."""

    read: Callable[[int], NDArray[np.float32]]
    gain: float = 1.0


class SimulatedSession:
    """Implements `lab.bench.protocol.Session` for scenes in which nothing moves.

    block_s: length of a block; an emission takes effect at the next block boundary.
    """

    def __init__(
        self,
        *,
        rate_hz: int,
        channels: int,
        samples: int,
        block: int,
        streams: Sequence[str],
        field: Sequence[Component],
        microphones: Microphone,
        facts: Callable[[], CaptureFacts],
    ) -> None:
        self.clock_hz = rate_hz
        self.formats: Mapping[str, StreamFormat] = {
            name: StreamFormat(rate_hz, 1 if name == PLAYBACK else channels) for name in streams
        }
        self._channels = channels
        self._samples = samples
        self._block = block
        self._field = field
        self._microphones = microphones
        self._facts = facts
        self._position = 0
        self._emissions: list[tuple[float, Emission]] = [(0.0, SILENT)]

    def next(self, emission: Emission) -> Block | None:
        """The next block, or None at the end. Audible streams do not carry what is emitted above them."""
        length = min(self._block, self._samples - self._position)
        if length <= 0:
            return None
        if emission != self._emissions[-1][1]:
            self._emissions.append((self._position / self.clock_hz, emission))
        streams: dict[str, NDArray] = {}
        if AUDIBLE in self.formats:
            streams[AUDIBLE] = self._microphones.process(self._pressure(length))
        if PLAYBACK in self.formats:
            streams[PLAYBACK] = np.zeros((1, length), np.float32)
        block = Block(self._position, length, self.clock_hz, streams)
        self._position += length
        return block

    @property
    def emissions(self) -> tuple[tuple[float, Emission], ...]:
        """(time it took effect in s, emission), starting with silence at 0."""
        return tuple(self._emissions)

    def facts(self) -> CaptureFacts:
        return self._facts()

    def close(self) -> None:
        """Nothing is held open: a simulated session is only memory."""

    def _pressure(self, length: int) -> NDArray[np.float32]:
        """Sound pressure at the microphones in Pa, shape (channels, length)."""
        pressure = np.zeros((self._channels, length), np.float32)
        for component in self._field:
            pressure += np.float32(component.gain) * component.read(length)
        return pressure
