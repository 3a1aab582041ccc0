"""The baseline: energy in a Doppler band against the noise beside it (cell-averaging CFAR over Doppler).

    score = 10 log10( max over band cells of mean over the last average_s of P[f] / median of P over reference cells )

Cells of the band hold people, cells beyond it noise alone: the ratio has one distribution whatever the noise level is.
After Rohling, IEEE Trans. AES 19(4), 1983: the median of the reference cells stands for their level, so that a stray line
among them does no harm. It knows nothing of fans, curtains and music, which is the point of a baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.presence.baselines import MOTION_HZ, EnvelopeBaseline
from detectors.presence.doppler import DopplerSpectrum
from detectors.presence.front_end import HOP_S

FRAME_S = 0.128
SETTLING_S = 0.2  # from the first sample to a tone that is up and has filled the room
REFERENCE_HZ = (1250.0, 1480.0)  # above MOTION_HZ


class DopplerCfar(EnvelopeBaseline):
    """Energy in dB above the reference cells. The first 0.3 s, while the tone comes up, have no score. settings: see EnvelopeBaseline."""

    rates_hz = (4_000, 8_000)

    def __init__(self, name: str = "doppler_cfar", **settings: Any) -> None:
        super().__init__(name, **settings)
        self._spectra = round(self.average_s / HOP_S)
        self.span_s = FRAME_S + HOP_S * (self._spectra - 1)

    def _start(self, channels: int, rate_hz: int) -> None:
        frame = round(FRAME_S * rate_hz)
        self._spectrum = DopplerSpectrum(channels, rate_hz, frame)
        self._recent = np.zeros((self._spectra, frame))
        self._count = 0
        # The rise of the tone is no motion: no scores while it is in a frame.
        self._unsettled = round((SETTLING_S + FRAME_S) / HOP_S)
        frequency = np.abs(self._spectrum.frequency_hz)
        self._reference = _between(frequency, REFERENCE_HZ)
        self._bands = [_between(frequency, edges) for edges in MOTION_HZ.values()]

    def _score(self, envelope: NDArray[np.complex64]) -> Sequence[float]:
        power = self._spectrum.push(envelope)
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


def _between(frequency_hz: NDArray[np.float64], edges_hz: tuple[float, float]) -> NDArray[np.bool_]:
    return (frequency_hz >= edges_hz[0]) & (frequency_hz <= edges_hz[1])
