"""When trials were made and with what. The table of calibrations goes: nothing filled it, a bench's stand in its results."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("row", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("began", sa.String(), nullable=False),
        sa.Column("ended", sa.String(), nullable=False),
        sa.Column("commit", sa.String(), nullable=False),
        sa.Column("python", sa.String(), nullable=False),
        sa.Column("packages", sa.JSON(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_batches"),
    )
    # The reference in the column itself: SQLite adds no constraint to a table without copying all of it.
    op.add_column(
        "trials",
        sa.Column(
            "batch_row",
            sa.Integer(),
            sa.ForeignKey("batches.row", name="fk_trials_batch_row"),
            nullable=True,
        ),
        inline_references=True,
    )
    op.drop_table("calibrations")


def downgrade() -> None:
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
    with op.batch_alter_table("trials") as trials:
        trials.drop_column("batch_row")
    op.drop_table("batches")
