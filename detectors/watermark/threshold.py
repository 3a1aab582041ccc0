"""The threshold for a wanted rate of false alarms, from decoy keys on unmarked audio.

Given the audio, T over random keys has mean 0 and variance 1, but it is a quadratic form of signs, so its
tail is fatter than Gaussian. Instead of trusting the Gaussian, score unmarked audio under many keys that nobody
embedded, drawn as real keys are drawn. Each key listens to the same hours; K keys on H hours stand for K * H hours
as far as chance agreement goes. Peaks are alarms with a refractory time of one mark.

The rate R(t) of peaks above t is fitted over the highest well-counted stretch by log R = a - b t, which lies above
the true tail (log R is concave in t), and solved for the wanted rate: the threshold errs on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.watermark.correlation import lag_products
from detectors.watermark.detector import HOPS_PER_BLOCK, block_vectors
from detectors.watermark.key import draw_signs
from detectors.watermark.layout import RATE_HZ
from detectors.watermark.whitening import HOP_SAMPLES

LOWEST = 3.5  # peaks below are not kept
LEAST_S = 2.5  # of audio for keys of the usual size: one mark of 2.048 s and some scores after it
_HOPS_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class DecoyPeaks:
    """Peaks of decoy keys over unmarked audio. peaks: those above LOWEST. hours: keys times hours of audio."""

    peaks: NDArray[np.float32]
    hours: float

    def per_hour(self, threshold: float) -> float:
        return float(np.sum(self.peaks >= threshold)) / self.hours

    def threshold(self, hours_between_alarms: float, counted: int = 20, span: float = 0.7) -> float:
        """Where one alarm in `hours_between_alarms` is expected.

        Within reach of the counts (at least `counted` peaks beyond) the count itself answers; beyond, the
        exponential through the `span` below that point. Raises DetectorError when too few peaks were seen.
        """
        ordered = np.sort(self.peaks)[::-1]
        if len(ordered) < 10 * counted:
            raise DetectorError(f"{len(ordered)} peaks above {LOWEST:g}: use more audio or more keys")
        wanted = self.hours / hours_between_alarms
        if wanted >= counted:
            return float(ordered[int(wanted) - 1])
        high = float(ordered[counted - 1])
        low = max(LOWEST, high - span)
        slope = np.log(np.sum(ordered >= low) / counted) / (high - low)
        return high + float(np.log(counted / wanted) / slope)


def decoy_peaks(
    audio: NDArray, keys: int, seed: int, segments: int = 16, blocks: int = 4, lowest: float = LOWEST
) -> DecoyPeaks:
    """Score one unmarked recording, (channels, samples) at 16 kHz, under `keys` random keys."""
    vectors = block_vectors(audio)
    mark_hops = segments * blocks * HOPS_PER_BLOCK
    if len(vectors) < mark_hops:
        raise DetectorError(f"{np.shape(audio)[-1] / RATE_HZ:.2f} s of audio: less than one mark")
    products = lag_products(vectors, segments, blocks * HOPS_PER_BLOCK)
    rng = np.random.default_rng(np.random.SeedSequence([seed, keys]))
    signs = np.stack([draw_signs(rng, segments, blocks) for _ in range(keys)]).astype(np.float32)
    later, earlier, block = _pairs(segments, blocks)
    weights = np.ascontiguousarray((signs[:, later, block] * signs[:, earlier, block]).T)
    age = ((segments - 1 - later) * blocks + (blocks - 1 - block)) * HOPS_PER_BLOCK
    best: dict[tuple[int, int], float] = {}
    for first in range(mark_hops - 1, len(products), _HOPS_AT_ONCE):
        hops = np.arange(first, min(first + _HOPS_AT_ONCE, len(products)))
        gathered = products[hops[:, None] - age[None, :], (later - earlier)[None, :]]
        energy = np.sqrt(np.sum(gathered**2, axis=1, keepdims=True))
        scores = (gathered / np.where(energy > 0, energy, 1)) @ weights
        for row, column in np.argwhere(scores >= lowest):
            place = int(column), int(hops[row]) // mark_hops
            best[place] = max(best.get(place, 0.0), float(scores[row, column]))
    heard_s = (len(products) - mark_hops + 1) * HOP_SAMPLES / RATE_HZ
    return DecoyPeaks(np.array(list(best.values()), np.float32), keys * heard_s / 3600)


def together(parts: list[DecoyPeaks]) -> DecoyPeaks:
    return DecoyPeaks(np.concatenate([part.peaks for part in parts]), sum(part.hours for part in parts))


def _pairs(segments: int, blocks: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Later segment, earlier segment and block of every pair, each (P * M,)."""
    later, earlier, block = np.meshgrid(
        np.arange(segments), np.arange(segments), np.arange(blocks), indexing="ij"
    )
    keep = later > earlier
    return later[keep], earlier[keep], block[keep]
