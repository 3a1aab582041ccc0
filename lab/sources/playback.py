"""What the device itself plays: music, speech or television sound through its own loudspeaker.

It is heard by its own microphones, moves the cone that emits the tone, and is known to the stack as the `playback` stream.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lab.sources.library import PROCEDURAL
from lab.sources.media import Class, MediaSpec, Name
from lab.spec import Spec


class PlaybackSpec(Spec):
    """Audio that the device plays. corpus, classes: as of a media source. level_db_spl: RMS at 1 m while active,
    50 Hz-7 kHz, 30 to 100. start_s: silent until then."""

    kind: Literal["playback"]
    name: Name
    corpus: Annotated[str, Field(min_length=1, max_length=500)] = PROCEDURAL
    classes: Annotated[tuple[Class, ...], Field(strict=False, min_length=1, max_length=20)] = ("music",)
    level_db_spl: float = Field(ge=30.0, le=100.0)
    start_s: float = Field(0.0, ge=0.0, le=86_400.0)

    @property
    def media(self) -> MediaSpec:
        """The same audio as a media source; where it stands does not matter to what it plays."""
        return MediaSpec(kind="media", distance_m=1.0, **self.model_dump(exclude={"kind"}))
