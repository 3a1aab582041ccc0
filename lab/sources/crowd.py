"""Noise mixed from clips: many voices for babble, a few recordings for a household, independent on every channel."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.levels import band_rms
from lab.corpora.audio import corpus_root, load_clip
from lab.corpora.catalogue import Corpus, Purpose, load_corpus
from lab.errors import BadInput
from lab.sources.householdlike import household_like
from lab.sources.library import PROCEDURAL
from lab.sources.speechlike import speech_like

FRAME = 2048
VOICES = {"babble": 8, "household": 2}
CLASS = {"babble": "speech", "household": "household"}
MAKERS = {"babble": speech_like, "household": household_like}
BANK = 32  # procedural clips a process keeps for each colour and split
CLIP_S = 12.0


class Crowd:
    """Frames of noise, float32, shape (channels, FRAME), one after the other.

    Every channel has its own voices: each runs through a clip from a random place, then through another, so
    channels share no clip at the same time offset and are uncorrelated. RMS is 1 on average in 50 Hz-7 kHz.
    """

    def __init__(
        self,
        colour: str,
        corpus: str,
        channels: int,
        rate_hz: int,
        seed: int,
        split: str,
        folder: Path | None,
    ) -> None:
        self._clips = _Clips(colour, corpus, rate_hz, split, folder)
        self._rng = np.random.default_rng(seed)
        self._voices = [[self._pick(anywhere=True) for _ in range(VOICES[colour])] for _ in range(channels)]
        self._gain = np.float32(1 / np.sqrt(VOICES[colour]))

    def next(self) -> NDArray[np.float32]:
        out = np.zeros((len(self._voices), FRAME), np.float32)
        for row, voices in zip(out, self._voices, strict=True):
            for i in range(len(voices)):
                filled = 0
                while filled < FRAME:
                    audio, at = voices[i]
                    n = min(FRAME - filled, len(audio) - at)
                    row[filled : filled + n] += audio[at : at + n]
                    filled += n
                    voices[i] = (audio, at + n) if at + n < len(audio) else self._pick(anywhere=False)
        out *= self._gain
        return out

    def _pick(self, anywhere: bool) -> tuple[NDArray[np.float32], int]:
        clip = self._clips.get(int(self._rng.integers(len(self._clips))))
        return clip, int(self._rng.integers(len(clip))) if anywhere else 0


class _Clips:
    """Clips by number, each with RMS 1 over its whole length."""

    def __init__(self, colour: str, corpus: str, rate_hz: int, split: str, folder: Path | None) -> None:
        self.colour, self.rate_hz, self.split = colour, rate_hz, split
        self.corpus = None if corpus == PROCEDURAL else _corpus(corpus)
        if self.corpus is not None:
            self.root = corpus_root(self.corpus, folder)
            self.recordings = self.corpus.recordings(
                split=split, purpose=Purpose.TRIAL, classes=[CLASS[colour]]
            )
            if not self.recordings:
                raise BadInput(
                    f"{self.corpus.file}: class '{CLASS[colour]}' has no recording in split '{split}'"
                )

    def __len__(self) -> int:
        return BANK if self.corpus is None else len(self.recordings)

    def get(self, number: int) -> NDArray[np.float32]:
        if self.corpus is None:
            return _made(self.colour, self.split, number, self.rate_hz)
        return _recorded(self.corpus, self.recordings[number].path, self.rate_hz, self.root)


@lru_cache(maxsize=16)
def _corpus(name: str) -> Corpus:
    return load_corpus(name)


@lru_cache(maxsize=4 * BANK)
def _made(colour: str, split: str, number: int, rate_hz: int) -> NDArray[np.float32]:
    digest = hashlib.sha256(f"{colour}/{split}/{number}".encode()).digest()
    audio = MAKERS[colour](int.from_bytes(digest[:8], "big") >> 1, rate_hz, CLIP_S)
    return audio / np.float32(band_rms(audio, rate_hz))


@lru_cache(maxsize=512)
def _recorded(corpus: Corpus, path: str, rate_hz: int, root: Path) -> NDArray[np.float32]:
    audio = load_clip(corpus, corpus.by_path[path], rate_hz, root)
    level = band_rms(audio, rate_hz)
    if level <= 0:
        raise BadInput(f"{root / path}: is silent")
    return audio / np.float32(level)
