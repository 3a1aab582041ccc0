"""What the store holds, as frozen records. JSON columns take plain values: dict, list, str, number, bool, None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from detectors.interface import Event, ScoreTrack

Json = Any  # dict, list, str, int, float (also nan and inf), bool or None


class RunState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class TrialStatus(StrEnum):
    OK = "ok"
    INVALID = "invalid"


@dataclass(frozen=True)
class RunRecord:
    """One call of `lab run`, and every later `--resume` of it.

    started: ISO 8601, UTC. environment: package versions, commit, machine.
    """

    id: str
    started: str
    seed: int
    build_id: str
    build_hash: str
    environment: Mapping[str, Json] = field(default_factory=dict)
    state: RunState = RunState.RUNNING


@dataclass(frozen=True)
class ScenarioRecord:
    """A scenario as it was run. effective: the merged scenario that `hash` is taken of."""

    id: str
    hash: str
    path: str
    title: str
    tags: tuple[str, ...]
    effective: Mapping[str, Json]
    seed: int
    origin: str
    split: str


@dataclass(frozen=True)
class BatchRecord:
    """When trials that are stored together were made, and with what.

    began, ended: ISO 8601, UTC. commit: of the checkout as the process that made them started, see `lab.runs.environment.commit`.
    """

    began: str
    ended: str
    commit: str
    python: str
    packages: Mapping[str, str]
    machine: str


@dataclass(frozen=True)
class WithdrawnTrial:
    """What a trial had found that a person at a bench had played again.

    why: what they said. at: ISO 8601, UTC. invalid: why it did not count, None when it did.
    """

    cell_key: str
    index: int
    why: str
    at: str
    invalid: str | None
    outcomes: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True)
class TrackPlace:
    """Where the score tracks of a stored trial lie: a Parquet file in the store's `tracks/` and a row group."""

    file: str
    row_group: int


@dataclass(frozen=True, eq=False)
class TrialRecord:
    """One finished trial.

    cell_key: text form of the cell, unique within the scenario. index: trial number within the cell, from 0.
    invalid: why the trial must not count, None when it counts. drawn: the values drawn for it.
    clusters: what trials of a cell may share (`room`, `recording`). duration_s, distinct_s, wall_s: seconds.
    segments: media heard, one mapping each. measured: figures such as `snr_db`. outcomes: what scoring made of it.
    tracks: score tracks on their way into the store. A trial read back carries `track_place` instead, and
    `Store.tracks` loads them: hours of scores never sit in memory unasked.
    """

    scenario_id: str
    scenario_hash: str
    cell_key: str
    cell: Mapping[str, Json]
    index: int
    duration_s: float
    distinct_s: float
    invalid: str | None = None
    drawn: Mapping[str, Json] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)
    truth: tuple[Event, ...] = ()
    events: tuple[Event, ...] = ()
    segments: tuple[Mapping[str, Json], ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    capture_sha256: str = ""
    outcomes: tuple[Mapping[str, Json], ...] = ()
    wall_s: float = 0.0
    tracks: tuple[ScoreTrack, ...] = ()
    track_place: TrackPlace | None = None

    @property
    def status(self) -> TrialStatus:
        return TrialStatus.OK if self.invalid is None else TrialStatus.INVALID
