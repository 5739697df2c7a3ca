"""Alembic's entry: runs the migrations in the transaction that ``migrations.upgrade`` opened."""

from __future__ import annotations

from alembic import context

from hotfix.adapters.bug_database.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
