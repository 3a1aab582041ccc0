"""Whether what a source would play is there: asked before the first trial, so that no run dies in the middle."""

from __future__ import annotations

from pathlib import Path

from lab.errors import BadInput
from lab.sources.backgrounds import BackgroundSpec
from lab.sources.crowd import CLASS
from lab.sources.days import DaySpec
from lab.sources.library import PROCEDURAL, open_library
from lab.sources.media import MediaSpec
from lab.sources.noise import NoiseSpec
from lab.sources.placed import PlacedSpec
from lab.sources.playback import PlaybackSpec
from lab.sources.recordings import RecordingSpec

ANY_RATE_HZ = 16_000


def check_available(
    spec: MediaSpec | NoiseSpec | PlacedSpec | PlaybackSpec | DaySpec,
    split: str,
    folder: Path | None,
    scenario: Path,
) -> None:
    """Raises BadInput, naming the scenario, when a trial could not find its recordings or its key.

    folder: holds the recordings; see `lab.corpora.audio.corpus_root`.
    """
    if isinstance(spec, PlaybackSpec):
        spec = spec.media
    try:
        if isinstance(spec, MediaSpec):
            open_library(spec.corpus, spec.classes, split, ANY_RATE_HZ, spec.period_s, folder).check()
            if spec.watermark is not None:
                spec.watermark.load_key()
        elif isinstance(spec, BackgroundSpec | DaySpec | RecordingSpec) and spec.classes:
            open_library(spec.corpus, spec.classes, split, ANY_RATE_HZ, None, folder).check()
        elif isinstance(spec, NoiseSpec) and spec.corpus != PROCEDURAL:
            open_library(spec.corpus, (CLASS[spec.colour],), split, ANY_RATE_HZ, None, folder).check()
    except BadInput as error:
        at = "day" if isinstance(spec, DaySpec) else f"source '{spec.name}'"
        raise BadInput(f"{scenario}: {at}: {error}") from None
