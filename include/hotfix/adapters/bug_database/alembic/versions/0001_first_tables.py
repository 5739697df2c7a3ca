"""The first tables. Column types are written out: a migration says what was, the tables module what is.

There is no way down: a ledger that loses columns has lost what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

KEY = sa.String(250)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "incidents",
        _required("id", KEY),
        _required("attempt", sa.Integer),
        _required("run_id", KEY),
        _required("service", KEY),
        _required("title", sa.Text),
        _required("status", KEY),
        _required("opened_at", TIME),
        sa.Column("closed_at", TIME),
        _required("facts", sa.Text),
        _required("report", sa.Text),
        sa.PrimaryKeyConstraint("id", "attempt", name="pk_incidents"),
        sa.UniqueConstraint("run_id", name="uq_incidents_run_id"),
    )
    op.create_index("ix_incidents_opened_at", "incidents", ["opened_at"])
    _of_an_attempt(
        "documents", ["incident_id", "attempt", "kind"], _required("kind", KEY), _required("content", sa.Text)
    )
    _of_an_attempt(
        "events",
        ["number"],
        _required("number", sa.Integer),
        _required("key", KEY),
        _required("at", TIME),
        _required("step", sa.Text),
        _required("what", sa.Text),
        sa.UniqueConstraint("incident_id", "attempt", "key", name="uq_events_incident_id_attempt_key"),
    )
    _of_an_attempt(
        "pull_requests",
        ["incident_id", "branch"],
        _required("branch", KEY),
        _required("content", sa.Text),
        _required("body", sa.Text),
    )
    _of_an_attempt(
        "issues",
        ["incident_id"],
        _required("title", sa.Text),
        _required("body", sa.Text),
        _required("labels", sa.Text),
    )
    _of_an_attempt(
        "follow_ups",
        ["incident_id", "kind"],
        _required("kind", KEY),
        _required("title", sa.Text),
        _required("due_at", TIME),
        sa.Column("done_at", TIME),
        _required("evidence", sa.Text),
    )
    op.create_index("ix_follow_ups_done_at_due_at", "follow_ups", ["done_at", "due_at"])


def _required(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _of_an_attempt(table: str, key: Sequence[str], *items: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        _required("incident_id", KEY),
        _required("attempt", sa.Integer),
        *items,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["incident_id", "attempt"], ["incidents.id", "incidents.attempt"], name=f"fk_{table}_attempt"
        ),
    )
