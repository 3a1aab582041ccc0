"""The baseline: energy in a Doppler band against the noise beside it (cell-averaging CFAR over Doppler).

    score = 10 log10( max over band cells of mean over the last second of P[f] / median of P over reference cells )

Cells of the band hold people, cells beyond it noise alone: the ratio has one distribution whatever the noise level is.
After Rohling, IEEE Trans. AES 19(4), 1983: the median of the reference cells stands for their level, so that a stray line
among them does no harm. It knows nothing of fans, curtains and music, which is the point of a baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.interface import BASEBAND, ULTRASONIC, Block, Emission, ScoreTrack, StreamFormat, StreamNeed
from detectors.presence.doppler import DopplerSpectrum
from detectors.presence.front_end import Hops, Mixer

HOP_S = 0.05
FRAME_S = 0.128
RATES_HZ = (4_000, 8_000)
SETTLING_S = 0.2  # from the first sample to a tone that is up and has filled the room
# Doppler shift at 34 kHz: 54 Hz is 0.27 m/s, 1200 Hz is a fast walker's foot. Below 54 Hz the carrier's own skirt, which still air
# writes on it, stands above the reference cells, up to 30 dB at 15 Hz. Reference cells lie above the band.
MOTION_HZ: Mapping[str, tuple[float, float]] = {
    "presence": (54.0, 1200.0),
    "major_motion": (80.0, 1200.0),
    "minor_motion": (54.0, 120.0),
}
REFERENCE_HZ = (1250.0, 1480.0)


class DopplerCfar:
    """Scores `presence`, `major_motion` and `minor_motion` every 50 ms, in dB above the reference cells.

    stream: `baseband` or `ultrasonic`. carrier_hz, level_db_spl: what it wants emitted, all the time. average_s: spectra
    are averaged over this long. channels: microphones used, None for all. The first 0.3 s, while the tone comes up, have no score.
    """

    labels = tuple(MOTION_HZ)

    def __init__(
        self,
        name: str = "doppler_cfar",
        stream: str = ULTRASONIC,
        carrier_hz: float = 34_000.0,
        level_db_spl: float = 85.0,
        average_s: float = 0.5,
        channels: int | None = None,
    ) -> None:
        if stream not in (BASEBAND, ULTRASONIC):
            raise DetectorError(f"{name}: stream: {BASEBAND} or {ULTRASONIC}, got {stream!r}")
        if not HOP_S <= average_s <= 10.0:
            raise DetectorError(f"{name}: average_s: {HOP_S} to 10, got {average_s}")
        self.name, self.stream, self.channels = name, stream, channels
        self._emission = Emission((float(carrier_hz),), float(level_db_spl))
        self._spectra = round(average_s / HOP_S)
        rates = RATES_HZ if stream == BASEBAND else (96_000, 192_000)
        self.needs: Mapping[str, StreamNeed] = {stream: StreamNeed(rates, channels)}

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        form = formats.get(self.stream)
        if form is None or form.rate_hz not in self.needs[self.stream].rates_hz:
            raise DetectorError(
                f"{self.name}: needs {self.stream} at {self.needs[self.stream].rates_hz}, got {form}"
            )
        channels = self.channels or form.channels
        (carrier_hz,) = self._emission.carriers_hz
        if self.stream == BASEBAND:
            if form.carrier_hz != carrier_hz:
                raise DetectorError(
                    f"{self.name}: carrier_hz = {carrier_hz:g}: the device's baseband is about {form.carrier_hz:g} Hz"
                )
            rate_hz, kind, self._mixer = form.rate_hz, np.complex64, None
        else:
            rate_hz, kind = RATES_HZ[0], np.float32
            self._mixer = Mixer(form.rate_hz, rate_hz, carrier_hz, channels)
        self._hops = Hops(channels, round(HOP_S * form.rate_hz), kind)
        frame = round(FRAME_S * rate_hz)
        self._spectrum = DopplerSpectrum(channels, rate_hz, frame)
        self._recent = np.zeros((self._spectra, frame))
        self._count = 0
        # The rise of the tone is no motion: no scores while it is in a frame.
        self._unsettled = round((SETTLING_S + FRAME_S) / HOP_S)
        frequency = np.abs(self._spectrum.frequency_hz)
        self._reference = _between(frequency, REFERENCE_HZ)
        self._bands = [_between(frequency, edges) for edges in MOTION_HZ.values()]
        self._scores: list[list[float]] = []

    def feed(self, block: Block) -> Emission | None:
        samples = block.streams[self.stream]
        for hop in self._hops.cut(samples[: self.channels] if self.channels else samples):
            envelope = hop if self._mixer is None else self._mixer.mix(hop)
            self._scores.append(self._score(self._spectrum.push(envelope)))
        return self._emission

    def _score(self, power: NDArray[np.float64]) -> list[float]:
        self._unsettled -= 1
        if not self._spectrum.full or self._unsettled >= 0:
            return [np.nan] * len(self._bands)
        self._recent[self._count % self._spectra] = power
        self._count += 1
        mean = self._recent[: min(self._count, self._spectra)].mean(axis=0)
        reference = float(np.median(mean[self._reference]))
        if reference <= 0.0:  # digital silence
            return [0.0] * len(self._bands)
        return [10.0 * np.log10(max(float(mean[band].max()), reference) / reference) for band in self._bands]

    def tracks(self) -> Sequence[ScoreTrack]:
        scores = np.asarray(self._scores, np.float32).reshape(-1, len(self.labels))
        span_s = FRAME_S + HOP_S * (self._spectra - 1)
        return [
            ScoreTrack(self.name, label, HOP_S, HOP_S, scores[:, index].copy(), span_s=span_s)
            for index, label in enumerate(self.labels)
        ]


def _between(frequency_hz: NDArray[np.float64], edges_hz: tuple[float, float]) -> NDArray[np.bool_]:
    return (frequency_hz >= edges_hz[0]) & (frequency_hz <= edges_hz[1])
