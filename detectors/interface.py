"""What passes between a bench and a detector stack. Everyone may import this; it knows only numpy.

Time is an integer number of ticks of one clock per session. A stream of rate r holds r samples for
every `clock_hz` ticks, so positions in different streams never drift apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

AUDIBLE = "audible"  # float32, 16 or 48 kHz, full scale is +/-1
ULTRASONIC = "ultrasonic"  # float32, 96 or 192 kHz, full scale is +/-1
BASEBAND = "baseband"  # complex64 about a carrier
PLAYBACK = "playback"  # float32, what the device itself plays
STREAMS = (AUDIBLE, ULTRASONIC, BASEBAND, PLAYBACK)

DEVICE = "device"  # the stage of what a device decides by itself
DUT = "dut"  # of what a device under test reports of itself on a bench

LABELS = (
    "watermark",
    "presence",
    "major_motion",
    "minor_motion",
    "vacancy",
    "smoke_alarm",
    "co_alarm",
    "glass_break",
    "footsteps",
    "door_close",
    "door_knock",
    "legacy_smoke_alarm",
    "tv_smoke_alarm",
    "appliance_beep",
)


@dataclass(frozen=True)
class StreamFormat:
    """Rate and shape of one stream.

    rate_hz: samples per second. channels: number of microphones (or loudspeaker feeds).
    carrier_hz: centre of a `baseband` stream, None for the others.
    """

    rate_hz: int
    channels: int
    carrier_hz: float | None = None


@dataclass(frozen=True)
class Block:
    """A slice of every stream that a detector asked for.

    start, length: ticks of the session's clock (`clock_hz` per second); the first block starts at 0.
    streams: name -> array of shape (channels, length * rate_hz / clock_hz).
    """

    start: int
    length: int
    clock_hz: int
    streams: Mapping[str, NDArray]

    @property
    def start_s(self) -> float:
        return self.start / self.clock_hz


@dataclass(frozen=True)
class Emission:
    """What the stack asks the device to emit from the next block boundary on.

    carriers_hz: tones, empty for silence. level_db_spl: RMS level of each tone at 1 m.
    """

    carriers_hz: tuple[float, ...] = ()
    level_db_spl: float = 0.0


SILENT = Emission()


@dataclass(frozen=True)
class Event:
    """Onset, offset, label: what happened (truth) or what a detector says happened.

    A reported event carries its score, its detector and the stage that reported it; its `offset_s` is
    the moment of decision. Truth leaves those three as they are.
    """

    onset_s: float
    offset_s: float
    label: str
    score: float = math.nan
    detector: str = ""
    stage: str = ""


@dataclass(frozen=True, eq=False)
class ScoreTrack:
    """Scores of one label at a constant hop.

    scores: float32, shape (hops,). Score i is known at `start_s + i * hop_s`, never earlier: it may
    depend on samples up to that moment and on none after it; NaN says that the detector was not sensing, so that
    time is no exposure. span_s: how far back a score looks, so a
    decision at t speaks of [t - span_s, t].
    """

    detector: str
    label: str
    start_s: float
    hop_s: float
    scores: NDArray[np.float32]
    stage: str = DEVICE
    span_s: float = 0.0

    @property
    def times_s(self) -> NDArray[np.float64]:
        return self.start_s + self.hop_s * np.arange(len(self.scores))


@dataclass(frozen=True)
class StreamNeed:
    """What a detector wants of one stream: allowed rates, and how many of the first channels (None: all)."""

    rates_hz: tuple[int, ...]
    channels: int | None = None


class Detector(Protocol):
    """A causal detector. It sees samples, playback and time; no truth and no future.

    The way a signal is cut into blocks must not change a single bit of the scores.

    A detector may have two more attributes. `stages`: of its tracks, each with one track for every label, if there are others than
    `device`. `measured`: name -> what it has counted since `open`, events or seconds (names that end in `_s`); the lab reports
    both per day.
    """

    name: str
    labels: tuple[str, ...]
    needs: Mapping[str, StreamNeed]

    def open(self, formats: Mapping[str, StreamFormat]) -> None:
        """Get ready for a new session; drops all state."""

    def feed(self, block: Block) -> Emission | None:
        """Take the next block; answer a wanted emission, or None to leave it as it is."""

    def tracks(self) -> Sequence[ScoreTrack]:
        """All scores since `open`."""


@dataclass(frozen=True)
class StackOutput:
    tracks: tuple[ScoreTrack, ...] = field(default_factory=tuple)
    events: tuple[Event, ...] = field(default_factory=tuple)


def alarm_indices(scores: NDArray, threshold: float, refractory_hops: int) -> NDArray[np.int64]:
    """Hops at which an alarm fires: score >= threshold and no alarm in the `refractory_hops` before.

    scores: shape (hops,). Returns int64, shape (alarms,). NaN never fires.
    """
    above = np.flatnonzero(np.asarray(scores) >= threshold)
    fired: list[int] = []
    position = 0
    while position < len(above):
        index = int(above[position])
        fired.append(index)
        position = int(np.searchsorted(above, index + max(1, refractory_hops)))
    return np.asarray(fired, dtype=np.int64)


def refractory_hops(refractory_s: float, hop_s: float) -> int:
    """The refractory time in whole hops, at least one."""
    return max(1, round(refractory_s / hop_s))
