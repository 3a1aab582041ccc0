"""The border between a trial and the place where it happens.

Simulated, emulated, physical and replayed benches obey this protocol. A session is a loop: the stack's
wanted emission goes in, the next block comes out, until the trial ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from detectors.interface import Block, Emission, Event, ScoreTrack, StreamFormat, StreamNeed
from lab.scenario.trial import Trial
from lab.sources.segments import Segment
from rigs.rig_file import RigFile


class Origin(StrEnum):
    """Where a result comes from. Results of different origins never share a curve."""

    SIMULATED = "simulated"
    EMULATED = "emulated"
    REPLAYED = "replayed"
    MEASURED = "measured"


def origin_of(rig: RigFile) -> Origin:
    """Only a physical bench measures."""
    return Origin.MEASURED if rig.kind == "physical" else Origin.EMULATED


@dataclass(frozen=True, eq=False)
class DeviceReport:
    """What the device under test itself reported in a trial, in trial time.

    tracks: one per label, of stage `dut`; empty for a trial without a capture. A score at or above `threshold` is a
    report of the device at the setting under test. refractory_s: between two reports of one label.
    """

    detector: str
    labels: tuple[str, ...]
    tracks: tuple[ScoreTrack, ...]
    events: tuple[Event, ...]
    threshold: float
    refractory_s: float


@dataclass(frozen=True)
class CaptureFacts:
    """What the bench knows of a finished trial; never shown to a detector.

    truth: events as they reach the reference microphone. clusters: what trials of a cell may share
    (`room`, `recording`). distinct_s: seconds of audio that no other trial of this cell plays.
    measured: figures such as `snr_db`, `noise_to_mask_db`. invalid: why the trial must not count. reported: by
    the device under test, on a bench that has one.
    """

    truth: tuple[Event, ...]
    duration_s: float
    distinct_s: float
    clusters: Mapping[str, str]
    segments: tuple[Segment, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    invalid: str | None = None
    reported: DeviceReport | None = None


class Session(Protocol):
    clock_hz: int
    formats: Mapping[str, StreamFormat]

    def next(self, emission: Emission) -> Block | None:
        """Advance one block with this emission in force; None when the trial has ended."""

    def facts(self) -> CaptureFacts:
        """What happened; complete once `next` has answered None."""

    def close(self) -> None: ...


class Bench(Protocol):
    origin: Origin

    def open(self, trial: Trial, needs: Mapping[str, StreamNeed]) -> Session:
        """Start a trial; only the streams in `needs` are rendered or recorded."""
