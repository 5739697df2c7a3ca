"""Database failures in the workflow's own words, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    StatementError,
)

from hotfix.adapters.bug_database.errors import BugDatabaseUnavailable, BugDatabaseUnusable
from hotfix.domain.document import clip

MESSAGE_LIMIT = 400


@contextmanager
def in_our_words(url: URL) -> Iterator[None]:
    """Turn what the driver raises into a ``HotfixError``; a broken constraint stays an ``IntegrityError``.

    The cause is cut off: the driver's own traceback may quote the address, and the address a password.

    Raises:
        BugDatabaseUnavailable: no connection, or no lock in time.
        BugDatabaseUnusable: anything else that the database refused.
        ValueError: a value that may not be stored.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        said = _first_words(error, url)
        where = f"{url.get_backend_name()} database {url.database!r}" + (f" on {url.host}" if url.host else "")
        if _lacks_schema(error):
            raise BugDatabaseUnusable(
                f"The bug database ({where}) does not have the tables that this version needs: {said}.",
                "Upgrade its schema (hotfix.adapters.bug_database.migrations.upgrade) and run again.",
            ) from None
        if isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated:
            raise BugDatabaseUnavailable(
                f"The bug database ({where}) does not answer: {said}.",
                "Check that it runs and that its address is right; running again is safe.",
            ) from None
        raise BugDatabaseUnusable(
            f"The bug database ({where}) refused: {said}.", "Nothing was kept; correct it and run again."
        ) from None
    except StatementError as error:
        if isinstance(error.orig, ValueError):
            raise error.orig from None
        raise


def _lacks_schema(error: DBAPIError) -> bool:
    return isinstance(error, ProgrammingError) or bool(re.search(r"no such (table|column)", str(error.orig)))


def _first_words(error: DBAPIError, url: URL) -> str:
    said = " ".join(str(error.orig).split()).rstrip(".")
    secrets = [url.password or "", *(str(value) for key, value in url.query.items() if "pass" in key)]
    for secret in filter(None, secrets):
        said = said.replace(secret, "***")
    return clip(said, MESSAGE_LIMIT)
