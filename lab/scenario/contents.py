"""The other files a scenario names: they must be there, and what they hold belongs to what the scenario is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.acoustics.device import load_device
from lab.corpora.catalogue import Purpose, load_corpus
from lab.errors import BadInput
from lab.scenario.drawn import options
from lab.scenario.explain import shown
from lab.scenario.model import Scenario
from lab.scenario.tree import Tree
from lab.sources.backgrounds import BackgroundSpec
from lab.sources.crowd import CLASS as NOISE_CLASS
from lab.sources.library import PROCEDURAL, open_library
from lab.sources.marking import WatermarkSpec
from lab.sources.media import MediaSpec
from lab.sources.noise import NoiseSpec
from lab.sources.playback import PlaybackSpec
from lab.sources.recordings import RecordingSpec

ANY_RATE_HZ = 16_000  # a library is opened only to see whether it has the classes


def device_contents(
    tree: Tree, variants: Sequence[tuple[str, Tree]], path: Path
) -> dict[str, Mapping[str, Any]]:
    """Content of every device the scenario may use, by the name it uses. Raises BadInput."""
    devices: dict[str, Mapping[str, Any]] = {}
    for body in (tree, *(body for _, body in variants)):
        for name in options(body.get("device")):
            if not isinstance(name, str):
                raise BadInput(f"{path}: device = {shown(name)}: must be the name or path of a device file")
            try:
                devices[name] = load_device(name, path.parent).model_dump(mode="json")
            except BadInput as error:
                raise BadInput(f"{path}: {error}") from None
    return devices


class Playlist:
    """What the sources of a scenario may play and be marked with, gathered over its corners."""

    def __init__(self) -> None:
        self._seen: set[Any] = set()
        self._contents: dict[str, str] = {}

    @property
    def contents(self) -> dict[str, str]:
        """Hash of each list of recordings and each key. Only what can be heard counts: other recordings of a
        corpus may come and go."""
        return dict(self._contents)

    def add(self, scenario: Scenario) -> None:
        """Raises BadInput, naming source and key, for a corpus, a class or a watermark key that is not there."""
        day = scenario.day
        if day is not None and day.classes:
            try:
                self._add_recordings(day.corpus, day.classes, scenario.split)
            except BadInput as error:
                raise BadInput(f"day.corpus: {error}") from None
        for source in scenario.sources:
            try:
                if isinstance(source, BackgroundSpec | RecordingSpec) and source.classes:
                    self._add_recordings(source.corpus, source.classes, scenario.split)
                if isinstance(source, MediaSpec | PlaybackSpec):
                    self._add_recordings(source.corpus, source.classes, scenario.split)
                if isinstance(source, MediaSpec):
                    self._add_key(source.watermark)
                elif isinstance(source, NoiseSpec) and source.corpus != PROCEDURAL:
                    self._add_recordings(source.corpus, (NOISE_CLASS[source.colour],), scenario.split)
            except BadInput as error:
                raise BadInput(f"sources.{source.name}: {error}") from None

    def _add_recordings(self, name: str, classes: tuple[str, ...], split: str) -> None:
        if (name, classes, split) in self._seen:
            return
        self._seen.add((name, classes, split))
        open_library(name, classes, split, ANY_RATE_HZ, None, None)
        if name == PROCEDURAL:
            return
        corpus = load_corpus(name)
        rows = corpus.recordings(split=split, purpose=Purpose.TRIAL, classes=classes)
        listed = sorted((row.path, row.sha256, row.label, row.origin) for row in rows)
        self._contents[f"recordings {corpus.id} {split} {' '.join(classes)}"] = _hash(listed)

    def _add_key(self, mark: WatermarkSpec | None) -> None:
        if mark is None or mark.key in self._seen:
            return
        key = mark.load_key()
        self._contents[f"key {key.id}"] = _hash([key.signs.tolist(), key.noise_seed])
        self._seen.add(mark.key)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()
