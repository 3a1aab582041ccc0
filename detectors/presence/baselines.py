"""What the baselines have in common: one stream in, an envelope per hop of 50 ms, three scores out.

A baseline says what it makes of an envelope (`_start`, `_score`); settings, streams, mixing, hops and score tracks are here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.interface import BASEBAND, ULTRASONIC, Block, Emission, ScoreTrack, StreamFormat, StreamNeed
from detectors.presence.front_end import HOP_S, RATE_HZ, Hops, Mixer
from detectors.presence.settings import (
    CARRIER_HZ,
    LEVEL_DB_SPL,
    carrier_in,
    carrier_of,
    count,
    microphones,
    of_detector,
    within,
)

# Doppler shift at 34 kHz: 54 Hz is 0.27 m/s, 1200 Hz is a fast walker's foot. Below 54 Hz the carrier's own skirt, which still air
# writes on it, stands above noise, up to 30 dB at 15 Hz.
MOTION_HZ: Mapping[str, tuple[float, float]] = {
    "presence": (54.0, 1200.0),
    "major_motion": (80.0, 1200.0),
    "minor_motion": (54.0, 120.0),
}


class EnvelopeBaseline(ABC):
    """Scores `presence`, `major_motion` and `minor_motion` every 50 ms from the envelope.

    stream: `baseband` or `ultrasonic`. carrier_hz, 20 000 to 90 000, and level_db_spl, 40 to 100: what it wants emitted, all the time.
    average_s: over how long a score is averaged, 0.05 to 10. channels: microphones used, from 1, None for all. Raises DetectorError
    naming the key.
    """

    labels = tuple(MOTION_HZ)
    rates_hz: tuple[int, ...] = (RATE_HZ,)  # of a baseband
    span_s: float

    def __init__(
        self,
        name: str,
        stream: str = ULTRASONIC,
        carrier_hz: float = 34_000.0,
        level_db_spl: float = 85.0,
        average_s: float = 0.5,
        channels: int | None = None,
    ) -> None:
        if stream not in (BASEBAND, ULTRASONIC):
            raise DetectorError(f"streams: one of {BASEBAND}, {ULTRASONIC}, got {stream}")
        within("carrier_hz", carrier_hz, *CARRIER_HZ)
        within("level_db_spl", level_db_spl, *LEVEL_DB_SPL)
        within("average_s", average_s, HOP_S, 10.0)
        count("channels", channels)
        self.name, self.stream, self.average_s, self.channels = name, stream, average_s, channels
        self._emission = Emission((float(carrier_hz),), float(level_db_spl))
        rates = self.rates_hz if stream == BASEBAND else (96_000, 192_000)
        self.needs: Mapping[str, StreamNeed] = {stream: StreamNeed(rates, channels)}

    @abstractmethod
    def _start(self, channels: int, rate_hz: int) -> None:
        """Drop all state. rate_hz: of the envelope."""

    @abstractmethod
    def _score(self, envelope: NDArray[np.complex64]) -> Sequence[float]:
        """One score a label, of the next (M, HOP_S rate_hz) samples; NaN while there is nothing to say."""

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        form, (carrier_hz,) = formats.get(self.stream), self._emission.carriers_hz
        if form is None or form.rate_hz not in self.needs[self.stream].rates_hz:
            raise DetectorError(
                f"{self.name}: needs {self.stream} at {self.needs[self.stream].rates_hz}, got {form}"
            )
        with of_detector(self.name):
            channels = microphones(self.channels, form)
            if self.stream == BASEBAND:
                carrier_of(form, carrier_hz)
                rate_hz, kind, self._mixer = form.rate_hz, np.complex64, None
            else:
                carrier_in(form, carrier_hz)
                rate_hz, kind = RATE_HZ, np.float32
                self._mixer = Mixer(form.rate_hz, rate_hz, carrier_hz, channels)
        self._hops = Hops(channels, round(HOP_S * form.rate_hz), kind)
        self._scores: list[Sequence[float]] = []
        self._start(channels, rate_hz)

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
