"""A baseline: a fan's comb and other steady lines are cut out of the Doppler spectrum, what is left is compared with noise.

Blades pass at a rate f: their echo is a comb at n f on both sides of the carrier. f is where the contrast

    C(f) = mean over n, over both sides of 10 log10( P[n f] / median of P about n f )

of the spectrum of the last seconds is largest. Cells about n f are cut where C(f) exceeds CONTRAST_DB, and every cell that all of
the last seconds through stood LINE_DB above its neighbours. The score of the rest is that of `cfar`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from detectors.presence.baselines import MOTION_HZ, EnvelopeBaseline
from detectors.presence.cfar import REFERENCE_HZ
from detectors.presence.doppler import DopplerSpectrum
from detectors.presence.front_end import HOP_S, RATE_HZ

FRAME = 4096  # 1.02 s: lines 0.98 Hz apart, 4 Hz wide to their first zero
BLADES_HZ = (8.0, 160.0)
BLADES_STEP_HZ = 0.25
HARMONICS, TOP_HZ = 16, 1200.0
CONTRAST_DB, LINE_DB = 3.0, 10.0
WIDE_HZ = 3.0  # cut on each side of a line
NEIGHBOURS = 41  # cells of the running median
CELL = 8  # cells to one of the baseline's width
EVERY = 10  # hops from one search to the next
STEADY_S = 4.0


class NotchCfar(EnvelopeBaseline):
    """Harmonic notch before a CFAR. settings: see EnvelopeBaseline."""

    def __init__(self, name: str = "notch", **settings: Any) -> None:
        super().__init__(name, **settings)
        self._spectra, self._steady = round(self.average_s / HOP_S), round(STEADY_S / HOP_S / EVERY)
        self.span_s = FRAME / RATE_HZ + self.average_s
        step = RATE_HZ / FRAME
        rates = np.arange(BLADES_HZ[0], BLADES_HZ[1], BLADES_STEP_HZ)
        lines = rates[:, None] * np.arange(1, HARMONICS + 1)
        self._rates, self._counted = rates, lines <= TOP_HZ
        cells = np.minimum(np.rint(lines / step), FRAME // 2 - 1).astype(int)
        self._both = np.stack([FRAME // 2 - cells, FRAME // 2 + cells])
        self._frequency = (np.arange(FRAME) - FRAME // 2) * step
        size = np.abs(self._frequency)
        self._bands = [(size >= low) & (size <= high) for low, high in MOTION_HZ.values()]
        self._reference = (size >= REFERENCE_HZ[0]) & (size <= REFERENCE_HZ[1])

    def _start(self, channels: int, rate_hz: int) -> None:
        self._spectrum = DopplerSpectrum(channels, rate_hz, FRAME)
        self._recent = np.zeros((self._spectra, FRAME))
        self._past = np.zeros((self._steady, FRAME))
        self._count = self._searches = 0
        self._kept = np.ones(FRAME, np.bool_)
        self.blades_hz = math.nan

    def _score(self, envelope: NDArray[np.complex64]) -> Sequence[float]:
        power = self._spectrum.push(envelope)
        if not self._spectrum.full:
            return [math.nan] * len(self.labels)
        if self._count % EVERY == 0:
            self._past[self._searches % self._steady] = power
            self._searches += 1
            self._search(self._past[: min(self._searches, self._steady)])
        self._recent[self._count % self._spectra] = power
        self._count += 1
        mean = self._recent[: min(self._count, self._spectra)].mean(axis=0)
        if self._searches < self._steady:  # a fan is not known yet
            return [math.nan] * len(self.labels)
        reference = float(np.median(mean[self._reference]))
        if reference <= 0.0:  # digital silence
            return [0.0] * len(self.labels)
        return [self._cells_db(mean, band, reference) for band in self._bands]

    def _cells_db(self, mean: NDArray, band: NDArray[np.bool_], reference: float) -> float:
        """The strongest mean over CELL neighbours that are not cut; a cell counts if at least half of it is left."""
        kept = self._kept & band
        count = scipy.ndimage.uniform_filter1d(kept.astype(float), CELL)
        level = scipy.ndimage.uniform_filter1d(np.where(kept, mean, 0.0), CELL)
        counted = count >= 0.5
        if not counted.any():
            return 0.0
        return 10.0 * math.log10(max(1.0, float((level[counted] / count[counted]).max()) / reference))

    def _search(self, past: NDArray[np.float64]) -> None:
        """Sets the cells kept and `blades_hz`, NaN without a comb, from spectra half a second apart."""
        level = 10.0 * np.log10(np.maximum(past, 1e-30))
        typical = scipy.ndimage.median_filter(level.mean(axis=0), NEIGHBOURS)
        self._kept = np.ones(FRAME, np.bool_)
        if len(past) < self._steady:
            return
        lines = level.min(axis=0) > typical + LINE_DB
        contrast = (level.mean(axis=0) - typical)[self._both].sum(axis=0)
        contrast = np.where(self._counted, contrast, 0.0).sum(axis=1) / (2.0 * self._counted.sum(axis=1))
        best = int(contrast.argmax())
        self.blades_hz = float(self._rates[best]) if contrast[best] > CONTRAST_DB else math.nan
        # A line is four cells wide and its skirts rise with it.
        lines = scipy.ndimage.binary_dilation(lines, np.ones(2 * round(WIDE_HZ * FRAME / RATE_HZ) + 1))
        if not math.isnan(self.blades_hz):
            offset = np.abs(self._frequency) % self.blades_hz
            lines |= np.minimum(offset, self.blades_hz - offset) <= WIDE_HZ
        self._kept = ~lines
