"""The bug database in SQL: SQLite for one machine, PostgreSQL for several."""

from hotfix.adapters.bug_database.errors import BugDatabaseUnavailable
from hotfix.adapters.bug_database.migrations import upgrade
from hotfix.adapters.bug_database.store import SqlBugDatabase

__all__ = ["BugDatabaseUnavailable", "SqlBugDatabase", "upgrade"]
