"""Score tracks in Parquet: one file a batch of trials, one row group a trial, one row a track.

Columns: scenario, cell, index, detector, stage, label, start_s, hop_s, score (list of float32, zstd).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.interface import ScoreTrack
from lab.store.records import TrialRecord

PARTIAL = ".partial"
SCHEMA = pa.schema(
    [
        ("scenario", pa.string()),
        ("cell", pa.string()),
        ("index", pa.int32()),
        ("detector", pa.string()),
        ("stage", pa.string()),
        ("label", pa.string()),
        ("start_s", pa.float64()),
        ("hop_s", pa.float64()),
        ("score", pa.list_(pa.float32())),
    ]
)


def write_tracks(path: Path, trials: Sequence[TrialRecord]) -> list[int | None]:
    """Write the tracks of all trials to `path`, atomically: the file is whole on disk, or not there.

    Returns the row group of each trial, None for a trial without tracks. Raises OSError.
    """
    partial = path.with_name(path.name + PARTIAL)
    groups: list[int | None] = []
    try:
        with open(partial, "wb") as file:
            # Bytes of the same significance side by side: scores compress, and reading stays exact.
            with pq.ParquetWriter(
                file,
                SCHEMA,
                compression="zstd",
                use_dictionary=["scenario", "cell", "detector", "stage", "label"],
                column_encoding={"score.list.element": "BYTE_STREAM_SPLIT"},
            ) as writer:
                for trial in trials:
                    groups.append(sum(group is not None for group in groups) if trial.tracks else None)
                    if trial.tracks:
                        writer.write_table(_table(trial))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return groups


def read_tracks(file: pq.ParquetFile, row_group: int) -> tuple[ScoreTrack, ...]:
    """The tracks of one trial, in the order they were written."""
    table = file.read_row_group(row_group)
    columns = {
        name: table.column(name).to_pylist() for name in ("detector", "label", "stage", "start_s", "hop_s")
    }
    scores = table.column("score")
    return tuple(
        ScoreTrack(
            detector=columns["detector"][row],
            label=columns["label"][row],
            start_s=columns["start_s"][row],
            hop_s=columns["hop_s"][row],
            scores=scores[row].values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False),
            stage=columns["stage"][row],
        )
        for row in range(table.num_rows)
    )


def _table(trial: TrialRecord) -> pa.Table:
    lengths = [len(track.scores) for track in trial.tracks]
    flat = np.concatenate([np.asarray(track.scores, dtype=np.float32) for track in trial.tracks])
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    count = len(trial.tracks)
    return pa.table(
        [
            pa.array([trial.scenario_id] * count),
            pa.array([trial.cell_key] * count),
            pa.array([trial.index] * count, type=pa.int32()),
            pa.array([track.detector for track in trial.tracks]),
            pa.array([track.stage for track in trial.tracks]),
            pa.array([track.label for track in trial.tracks]),
            pa.array([track.start_s for track in trial.tracks], type=pa.float64()),
            pa.array([track.hop_s for track in trial.tracks], type=pa.float64()),
            pa.ListArray.from_arrays(offsets, pa.array(flat)),
        ],
        schema=SCHEMA,
    )


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
