"""Column types that keep their promise on every database."""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import DateTime, Dialect, String, Text, TypeDecorator

KEY_LIMIT = 250


class UtcTime(TypeDecorator[datetime]):
    """A moment. Comes back in UTC, also from SQLite, which forgets timezones.

    Raises:
        ValueError: the time has no timezone.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no timezone; give the time with one")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc)


class Key(TypeDecorator[str]):
    """A name that identifies something; SQLite would take any length, others cut or refuse.

    Raises:
        ValueError: it is empty, too long, or holds a NUL.
    """

    impl = String(KEY_LIMIT)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and not (0 < len(value) <= KEY_LIMIT and "\0" not in value):
            raise ValueError(f"{value!r:.80} is no key: use 1 to {KEY_LIMIT} characters without NUL")
        return value


class Prose(TypeDecorator[str]):
    """Text for people. What PostgreSQL cannot store (NUL, half a surrogate pair) is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
