"""Reading the audio of a corpus: found in one folder, mono, at the wanted rate, kept while it is used.

The folder is `EARSHOT_CORPUS` when set (it holds the corpus' paths as they are listed), else what
`lab corpus fetch` filled: the user cache, `corpora/<id>`.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock

import numpy as np
import platformdirs
import soundfile
import soxr
from numpy.typing import NDArray

from lab.corpora.catalogue import Corpus, Recording
from lab.corpora.verify import sha256_of
from lab.errors import BadInput

ROOT_VARIABLE = "EARSHOT_CORPUS"
MAX_CHANNELS = 8
CACHE_BYTES = 512 * 2**20


def cache_root(corpus: Corpus) -> Path:
    """Where `lab corpus fetch` puts the audio of a corpus."""
    return Path(platformdirs.user_cache_dir("earshot", appauthor=False)) / "corpora" / corpus.id


def corpus_root(corpus: Corpus, folder: Path | None = None) -> Path:
    """The folder that holds the audio: `folder` when given, else EARSHOT_CORPUS, else the cache.

    Raises BadInput, saying how to get it, when there is none.
    """
    named = folder or os.environ.get(ROOT_VARIABLE)
    root = Path(named) if named else cache_root(corpus)
    if not root.is_dir():
        told = f"no such folder: {root}" if named else f"nothing fetched yet in {root}"
        raise BadInput(
            f"corpus '{corpus.id}': {told}; run `lab corpus fetch {corpus.id} [--from DIR]`, name a folder with "
            f'--corpus DIR or {ROOT_VARIABLE}, or use corpus = "procedural"'
        )
    return root


def check_folder(folder: Path | None) -> None:
    """Raises BadInput where `--corpus` names no folder, whether or not anything will be read from it."""
    if folder is not None and not folder.is_dir():
        raise BadInput(f"--corpus {folder}: no such folder")


def read_audio(file: Path) -> tuple[NDArray[np.float32], int]:
    """Samples (frames, channels) and rate of any file libsndfile reads.

    Raises BadInput naming the file when it is missing, unreadable, empty, has more than 8 channels or
    holds samples that are no numbers.
    """
    if not file.is_file():
        raise BadInput(f"{file}: no such recording")
    try:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise BadInput(f"{file}: not readable as audio: {_first_line(error)}") from None
    if len(samples) == 0:
        raise BadInput(f"{file}: holds no samples")
    if samples.shape[1] > MAX_CHANNELS:
        raise BadInput(f"{file}: {samples.shape[1]} channels; at most {MAX_CHANNELS} can be mixed to one")
    if not np.isfinite(samples).all():
        at = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
        raise BadInput(f"{file}: sample {at} is not a finite number")
    return samples, rate_hz


def read_mono(file: Path, rate_hz: int) -> NDArray[np.float32]:
    """The mean of all channels, resampled to `rate_hz` (soxr, high quality); shape (samples,)."""
    samples, stored_hz = read_audio(file)
    mono = samples.mean(axis=1, dtype=np.float32)
    if stored_hz == rate_hz:
        return mono
    return soxr.resample(mono, stored_hz, rate_hz, quality="HQ")


class ClipCache:
    """Decoded clips, least recently used dropped first; read-only arrays, safe between threads."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._clips: OrderedDict[tuple[Path, int], NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, file: Path, rate_hz: int, sha256: str | None = None) -> NDArray[np.float32]:
        """sha256: what the file must be when it is read, None for any. Raises BadInput."""
        key = (file, rate_hz)
        with self._lock:
            if key in self._clips:
                self._clips.move_to_end(key)
                return self._clips[key]
        clip = read_mono(file, rate_hz)
        if sha256 not in (None, sha256_of(file)):
            raise BadInput(
                f"{file}: not the recording that its corpus names, its sha256 is another; see `lab corpus verify`"
            )
        clip.flags.writeable = False
        with self._lock:
            if key not in self._clips:
                self._clips[key] = clip
                self._bytes += clip.nbytes
            while self._bytes > self.limit_bytes and len(self._clips) > 1:
                self._bytes -= self._clips.popitem(last=False)[1].nbytes
        return clip


_CLIPS = ClipCache()


def load_clip(
    corpus: Corpus, recording: Recording, rate_hz: int, folder: Path | None = None
) -> NDArray[np.float32]:
    """A recording as mono float32 at `rate_hz`, full scale as stored; shape (samples,), read-only. Raises BadInput, also for a file that
    is not the one that the corpus names: a scenario's hash promises it."""
    return _CLIPS.get(corpus_root(corpus, folder) / recording.path, rate_hz, recording.sha256)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
