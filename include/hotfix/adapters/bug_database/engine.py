"""How the database is reached: the address checked, connections set up for many short-lived processes."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from hotfix.adapters.bug_database.errors import BugDatabaseUnusable

PATIENCE_SECONDS = 30
CONNECT_SECONDS = 10
_FOR_WRITING = "bug_database_writes"


def parse_url(url: str) -> URL:
    """The database address, with the driver that this package brings where the address names none.

    Raises:
        BugDatabaseUnusable: it cannot be read, or it names no place that every process would find again.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The parser quotes the address, and a password may stand in it.
        raise BugDatabaseUnusable(
            "The address of the bug database cannot be read.",
            "Write sqlite:////absolute/path.db or postgresql://user@host/database.",
        ) from None
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_absolute():
        raise BugDatabaseUnusable(
            f"The bug database {parsed.database or ':memory:'!r} would be another one in every process.",
            "Give an absolute path: sqlite:////absolute/path.db",
        )
    return parsed


def open_engine(url: URL) -> Engine:
    """An engine that opens a connection a transaction: Airflow forks, and a forked connection is shared by accident.

    Raises:
        BugDatabaseUnusable: the driver is not installed.
    """
    backend = url.get_backend_name()
    arguments: dict[str, object] = {}
    if backend == "sqlite" and "timeout" not in url.query:
        arguments["timeout"] = PATIENCE_SECONDS
    if backend == "postgresql" and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    if url.drivername == "postgresql+psycopg" and "client_encoding" not in url.query:
        # A database with the encoding SQL_ASCII would answer in bytes.
        arguments["client_encoding"] = "utf8"
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    except (ImportError, NoSuchModuleError):
        raise BugDatabaseUnusable(
            f"There is no driver for {url.drivername} here.",
            "Install it, or use sqlite:// or postgresql+psycopg:// with the package psycopg[binary].",
        ) from None
    if backend == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def for_writing(engine: Engine) -> Engine:
    """The same engine, whose transactions take SQLite's write lock when they begin."""
    return engine.execution_options(**{_FOR_WRITING: True})


def _set_up_sqlite(connection: SqliteConnection, _record: object) -> None:
    # Python's sqlite3 would begin transactions late and leave DDL outside of them.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and locks later fails at once when another has written in between.
    writes = connection.get_execution_options().get(_FOR_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
