"""Whether the audio of a corpus is all there and unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.corpora.catalogue import Corpus, Recording


@dataclass(frozen=True)
class Verified:
    """Paths, in the order of the corpus."""

    fine: tuple[str, ...]
    missing: tuple[str, ...]
    corrupt: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.missing and not self.corrupt


def verify(corpus: Corpus, root: Path, step: Callable[[], None] = lambda: None) -> Verified:
    """Compare every file with its sha256; `step` is called after each."""
    found: dict[str, list[str]] = {"fine": [], "missing": [], "corrupt": []}
    for recording in corpus.by_path.values():
        found[state_of(recording, root / recording.path)].append(recording.path)
        step()
    return Verified(**{state: tuple(paths) for state, paths in found.items()})


def state_of(recording: Recording, file: Path) -> str:
    """`fine`, `missing` or `corrupt`."""
    if not file.is_file():
        return "missing"
    return "fine" if sha256_of(file) == recording.sha256 else "corrupt"


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
