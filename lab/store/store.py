"""Runs, trials and score tracks on disk: one writer, any number of readers, consistent after a kill at any instant.

A batch of trials is two steps: its score tracks become one Parquet file (written aside, synced, renamed), then
its rows are committed. A crash between the two leaves a file no row names; the next writer removes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from detectors.interface import ScoreTrack
from lab.errors import BadInput, LabFailure
from lab.store import schema
from lab.store.database import engine_for, guarded, is_current, name_of, settle, upgrade
from lab.store.lock import WriterLock
from lab.store.records import (
    BatchRecord,
    Json,
    RunRecord,
    RunState,
    ScenarioRecord,
    TrackPlace,
    TrialRecord,
    WithdrawnTrial,
)
from lab.store.rows import trial_record, trial_row
from lab.store.tracks import read_tracks, write_tracks

TRACKS = "tracks"


class Store:
    """A store directory: `lab.sqlite` (or a database by URL) and `tracks/*.parquet`."""

    def __init__(self, directory: Path, engine: sa.Engine, lock: WriterLock | None) -> None:
        self.directory = directory
        self._engine = engine
        self._lock = lock
        inside = (
            engine.dialect.name == "sqlite" and Path(name_of(engine)).parent.resolve() == directory.resolve()
        )
        self._place = "" if inside else str(directory.resolve())
        self._parquet = lru_cache(maxsize=4)(pq.ParquetFile)

    @classmethod
    def open(cls, directory: Path | str, url: str | None = None) -> Store:
        """Open for writing; creates and migrates what is missing and removes orphaned track files.

        url: a `postgresql` or `sqlite` URL instead of DIRECTORY/lab.sqlite; $EARSHOT_STORE likewise.
        Raises LabFailure when another process writes here or the disk fails, BadInput for an unusable URL or
        a store of a newer release.
        """
        directory = Path(directory)
        engine = engine_for(directory, url, write=True)
        with guarded("cannot open the store", engine):
            (directory / TRACKS).mkdir(parents=True, exist_ok=True)
            lock = WriterLock(directory)
        try:
            upgrade(engine)
            store = cls(directory, engine, lock)
            store._remove_orphans()
        except BaseException:
            lock.release()
            raise
        return store

    @classmethod
    def read(cls, directory: Path | str, url: str | None = None) -> Store:
        """Open for reading, while a writer may be at work. Raises BadInput when there is no store."""
        directory = Path(directory)
        engine = engine_for(directory, url, write=False)
        if engine.dialect.name == "sqlite" and not Path(name_of(engine)).is_file():
            raise BadInput(f"{directory}: no store here (expected {name_of(engine)})")
        with guarded("cannot read the store", engine), engine.connect() as connection:
            current = is_current(connection, engine)
        if not current:
            cls.open(directory, url).close()
        return cls(directory, engine, None)

    def close(self) -> None:
        """Let go of the store. A writer first moves all it wrote into the database file, past idle readers."""
        self._parquet.cache_clear()
        if self._lock is not None:
            settle(self._engine)
            self._lock.release()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing -----------------------------------------------------------------------------------------

    def begin_run(self, run: RunRecord) -> None:
        """Add a run, or continue one: then seed and build must be the stored ones (BadInput), and `started` stays."""
        with guarded("cannot store the run", self._engine), self._engine.begin() as connection:
            found = connection.execute(sa.select(schema.runs).where(self._is(run.id))).one_or_none()
            if found is None:
                connection.execute(schema.runs.insert().values(directory=self._place, **asdict(run)))
                return
            for key in ("seed", "build_id", "build_hash"):
                if getattr(found, key) != getattr(run, key):
                    raise BadInput(
                        f"run {run.id} in {self.directory}: {key} is {getattr(found, key)} there and "
                        f"{getattr(run, key)} now; resume with the same, or use another --out"
                    )
            connection.execute(schema.runs.update().where(self._is(run.id)).values(state=run.state))

    def set_environment(self, run_id: str, environment: Mapping[str, Json]) -> None:
        with guarded("cannot store the run", self._engine), self._engine.begin() as connection:
            connection.execute(schema.runs.update().where(self._is(run_id)).values(environment=environment))

    def set_state(self, run_id: str, state: RunState) -> None:
        with guarded("cannot store the run's state", self._engine), self._engine.begin() as connection:
            connection.execute(schema.runs.update().where(self._is(run_id)).values(state=state))

    def add_scenario(self, run_id: str, scenario: ScenarioRecord) -> None:
        """Add a scenario to a run; one already there with the same id and hash is left as it is."""
        with guarded("cannot store the scenario", self._engine), self._engine.begin() as connection:
            if self._scenario_row(connection, run_id, scenario.id, scenario.hash) is None:
                run_row = connection.execute(
                    sa.select(schema.runs.c.row).where(self._is(run_id))
                ).scalar_one_or_none()
                if run_row is None:
                    raise LabFailure(f"{self.directory}: run {run_id} was not begun")
                connection.execute(schema.scenarios.insert().values(run_row=run_row, **asdict(scenario)))

    def add_trials(self, run_id: str, trials: Sequence[TrialRecord], batch: BatchRecord | None = None) -> int:
        """Store a batch, all or nothing; returns how many were new.

        batch: when these trials were made and with what, None to keep nothing of it; stored with them in one step.
        A trial already stored is left as it is when its capture is the same, and refused (LabFailure, nothing
        of the batch is stored) when it is not: then something is not reproducible. Raises LabFailure when the
        disk is full; what was stored before stays.
        """
        with guarded("cannot store trials", self._engine):
            with self._engine.begin() as connection:
                new = self._not_stored(connection, run_id, trials)
            if not new:
                return 0
            name, groups = None, [None] * len(new)
            if any(trial.tracks for trial, _ in new):
                name = f"{uuid.uuid4().hex}.parquet"
                groups = write_tracks(self._track_path(name), [trial for trial, _ in new])
            places = [TrackPlace(name, group) if group is not None else None for group in groups]
            # When this fails the file stays for the next writer to remove: only then is it sure that no row names it.
            with self._engine.begin() as connection:
                made = None
                if batch is not None:
                    added = connection.execute(schema.batches.insert().values(**asdict(batch)))
                    made = added.inserted_primary_key.row
                rows = [trial_row(*one, place, made) for one, place in zip(new, places, strict=True)]
                connection.execute(schema.trials.insert(), rows)
            return len(new)

    def withdraw_trial(self, run_id: str, trial: TrialRecord, why: str, at: str) -> None:
        """Take out a trial that a person at a bench wants played again, and keep what it had found. why, at: see `WithdrawnTrial`."""
        with guarded("cannot withdraw a trial", self._engine), self._engine.begin() as connection:
            row = self._scenario_row(connection, run_id, trial.scenario_id, trial.scenario_hash)
            table = schema.trials.c
            place = {"scenario_row": row, "cell_key": trial.cell_key, "trial_index": trial.index}
            connection.execute(
                schema.withdrawn.insert().values(
                    **place, why=why, at=at, reason=trial.invalid, outcomes=trial.outcomes
                )
            )
            connection.execute(
                schema.trials.delete().where(*(table[key] == value for key, value in place.items()))
            )

    def _not_stored(
        self, connection: sa.Connection, run_id: str, trials: Sequence[TrialRecord]
    ) -> list[tuple[TrialRecord, int]]:
        table = schema.trials.c
        captures: dict[tuple[int, str, int], str] = {}
        scenario_rows: dict[tuple[str, str], int] = {}
        new = []
        for trial in trials:
            scenario = (trial.scenario_id, trial.scenario_hash)
            if scenario not in scenario_rows:
                row = self._scenario_row(connection, run_id, *scenario)
                if row is None:
                    raise LabFailure(
                        f"run {run_id}: scenario {scenario[0]} ({scenario[1]}) was not added to it"
                    )
                scenario_rows[scenario] = row
            row = scenario_rows[scenario]
            place = (row, trial.cell_key, trial.index)
            if place not in captures:
                query = sa.select(table.capture_sha256).where(
                    table.scenario_row == row, table.cell_key == place[1], table.trial_index == place[2]
                )
                found = connection.execute(query).scalar_one_or_none()
                if found is None:
                    captures[place] = trial.capture_sha256
                    new.append((trial, row))
                    continue
                captures[place] = found
            if captures[place] != trial.capture_sha256:
                raise LabFailure(
                    f"run {run_id}: trial {trial.index} of {trial.scenario_id} [{trial.cell_key}] is already stored "
                    "with another capture; the trial is not reproducible"
                )
        return new

    def _remove_orphans(self) -> None:
        """Remove track files that no row names; only the one writer may."""
        folder = self.directory / TRACKS
        with guarded("cannot clean the store", self._engine), self._engine.begin() as connection:
            named = set(connection.execute(sa.select(schema.trials.c.track_file).distinct()).scalars())
            for path in folder.iterdir():
                if path.name not in named and ".parquet" in path.suffixes:
                    path.unlink(missing_ok=True)

    # --- reading -----------------------------------------------------------------------------------------

    def runs(self) -> list[RunRecord]:
        """The runs of this folder, oldest first."""
        names = [field.name for field in fields(RunRecord)]
        query = sa.select(*(schema.runs.c[name] for name in names)).where(
            schema.runs.c.directory == self._place
        )
        with guarded("cannot read the store", self._engine), self._engine.connect() as connection:
            return [
                RunRecord(**{**row._asdict(), "state": RunState(row.state)})
                for row in connection.execute(query.order_by(schema.runs.c.started, schema.runs.c.row))
            ]

    def scenarios(self, run_id: str) -> list[ScenarioRecord]:
        """The scenarios of a run, in the order they were added."""
        names = [field.name for field in fields(ScenarioRecord)]
        query = (
            sa.select(*(schema.scenarios.c[name] for name in names)).join(schema.runs).where(self._is(run_id))
        )
        with guarded("cannot read the store", self._engine), self._engine.connect() as connection:
            return [
                ScenarioRecord(**{**row._asdict(), "tags": tuple(row.tags)})
                for row in connection.execute(query.order_by(schema.scenarios.c.row))
            ]

    def finished(self, run_id: str, scenario_id: str, scenario_hash: str) -> set[tuple[str, int]]:
        """(cell key, index) of every stored trial, also invalid ones; empty for an unknown run or hash."""
        with guarded("cannot read the store", self._engine), self._engine.connect() as connection:
            row = self._scenario_row(connection, run_id, scenario_id, scenario_hash)
            query = sa.select(schema.trials.c.cell_key, schema.trials.c.trial_index)
            return {
                (cell, index)
                for cell, index in connection.execute(query.where(schema.trials.c.scenario_row == row))
            }

    def withdrawn(self, run_id: str, scenario_id: str, scenario_hash: str) -> list[WithdrawnTrial]:
        """What a person at a bench had played again, in the order that they did."""
        table = schema.withdrawn.c
        with guarded("cannot read the store", self._engine), self._engine.connect() as connection:
            row = self._scenario_row(connection, run_id, scenario_id, scenario_hash)
            query = sa.select(schema.withdrawn).where(table.scenario_row == row).order_by(table.row)
            return [
                WithdrawnTrial(
                    one.cell_key, one.trial_index, one.why, one.at, one.reason, tuple(one.outcomes)
                )
                for one in connection.execute(query)
            ]

    def batches(
        self, run_id: str, scenario_id: str, scenario_hash: str
    ) -> list[tuple[BatchRecord | None, int]]:
        """When and with what a scenario's stored trials were made, and how many of them, in the order that they came in; None for those
        of which it was not kept."""
        names = [field.name for field in fields(BatchRecord)]
        table = schema.batches
        query = (
            sa.select(table.c.row, *(table.c[name] for name in names), sa.func.count().label("trials"))
            .select_from(schema.trials.outerjoin(table))
            .group_by(table.c.row)
        )
        with guarded("cannot read the store", self._engine), self._engine.connect() as connection:
            row = self._scenario_row(connection, run_id, scenario_id, scenario_hash)
            found = connection.execute(query.where(schema.trials.c.scenario_row == row)).all()
            return [
                (
                    None if one.row is None else BatchRecord(**{name: getattr(one, name) for name in names}),
                    one.trials,
                )
                for one in sorted(found, key=lambda one: one.row or 0)
            ]

    def trials(
        self, run_id: str, scenario_id: str, scenario_hash: str | None = None
    ) -> Iterator[TrialRecord]:
        """Stored trials by cell key, then index, whatever the order they came in; `tracks` loads their scores.

        scenario_hash: needed only when the scenario changed during the run (else BadInput).
        """
        with guarded("cannot read the store", self._engine), self._engine.connect() as connection:
            query = sa.select(schema.scenarios.c.row, schema.scenarios.c.hash).join(schema.runs)
            query = query.where(self._is(run_id), schema.scenarios.c.id == scenario_id)
            if scenario_hash is not None:
                query = query.where(schema.scenarios.c.hash == scenario_hash)
            found = connection.execute(query).all()
            if len(found) > 1:
                hashes = ", ".join(row.hash for row in found)
                raise BadInput(
                    f"run {run_id}: scenario {scenario_id} changed during the run; name one hash of {hashes}"
                )
            if not found:
                return
            query = (
                sa.select(schema.trials)
                .where(schema.trials.c.scenario_row == found[0].row)
                .order_by(schema.trials.c.cell_key, schema.trials.c.trial_index)
                .execution_options(yield_per=200)
            )
            for row in connection.execute(query):
                yield trial_record(row, scenario_id, found[0].hash)

    def tracks(self, trial: TrialRecord) -> tuple[ScoreTrack, ...]:
        """The score tracks of a trial. Raises LabFailure when its file is gone or broken."""
        if trial.track_place is None:
            return trial.tracks
        path = self._track_path(trial.track_place.file)
        try:
            return read_tracks(self._parquet(path), trial.track_place.row_group)
        except (OSError, pa.ArrowException) as error:
            reason = "missing" if not path.exists() else str(error)
            raise LabFailure(f"{path}: cannot read the score tracks: {reason}") from error

    def _track_path(self, name: str) -> Path:
        return self.directory / TRACKS / name

    def _is(self, run_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(schema.runs.c.directory == self._place, schema.runs.c.id == run_id)

    def _scenario_row(
        self, connection: sa.Connection, run_id: str, scenario_id: str, scenario_hash: str
    ) -> int | None:
        query = sa.select(schema.scenarios.c.row).join(schema.runs)
        query = query.where(
            self._is(run_id), schema.scenarios.c.id == scenario_id, schema.scenarios.c.hash == scenario_hash
        )
        return connection.execute(query).scalar_one_or_none()
