"""Hears a mark by comparing the stream with itself under a key; needs neither host nor noise vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.errors import DetectorError
from detectors.interface import AUDIBLE, Block, Emission, ScoreTrack, StreamFormat, StreamNeed
from detectors.watermark.correlation import advance
from detectors.watermark.key import Key
from detectors.watermark.layout import BLOCK_SAMPLES, RATE_HZ, mark_samples
from detectors.watermark.whitening import CHUNK_SAMPLES, COEFFICIENTS, HOP_SAMPLES, Whitener

HOPS_PER_BLOCK = BLOCK_SAMPLES // HOP_SAMPLES
THRESHOLD = 6.5  # one false alarm in 30 days, by decoy keys: docs/watermark.md says how


class WatermarkDetector:
    """Score every 8 ms: the key-studentised self-correlation T of the last N * M blocks.

    key: whose mark to look for. channels: how many of the device's microphones to use, None for all. longest_lag: pairs
    of segments further apart are left out, None keeps all. NaN and infinite samples count as silence. Scores are
    NaN until as much audio as a mark lasts has been heard.
    """

    labels = ("watermark",)

    def __init__(
        self,
        key: Key,
        name: str = "watermark",
        channels: int | None = None,
        longest_lag: int | None = None,
    ) -> None:
        if channels is not None and channels < 1:
            raise DetectorError(f"{name}: channels: at least 1, got {channels}")
        if longest_lag is not None and not 1 <= longest_lag < key.segments:
            raise DetectorError(f"{name}: longest_lag: 1 to {key.segments - 1}, got {longest_lag}")
        self.name = name
        self.key = key
        self.channels = channels
        self.longest_lag = longest_lag or key.segments - 1
        self.needs: Mapping[str, StreamNeed] = {AUDIBLE: StreamNeed((RATE_HZ,), channels)}

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        form = formats.get(AUDIBLE)
        if form is None or form.rate_hz != RATE_HZ or form.channels < (self.channels or 1):
            raise DetectorError(
                f"{self.name}: needs {AUDIBLE} at {RATE_HZ} Hz with {self.channels or 'some'} channels, got {form}"
            )
        mark_hops = self.key.segments * self.key.blocks * HOPS_PER_BLOCK
        listening = self.channels or form.channels
        self._pending = np.zeros((listening, 0), np.float32)
        self._whitener = Whitener(listening)
        self._vectors = np.zeros((mark_hops, listening * COEFFICIENTS), np.float32)
        self._products = np.zeros((mark_hops, self.key.segments), np.float32)
        self._hop = 0
        self._scores: list[NDArray[np.float32]] = []
        self._before = 0

    @property
    def fresh(self) -> NDArray[np.float32]:
        """The scores that the last `feed` added."""
        added = self._scores[self._before :]
        return np.concatenate(added) if added else np.zeros(0, np.float32)

    def feed(self, block: Block) -> Emission | None:
        samples = np.asarray(block.streams[AUDIBLE], dtype=np.float32)[: len(self._pending)]
        finite = np.where(np.isfinite(samples), samples, np.float32(0.0))
        self._pending = np.concatenate([self._pending, finite], axis=1)
        # Chunks of one size, however audio arrives: a transform of many frames at once may round differently.
        ready = self._pending.shape[1] // CHUNK_SAMPLES * CHUNK_SAMPLES
        self._before = len(self._scores)
        for start in range(0, ready, CHUNK_SAMPLES):
            self._work_off(self._pending[:, start : start + CHUNK_SAMPLES])
        self._pending = self._pending[:, ready:]
        return None

    def tracks(self) -> Sequence[ScoreTrack]:
        scores = np.concatenate(self._scores) if self._scores else np.zeros(0, np.float32)
        hop_s = HOP_SAMPLES / RATE_HZ
        span_s = mark_samples(self.key.segments, self.key.blocks) / RATE_HZ
        return (ScoreTrack(self.name, self.labels[0], hop_s, hop_s, scores, span_s=span_s),)

    def _work_off(self, chunk: NDArray[np.float32]) -> None:
        ring = len(self._vectors)
        scores = np.zeros(CHUNK_SAMPLES // HOP_SAMPLES, np.float32)
        for i, vector in enumerate(self._whitener.vectors(chunk)):
            self._vectors[self._hop % ring] = vector
            score = advance(
                self._vectors, self._products, self._hop, self.key.signs, HOPS_PER_BLOCK, self.longest_lag
            )
            self._hop += 1
            # Until a whole mark has passed there is nothing to judge: NaN says that it does not sense yet.
            scores[i] = score if self._hop >= ring else np.nan
        self._scores.append(scores)


def block_vectors(audio: NDArray) -> NDArray[np.float32]:
    """What a detector correlates, for a whole recording of shape (channels, samples) at 16 kHz: (hops, K)."""
    audio = np.nan_to_num(np.atleast_2d(np.asarray(audio, np.float32)), posinf=0.0, neginf=0.0)
    whitener = Whitener(len(audio))
    whole = range(0, audio.shape[1] - CHUNK_SAMPLES + 1, CHUNK_SAMPLES)
    parts = [whitener.vectors(audio[:, start : start + CHUNK_SAMPLES]) for start in whole]
    return np.concatenate(parts) if parts else np.zeros((0, len(audio) * COEFFICIENTS), np.float32)
