"""One simulated trial: streams rendered side by side, block by block.

    source (Pa at 1 m) -> impulse responses of the calibrated room -> sum of sources (Pa at each microphone)
    noise (unit RMS) -> diffuse-field coherence -> asked level        -> + -> microphones and converter

Memory does not grow with the length of the trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.interface import SILENT, Block, Emission, StreamFormat
from lab.acoustics.microphone import Microphone
from lab.bench.protocol import CaptureFacts

CALM_S = 10.0  # of one emission, until blocks get longer


class RenderedStream(Protocol):
    """One stream of a trial; blocks of any length give the same samples."""

    format: StreamFormat

    def read(self, samples: int) -> NDArray:
        """The next samples, (channels, samples)."""


@dataclass(frozen=True, eq=False)
class Component:
    """One contribution to the sound field: pressure at every microphone in Pa, `read(n)` -> (M, n), times gain."""

    read: Callable[[int], NDArray[np.float32]]
    gain: float = 1.0


@dataclass(frozen=True, eq=False)
class AudibleStream:
    """What the microphones make of the sum of a sound field."""

    format: StreamFormat
    field: Sequence[Component]
    microphones: Microphone

    def read(self, samples: int) -> NDArray[np.float32]:
        return self.microphones.process(pressure(self.field, self.format.channels, samples))


@dataclass(frozen=True, eq=False)
class PlaybackStream:
    """What the device plays, full scale +/-1; silence without a reader."""

    format: StreamFormat
    samples: Callable[[int], NDArray[np.float32]] | None = None

    def read(self, samples: int) -> NDArray[np.float32]:
        if self.samples is None:
            return np.zeros((1, samples), np.float32)
        return self.samples(samples)[None]


@dataclass(eq=False)
class SimulatedSession:
    """Implements `lab.bench.protocol.Session`.

    clock_hz: ticks per second. ticks: of the whole trial. block: ticks of a block; an emission takes effect at the next
    block boundary. calm: ticks of a block once the emission has been the same for CALM_S. emit: told what is emitted from here on,
    before each block.
    """

    clock_hz: int
    ticks: int
    block: int
    calm: int
    streams: Mapping[str, RenderedStream]
    conclude: Callable[[], CaptureFacts]
    emit: Callable[[Emission], None] | None = None
    _position: int = 0
    _changed: int = 0
    _emissions: list[tuple[float, Emission]] = field(default_factory=lambda: [(0.0, SILENT)])

    @property
    def formats(self) -> Mapping[str, StreamFormat]:
        return {name: stream.format for name, stream in self.streams.items()}

    def next(self, emission: Emission) -> Block | None:
        """The next block, or None at the end."""
        if self._position >= self.ticks:
            return None
        if emission != self._emissions[-1][1]:
            self._emissions.append((self._position / self.clock_hz, emission))
            self._changed = self._position
        calm = self._position - self._changed >= CALM_S * self.clock_hz
        length = min(self.calm if calm else self.block, self.ticks - self._position)
        if self.emit is not None:
            self.emit(emission)
        streams = {
            name: stream.read(length * stream.format.rate_hz // self.clock_hz)
            for name, stream in self.streams.items()
        }
        block = Block(self._position, length, self.clock_hz, streams)
        self._position += length
        return block

    @property
    def emissions(self) -> tuple[tuple[float, Emission], ...]:
        """(time it took effect in s, emission), starting with silence at 0."""
        return tuple(self._emissions)

    def facts(self) -> CaptureFacts:
        return self.conclude()

    def close(self) -> None:
        """Nothing is held open: a simulated session is only memory."""


def pressure(components: Sequence[Component], channels: int, samples: int) -> NDArray[np.float32]:
    """Sound pressure at the microphones in Pa, shape (channels, samples)."""
    total = np.zeros((channels, samples), np.float32)
    for component in components:
        total += np.float32(component.gain) * component.read(samples)
    return total
