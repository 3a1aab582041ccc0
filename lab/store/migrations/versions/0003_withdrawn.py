"""What trials had found that a person at a bench had played again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "withdrawn",
        sa.Column("row", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("scenario_row", sa.Integer(), nullable=False),
        sa.Column(
            "cell_key", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("trial_index", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["scenario_row"], ["scenarios.row"], name="fk_withdrawn_scenario_row"),
        sa.PrimaryKeyConstraint("row", name="pk_withdrawn"),
    )


def downgrade() -> None:
    op.drop_table("withdrawn")
