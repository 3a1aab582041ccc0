"""A trial as a table row, and back."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from detectors.interface import Event
from lab.store.records import TrackPlace, TrialRecord


def trial_row(trial: TrialRecord, scenario_row: int, place: TrackPlace | None, batch_row: int | None) -> dict:
    return {
        "scenario_row": scenario_row,
        "cell_key": trial.cell_key,
        "cell": trial.cell,
        "trial_index": trial.index,
        "status": trial.status,
        "reason": trial.invalid,
        "drawn": trial.drawn,
        "clusters": trial.clusters,
        "duration_s": trial.duration_s,
        "distinct_s": trial.distinct_s,
        "truth": [asdict(event) for event in trial.truth],
        "events": [asdict(event) for event in trial.events],
        "segments": trial.segments,
        "measured": trial.measured,
        "capture_sha256": trial.capture_sha256,
        "outcomes": trial.outcomes,
        "track_file": place.file if place else None,
        "track_row_group": place.row_group if place else None,
        "wall_s": trial.wall_s,
        "batch_row": batch_row,
    }


def trial_record(row: sa.Row, scenario_id: str, scenario_hash: str) -> TrialRecord:
    return TrialRecord(
        scenario_id=scenario_id,
        scenario_hash=scenario_hash,
        cell_key=row.cell_key,
        cell=row.cell,
        index=row.trial_index,
        duration_s=row.duration_s,
        distinct_s=row.distinct_s,
        invalid=row.reason,
        drawn=row.drawn,
        clusters=row.clusters,
        truth=tuple(Event(**event) for event in row.truth),
        events=tuple(Event(**event) for event in row.events),
        segments=tuple(row.segments),
        measured=row.measured,
        capture_sha256=row.capture_sha256,
        outcomes=tuple(row.outcomes),
        wall_s=row.wall_s,
        track_place=TrackPlace(row.track_file, row.track_row_group) if row.track_file else None,
    )
