"""Answers to approval requests, and messages to people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"

KEY = sa.String(250)


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "attempt", "key", name="pk_answers"),
        sa.ForeignKeyConstraint(
            ["incident_id", "attempt"], ["incidents.id", "incidents.attempt"], name="fk_answers_attempt"
        ),
    )
    op.create_table(
        "messages",
        sa.Column("scope", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_messages"),
    )
