"""What the baselines have in common: one stream in, an envelope per hop of 50 ms, three scores out.

A baseline says what it makes of an envelope (`_start`, `_score`); streams, mixing, hops and score tracks are here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.interface import BASEBAND, ULTRASONIC, Block, Emission, ScoreTrack, StreamFormat, StreamNeed
from detectors.presence.cfar import HOP_S, MOTION_HZ
from detectors.presence.front_end import Hops, Mixer

RATE_HZ = 4_000


class EnvelopeBaseline(ABC):
    """Scores `presence`, `major_motion` and `minor_motion` every 50 ms from the envelope at 4 kHz.

    stream: `baseband` or `ultrasonic`. carrier_hz, level_db_spl: what it wants emitted, all the time. channels: microphones
    used, None for all. Raises DetectorError for what is out of range.
    """

    labels = tuple(MOTION_HZ)
    span_s: float

    def __init__(
        self,
        name: str,
        stream: str = ULTRASONIC,
        carrier_hz: float = 34_000.0,
        level_db_spl: float = 85.0,
        channels: int | None = None,
    ) -> None:
        if stream not in (BASEBAND, ULTRASONIC):
            raise DetectorError(f"{name}: stream: {BASEBAND} or {ULTRASONIC}, got {stream!r}")
        self.name, self.stream, self.channels = name, stream, channels
        self._emission = Emission((float(carrier_hz),), float(level_db_spl))
        rates = (RATE_HZ,) if stream == BASEBAND else (96_000, 192_000)
        self.needs: Mapping[str, StreamNeed] = {stream: StreamNeed(rates, channels)}

    @abstractmethod
    def _start(self, channels: int) -> None:
        """Drop all state."""

    @abstractmethod
    def _score(self, envelope: NDArray[np.complex64]) -> Sequence[float]:
        """One score a label, of the next (M, 200) samples; NaN while there is nothing to say."""

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        form, (carrier_hz,) = formats.get(self.stream), self._emission.carriers_hz
        if form is None or form.rate_hz not in self.needs[self.stream].rates_hz:
            raise DetectorError(
                f"{self.name}: needs {self.stream} at {self.needs[self.stream].rates_hz}, got {form}"
            )
        channels = self.channels or form.channels
        self._mixer, kind = None, np.complex64
        if self.stream == ULTRASONIC:
            self._mixer, kind = Mixer(form.rate_hz, RATE_HZ, carrier_hz, channels), np.float32
        elif form.carrier_hz != carrier_hz:
            raise DetectorError(
                f"{self.name}: carrier_hz = {carrier_hz:g}: the device's baseband is about {form.carrier_hz:g} Hz"
            )
        self._hops = Hops(channels, round(HOP_S * form.rate_hz), kind)
        self._scores: list[Sequence[float]] = []
        self._start(channels)

    def feed(self, block: Block) -> Emission | None:
        for hop in self._hops.cut(block.streams[self.stream][: self.channels]):
            self._scores.append(self._score(hop if self._mixer is None else self._mixer.mix(hop)))
        return self._emission

    def tracks(self) -> Sequence[ScoreTrack]:
        scores = np.asarray(self._scores, np.float32).reshape(-1, len(self.labels))
        return [
            ScoreTrack(self.name, label, HOP_S, HOP_S, scores[:, index].copy(), span_s=self.span_s)
            for index, label in enumerate(self.labels)
        ]
