"""Runs, scenarios, trials and calibrations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("row", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("directory", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started", sa.String(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("build_id", sa.String(), nullable=False),
        sa.Column("build_hash", sa.String(), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_runs"),
        sa.UniqueConstraint("directory", "id", name="uq_runs_directory_id"),
    )
    op.create_table(
        "scenarios",
        sa.Column("row", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_row", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("effective", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_row"], ["runs.row"], name="fk_scenarios_run_row"),
        sa.PrimaryKeyConstraint("row", name="pk_scenarios"),
        sa.UniqueConstraint("run_row", "id", "hash", name="uq_scenarios_run_row_id_hash"),
    )
    op.create_table(
        "trials",
        sa.Column("row", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("scenario_row", sa.Integer(), nullable=False),
        sa.Column(
            "cell_key",
            sa.String().with_variant(sa.String(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("cell", sa.JSON(), nullable=False),
        sa.Column("trial_index", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("drawn", sa.JSON(), nullable=False),
        sa.Column("clusters", sa.JSON(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("distinct_s", sa.Double(), nullable=False),
        sa.Column("truth", sa.JSON(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("segments", sa.JSON(), nullable=False),
        sa.Column("measured", sa.JSON(), nullable=False),
        sa.Column("capture_sha256", sa.String(), nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.Column("track_file", sa.String(), nullable=True),
        sa.Column("track_row_group", sa.Integer(), nullable=True),
        sa.Column("wall_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["scenario_row"], ["scenarios.row"], name="fk_trials_scenario_row"),
        sa.PrimaryKeyConstraint("row", name="pk_trials"),
        sa.UniqueConstraint(
            "scenario_row", "cell_key", "trial_index", name="uq_trials_scenario_row_cell_key_trial_index"
        ),
    )
    op.create_index("ix_trials_track_file", "trials", ["track_file"])
    op.create_table(
        "calibrations",
        sa.Column("row", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("due", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_calibrations"),
    )
    op.create_index("ix_calibrations_instrument", "calibrations", ["instrument"])


def downgrade() -> None:
    for table in ("calibrations", "trials", "scenarios", "runs"):
        op.drop_table(table)
