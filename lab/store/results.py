"""`results.json`: what a run found, in a published schema.

Anyone may read it; `lab report` and the pytest plugin read nothing else but it and the clips beside it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.errors import BadInput, LabFailure

FORMAT = "earshot-results/1"
FILE_NAME = "results.json"
Document = TypeVar("Document", bound=BaseModel)
Scalar = bool | int | float | str
Verdict = Literal["pass", "fail", "inconclusive", "reported"]


class Record(BaseModel):
    # JSON has no nan and no inf; as strings ("NaN", "Infinity") they come back what they were, as null not.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Detection(Record):
    """Detections of one label in one cell; `low` and `high` are one-sided 95 % bounds."""

    detected: int
    trials: int
    effective_trials: float
    clusters: int
    rate: float
    low: float
    high: float


class FalseAlarms(Record):
    """False alarms over target-free time. `hours`: time listened. `distinct_hours`: audio heard once. `active_squared_s2`, `longest_s`,
    `count_squared`, `most`: see `lab.verdicts.exposure.Exposure`; None in documents older than they."""

    count: int
    hours: float
    distinct_hours: float
    per_day: float
    per_day_low: float
    per_day_high: float
    active_fraction: float
    active_squared_s2: float | None = None
    longest_s: float | None = None
    count_squared: float | None = None
    most: int | None = None


class Latency(Record):
    p50: float
    p95: float


class Curve(Record):
    """Detection rate and false alarms per hour against threshold, with one-sided 95 % bounds each side."""

    threshold: list[float]
    detection_rate: list[float] | None
    detection_low: list[float] | None
    detection_high: list[float] | None
    false_alarms_per_hour: list[float] | None
    false_alarms_low: list[float] | None
    false_alarms_high: list[float] | None


class Metric(Record):
    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int
    unit: str


class Accept(Record):
    """One limit and what became of it. `bound` is the one-sided bound that was held against it, of this `confidence`: 0.999 while planned
    trials of the cell are missing and where trials were added after a look.

    needed: what is still missing for a verdict, in words, None when there is one.
    """

    metric: str
    label: str
    where: dict[str, Scalar]
    limit: str
    bound: float | None
    verdict: Literal["pass", "fail", "inconclusive"]
    needed: str | None = None
    confidence: float = 0.95


class Row(Record):
    """One (cell, detector, stage, label)."""

    cell: dict[str, Scalar]
    detector: str
    stage: str
    label: str
    threshold: float
    detection: Detection | None = None
    false_alarms: FalseAlarms | None = None
    latency_s: Latency | None = None
    curve: Curve | None = None
    metrics: list[Metric] = Field(default_factory=list)
    accept: list[Accept] = Field(default_factory=list)
    per_clip: dict[str, tuple[int, int]] | None = None  # recording -> (detected, trials), when few


class Credit(Record):
    title: str
    author: str
    licence: str


class Example(Record):
    """A miss or a false alarm worth listening to."""

    kind: Literal["miss", "false_alarm"]
    cell: dict[str, Scalar]
    trial: int
    detector: str
    label: str
    at_s: float
    score: float
    threshold: float
    clip: str | None = None  # path beside results.json
    note: str | None = None  # what the clip is, where it is not what people would hear
    spectrogram: str | None = None
    credits: list[Credit] = Field(default_factory=list)
    command: str  # renders the trial again


class CellTrials(Record):
    """What became of the trials that were planned of a cell. not_run: of which nothing was recorded. repeated: valid ones that were played
    again at a bench."""

    cell: dict[str, Scalar]
    planned: int
    not_run: int
    invalid: int
    repeated: int


class UnjudgedLimit(Record):
    """A limit and the planned cells in which nothing answers it. label: None where the scenario names none. reason: why nothing does."""

    metric: str
    label: str | None
    where: dict[str, Scalar]
    limit: str
    cells: list[dict[str, Scalar]]
    reason: str = "no trial of it was run"


class ScenarioResult(Record):
    """What became of one scenario.

    planned: trials of all cells, None where it was not kept, as by older releases. not_run: of them those of which nothing was
    recorded, by reason as far as one is known; while there are any the scenario does not pass. unjudged: limits that nothing answers.
    looks: every number of trials a cell at which it was judged; after more than one its limits take bounds of 99.9 %. surroundings:
    least and most that was measured or, in simulation, drawn.

    audio_hours: hours of different audio that the scenario can draw from in its split; None when its audio is
    generated without end. Runs with other seeds share it. scope: what the verdict speaks of where that is less than all
    rooms, such as `room lab_1 only`.
    """

    id: str
    title: str
    path: str
    tags: list[str]
    hash: str
    origin: Literal["simulated", "emulated", "replayed", "measured"]
    seed: int
    split: str
    trials: int
    invalid: int
    invalid_reasons: dict[str, int] = Field(default_factory=dict)
    verdict: Verdict
    results: list[Row]
    examples: list[Example] = Field(default_factory=list)
    audio_hours: float | None = None
    scope: str | None = None
    planned: int | None = None
    not_run: int = 0
    not_run_reasons: dict[str, int] = Field(default_factory=dict)
    cells: list[CellTrials] = Field(default_factory=list)
    unjudged: list[UnjudgedLimit] = Field(default_factory=list)
    looks: list[int] = Field(default_factory=list)
    surroundings: dict[str, tuple[float, float]] = Field(default_factory=dict)


class BuildIdentity(Record):
    """detectors: name -> hash of what its scores hang on (`Build.parts`); empty in results of older releases."""

    id: str
    hash: str
    path: str
    detectors: dict[str, str] = Field(default_factory=dict)


class InstrumentIdentity(Record):
    """says: maker, model, serial number, firmware in its own words; empty for one that cannot be asked.

    serial_number: as the rig file has it.
    """

    name: str
    driver: str
    profile: str
    serial_number: str
    says: str


class DeviceIdentity(Record):
    """What the device under test said it runs; empty where its console does not tell."""

    name: str
    serial_number: str
    version: str
    build_id: str
    build_hash: str


class WireIdentity(Record):
    """A loudspeaker or microphone of the bench, as the rig file has it. does: `media`, `noise`, `tone`, or `microphone 1`."""

    name: str
    does: str
    serial_number: str


class CalibrationRecord(Record):
    """uncertainty: expanded (k = 2), in `unit`; None where it is not stated, as in results of older releases."""

    of: str
    what: str
    value: float
    unit: str
    done: str
    due: str
    uncertainty: float | None = None
    standard: str = ""
    by: str = ""
    hz: tuple[float, float] | None = None


class RigIdentity(Record):
    """A bench as it stood. hash: of all that its rig file says. sound: the sound card, as the system names it.

    wires: its loudspeakers and microphones; empty in results of older releases.
    """

    id: str
    title: str
    kind: Literal["physical", "emulated", "loopback"]
    room: str | None
    hash: str
    sound: str
    instruments: list[InstrumentIdentity]
    device: DeviceIdentity | None
    calibrations: list[CalibrationRecord]
    wires: list[WireIdentity] = Field(default_factory=list)


class Environment(Record):
    """rigs: the bench of the run; more than one when it was changed between two parts of the run; empty without one."""

    build: BuildIdentity
    packages: dict[str, str]
    commit: str
    python: str
    machine: str
    rigs: list[RigIdentity] = Field(default_factory=list)


class Unjudged(Record):
    """A scenario that a session of tests asked for and that has no results. test: as pytest names it."""

    test: str
    reason: str


class Deviation(Record):
    """What of a run was otherwise than its scenarios and its bench ask for, or was decided by a person at the bench."""

    kind: Literal["trials", "bench", "lifted", "repeated"]
    what: str
    scenario: str | None = None


class Results(Record):
    """unjudged: beside them no verdict is better than inconclusive. operators: who ran it, by name. first, last: when its first trial began and
    its last one ended, ISO 8601, UTC; None where it was not kept."""

    format: str = FORMAT
    run: str
    started: str
    wall_s: float
    verdict: Verdict
    scenarios: list[ScenarioResult]
    environment: Environment
    unjudged: list[Unjudged] = Field(default_factory=list)
    operators: list[str] = Field(default_factory=list)
    first: str | None = None
    last: str | None = None
    deviations: list[Deviation] = Field(default_factory=list)


def write(results: Results, path: Path) -> None:
    """Write atomically: a reader sees the old file or the new one. Raises LabFailure when the disk is full."""
    try:
        replace(path, results.model_dump_json(indent=1) + "\n")
    except LabFailure as error:
        raise LabFailure(f"{error}; the trials are kept, run with --resume") from error


def replace(path: Path, text: str) -> None:
    """Put `text` in the place of the file at `path`, whole or not at all. Raises LabFailure."""
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise LabFailure(f"{path}: cannot write: {error.strerror or error}") from error


def read(path: Path | str) -> Results:
    """Read `results.json`, given the file or the folder it lies in. Raises BadInput like `parse`."""
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot read the results: {error.strerror or error}") from error
    return parse(raw, path)


def parse(raw: bytes, path: Path) -> Results:
    """Results from the bytes of the file at `path`.

    Raises BadInput with one message for a truncated or malformed file and for one of a newer format.
    """
    return parse_document(raw, path, Results, FORMAT)


def parse_document(raw: bytes, path: Path, kind: type[Document], known: str) -> Document:
    """A document with a versioned `format` key from the bytes of the file at `path`. Raises BadInput."""
    try:
        found = json.loads(raw)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: malformed: not text in UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}: truncated or malformed at line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise BadInput(f"{path}: malformed: nested too deeply") from error
    _check_format(path, found, known)
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadInput(f"{path}: {key}: {first['msg']}{more}") from error


def _check_format(path: Path, found: object, expected: str) -> None:
    name, known = expected.split("/")
    stated = found.get("format") if isinstance(found, dict) else None
    version = stated.removeprefix(f"{name}/") if isinstance(stated, str) else ""
    if version == stated or not (version.isascii() and version.isdecimal()) or int(version) < 1:
        raise BadInput(f'{path}: format must be "{expected}", not {stated!r}')
    if int(version) > int(known):
        raise BadInput(
            f'{path}: format {stated!r} is newer than this release of Earshot reads ("{expected}"); '
            "use the release that wrote it"
        )
