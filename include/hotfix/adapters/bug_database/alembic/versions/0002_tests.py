"""What runs of tests showed: broken by a change of which path, how long each took, runs on versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"

KEY = sa.String(250)


def upgrade() -> None:
    op.create_table(
        "broken_tests",
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("test", KEY, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "attempt", "path", "test", name="pk_broken_tests"),
        sa.ForeignKeyConstraint(
            ["incident_id", "attempt"], ["incidents.id", "incidents.attempt"], name="fk_broken_tests_attempt"
        ),
    )
    op.create_index("ix_broken_tests_path", "broken_tests", ["path"])
    op.create_table(
        "test_times",
        sa.Column("service", KEY, nullable=False),
        sa.Column("test", KEY, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("service", "test", name="pk_test_times"),
    )
    op.create_table(
        "test_baselines",
        sa.Column("service", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("selection", KEY, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("service", "version", "selection", name="pk_test_baselines"),
    )
