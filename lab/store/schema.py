"""The tables. Types are kept to those that SQLite and PostgreSQL share.

A change here needs a migration in `migrations/versions/`; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

_NON_FINITE = "$float"  # JSON has no nan and no inf; PostgreSQL refuses them


def encode(value: Any) -> Any:
    """To strict JSON: tuples and arrays become lists, numpy scalars plain, nan and inf `{"$float": "nan"}`."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return {_NON_FINITE: str(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(value: Any) -> Any:
    """The reverse of `encode`, with lists for sequences."""
    if isinstance(value, dict):
        if value.keys() == {_NON_FINITE}:
            return float(value[_NON_FINITE])
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


class StrictJson(sa.types.TypeDecorator):
    """A JSON column that keeps nan and inf."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return encode(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return decode(value)


NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMES)


# The same order everywhere: PostgreSQL would sort by its locale.
Key = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def _column(name: str, kind: Any, **options: Any) -> sa.Column:
    return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)


# One database may hold the runs of many folders. `directory`: the absolute path of the folder that holds a run's
# track files, or empty in a database that lies in that folder itself, so that the folder may be moved.
runs = sa.Table(
    "runs",
    metadata,
    _column("row", sa.Integer, primary_key=True, autoincrement=True),
    _column("directory", sa.String),
    _column("id", sa.String),
    _column("started", sa.String),
    _column("seed", sa.BigInteger),
    _column("build_id", sa.String),
    _column("build_hash", sa.String),
    _column("environment", StrictJson),
    _column("state", sa.String),
    sa.UniqueConstraint("directory", "id"),
)

scenarios = sa.Table(
    "scenarios",
    metadata,
    _column("row", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_row", sa.Integer, sa.ForeignKey("runs.row"), nullable=False),
    _column("id", sa.String),
    _column("hash", sa.String),
    _column("path", sa.String),
    _column("title", sa.String),
    _column("tags", StrictJson),
    _column("effective", StrictJson),
    _column("seed", sa.BigInteger),
    _column("origin", sa.String),
    _column("split", sa.String),
    sa.UniqueConstraint("run_row", "id", "hash"),
)

# When trials that were stored together were made, and with what.
batches = sa.Table(
    "batches",
    metadata,
    _column("row", sa.Integer, primary_key=True, autoincrement=True),
    _column("began", sa.String),
    _column("ended", sa.String),
    _column("commit", sa.String),
    _column("python", sa.String),
    _column("packages", StrictJson),
    _column("machine", sa.String),
)

trials = sa.Table(
    "trials",
    metadata,
    _column("row", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("scenario_row", sa.Integer, sa.ForeignKey("scenarios.row"), nullable=False),
    _column("cell_key", Key),
    _column("cell", StrictJson),
    _column("trial_index", sa.Integer),
    _column("status", sa.String),
    _column("reason", sa.String, nullable=True),
    _column("drawn", StrictJson),
    _column("clusters", StrictJson),
    _column("duration_s", sa.Double),
    _column("distinct_s", sa.Double),
    _column("truth", StrictJson),
    _column("events", StrictJson),
    _column("segments", StrictJson),
    _column("measured", StrictJson),
    _column("capture_sha256", sa.String),
    _column("outcomes", StrictJson),
    _column("track_file", sa.String, nullable=True, index=True),
    _column("track_row_group", sa.Integer, nullable=True),
    _column("wall_s", sa.Double),
    sa.Column("batch_row", sa.Integer, sa.ForeignKey("batches.row"), nullable=True),
    sa.UniqueConstraint("scenario_row", "cell_key", "trial_index"),
)

# What trials had found that a person at a bench had played again; `why` is theirs, `reason` that of an invalid trial.
withdrawn = sa.Table(
    "withdrawn",
    metadata,
    _column("row", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("scenario_row", sa.Integer, sa.ForeignKey("scenarios.row"), nullable=False),
    _column("cell_key", Key),
    _column("trial_index", sa.Integer),
    _column("why", sa.String),
    _column("at", sa.String),
    _column("reason", sa.String, nullable=True),
    _column("outcomes", StrictJson),
)
