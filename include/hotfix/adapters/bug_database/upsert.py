"""Writes that may be repeated, also by several processes at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, Insert, and_, insert, select, true, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hotfix.adapters.bug_database.tables import Table

# Databases with INSERT … ON CONFLICT; any other one locks the row, then writes.
ON_CONFLICT: dict[str, Callable[[SqlTable], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def add_if_absent(session: Session, record: type[Table], values: Mapping[str, object]) -> bool:
    """Insert a row unless one with the same primary or unique key is there; whether it was inserted."""
    table = record.table()
    if special := ON_CONFLICT.get(session.get_bind().dialect.name):
        done = session.execute(special(table).values(values).on_conflict_do_nothing().returning(*table.primary_key))
        return done.first() is not None
    try:
        _insert(session, insert(table).values(values))
    except IntegrityError:
        return False
    return True


def put(
    session: Session,
    record: type[Table],
    values: Mapping[str, object],
    key: tuple[str, ...],
    *,
    only: ColumnElement[bool] | None = None,
) -> None:
    """Insert a row, or replace the one with the same ``key``; ``only`` is what a row must be to be replaced.

    Raises:
        IntegrityError: the row refers to nothing.
    """
    table = record.table()
    replaceable = true() if only is None else only
    rest = [name for name in values if name not in key]
    if special := ON_CONFLICT.get(session.get_bind().dialect.name):
        statement = special(table).values(values)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=key, set_={name: statement.excluded[name] for name in rest}, where=replaceable
            )
        )
        return
    same = and_(*(table.c[name] == values[name] for name in key))
    locked = select(table.c[key[0]]).where(same).with_for_update()
    if session.execute(locked).first() is None:
        try:
            _insert(session, insert(table).values(values))
            return
        except IntegrityError:
            # Either another process was first, and its row is there now, or the row was refused for good.
            if session.execute(locked).first() is None:
                raise
    session.execute(update(table).where(same, replaceable).values({name: values[name] for name in rest}))


def _insert(session: Session, statement: Insert) -> None:
    with session.begin_nested():
        session.execute(statement)
