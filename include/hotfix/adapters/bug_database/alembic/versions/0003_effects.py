"""The journal of effects, and who has taken an attempt over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

KEY = sa.String(250)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("incidents", sa.Column("taken_over_by", KEY))
    op.create_table(
        "effects",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_effects"),
        sa.UniqueConstraint("incident_id", "attempt", "kind", "key", name="uq_effects_incident_id_attempt_kind_key"),
        sa.ForeignKeyConstraint(
            ["incident_id", "attempt"], ["incidents.id", "incidents.attempt"], name="fk_effects_attempt"
        ),
    )
