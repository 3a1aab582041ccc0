"""Every kind of source that stands somewhere, by the name a scenario gives it. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from detectors.interface import Event
from lab.sources.alarms import AlarmSpec, open_alarm
from lab.sources.appliances import ApplianceSpec, open_appliance
from lab.sources.backgrounds import BackgroundSpec, open_background
from lab.sources.beep_music import BeepMusicSpec, open_beep_music
from lab.sources.birdsong import BirdsongSpec, open_birdsong
from lab.sources.doors import DoorSpec, open_door
from lab.sources.footsteps import FootstepsSpec, open_footsteps
from lab.sources.glass import GlassSpec, open_glass
from lab.sources.impacts import ImpactSpec, open_impact
from lab.sources.media import MediaSpec, open_media
from lab.sources.noise import NoiseSpec
from lab.sources.notifications import NotificationSpec, open_notification
from lab.sources.placed import PlacedSpec
from lab.sources.playback import PlaybackSpec
from lab.sources.recordings import RecordingSpec, open_recording
from lab.sources.segments import Segment
from lab.sources.televised import TvAlarmSpec, open_tv_alarm

SourceSpec = Annotated[
    AlarmSpec
    | ApplianceSpec
    | BackgroundSpec
    | BeepMusicSpec
    | BirdsongSpec
    | DoorSpec
    | FootstepsSpec
    | GlassSpec
    | ImpactSpec
    | MediaSpec
    | NoiseSpec
    | NotificationSpec
    | PlaybackSpec
    | RecordingSpec
    | TvAlarmSpec,
    Field(discriminator="kind"),
]
_ANY_SOURCE: TypeAdapter[Any] = TypeAdapter(SourceSpec)
_OPENERS: dict[type[PlacedSpec], Callable[..., Any]] = {
    AlarmSpec: open_alarm,
    ApplianceSpec: open_appliance,
    BeepMusicSpec: open_beep_music,
    BirdsongSpec: open_birdsong,
    DoorSpec: open_door,
    FootstepsSpec: open_footsteps,
    GlassSpec: open_glass,
    ImpactSpec: open_impact,
    NotificationSpec: open_notification,
    TvAlarmSpec: open_tv_alarm,
}


class SourceStream(Protocol):
    """The audio of one source in one trial, mono, in Pa at 1 m; the rest is complete once it has been read."""

    measured: Mapping[str, float]

    def read(self, samples: int) -> NDArray[np.float32]: ...

    @property
    def truth(self) -> tuple[Event, ...]: ...

    @property
    def segments(self) -> tuple[Segment, ...]: ...

    @property
    def cluster(self) -> str: ...


def stands_somewhere(spec: Any) -> bool:
    """Whether a source has a place of its own: noise is all around, playback leaves the device."""
    return isinstance(spec, MediaSpec | PlacedSpec)


def source_of(table: Mapping[str, Any]) -> Any:
    """The spec of a table as in `[[sources]]`. Raises pydantic's ValidationError."""
    return _ANY_SOURCE.validate_python(dict(table))


def open_source(
    spec: MediaSpec | PlacedSpec,
    *,
    seed: int,
    rate_hz: int,
    duration_s: float,
    split: str,
    folder: Path | None = None,
    **steps: NDArray[np.float64],
) -> SourceStream:
    """Start a source for one trial. folder: of recordings, see `lab.corpora.audio.corpus_root`. steps: `falls` of footsteps `of` a walker,
    see `open_footsteps`. Raises BadInput."""
    if isinstance(spec, MediaSpec):
        return open_media(spec, seed=seed, rate_hz=rate_hz, duration_s=duration_s, split=split, folder=folder)
    if isinstance(spec, BackgroundSpec | RecordingSpec):
        start = open_background if isinstance(spec, BackgroundSpec) else open_recording
        return start(spec, seed=seed, rate_hz=rate_hz, duration_s=duration_s, split=split, folder=folder)
    return _OPENERS[type(spec)](spec, seed=seed, rate_hz=rate_hz, duration_s=duration_s, split=split, **steps)
