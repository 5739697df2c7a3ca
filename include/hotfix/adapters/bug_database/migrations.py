"""Bringing the database's tables up to this version."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, event, text

from hotfix.adapters.bug_database.engine import for_writing, open_engine, parse_url
from hotfix.adapters.bug_database.errors import BugDatabaseUnavailable, BugDatabaseUnusable
from hotfix.adapters.bug_database.failures import in_our_words

LOCK_SECONDS = 60
VERSION_TABLE = "bug_database_version"
_SCRIPTS = Path(__file__).parent / "alembic"
_ADVISORY_LOCK = 0x686F74666978  # "hotfix" in ASCII; any number that no other program of the database uses


def upgrade(url: str) -> None:
    """Create or change the tables as this version needs them; one process at a time, all or nothing.

    A SQLite file, its folder and a lock file beside it are made where they are missing.

    Raises:
        BugDatabaseUnavailable: no connection, or another process holds the lock for over ``LOCK_SECONDS``.
        BugDatabaseUnusable: the address or the file is wrong, or a newer version made the tables.
    """
    parsed = parse_url(url)
    engine = open_engine(parsed)
    with in_our_words(parsed), alone(engine) as connection:
        config = Config(attributes={"connection": connection, "version_table": VERSION_TABLE})
        # The option is a format string to the parser behind it.
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise BugDatabaseUnusable(
                f"The bug database cannot be brought to this version: {error}.",
                "It was probably made by a newer version: install that one, or restore an older copy.",
            ) from None


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other upgrade runs beside."""
    if engine.dialect.name == "sqlite":
        with _file_lock(Path(f"{engine.url.database}.lock")):
            event.listen(engine, "connect", _turn_on_wal)
            with for_writing(engine).begin() as connection:
                yield connection
        return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})
        yield connection


def _turn_on_wal(connection: SqliteConnection, _record: object) -> None:
    # Here and nowhere else: the mode stays in the file, and changing it beside others fails without waiting.
    connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    # flock ends with its process, however that ends; the file stays, since deleting it would split the lock in two.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        raise BugDatabaseUnusable(
            f"The bug database's folder {path.parent} cannot be written: {error.strerror}.",
            "Make it writable for the user that runs the workflow, or choose another folder.",
        ) from None
    with handle:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BugDatabaseUnavailable(
                        f"Another process has been upgrading the bug database for over {LOCK_SECONDS} s.",
                        f"See which process holds {path}, and run again when it has ended.",
                    ) from None
                time.sleep(0.05)
        yield
