"""The tables. Everything hangs on one attempt at one incident; ``alembic/versions`` holds the way here."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import Float, ForeignKeyConstraint, Index, MetaData, UniqueConstraint
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hotfix.adapters.bug_database.types import Key, Prose, UtcTime


class Table(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_attempt",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )

    @classmethod
    def table(cls) -> SqlTable:
        """The table behind the class, for statements that the mapper has no words for."""
        return cast(SqlTable, cls.__table__)


def _of_an_attempt() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["incident_id", "attempt"], ["incidents.id", "incidents.attempt"])


class IncidentRecord(Table):
    """One attempt at an incident. ``report`` is the whole ``Incident`` as JSON, ``facts`` a JSON object of strings.

    ``taken_over_by`` is the run that finishes it, where the one that began it has died.
    """

    __tablename__ = "incidents"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(Key, unique=True)
    service: Mapped[str] = mapped_column(Key)
    title: Mapped[str] = mapped_column(Prose)
    status: Mapped[str] = mapped_column(Key)
    opened_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    facts: Mapped[str] = mapped_column(Prose)
    report: Mapped[str] = mapped_column(Prose)
    taken_over_by: Mapped[str | None] = mapped_column(Key)


class DocumentRecord(Table):
    """What a step found, as JSON; ``kind`` is the document's class name."""

    __tablename__ = "documents"
    __table_args__ = (_of_an_attempt(),)

    incident_id: Mapped[str] = mapped_column(Key, primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Key, primary_key=True)
    content: Mapped[str] = mapped_column(Prose)


class EventRecord(Table):
    """One line of the timeline; ``number`` keeps the order of what happened at the same moment."""

    __tablename__ = "events"
    __table_args__ = (_of_an_attempt(), UniqueConstraint("incident_id", "attempt", "key"))

    number: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(Key)
    attempt: Mapped[int]
    key: Mapped[str] = mapped_column(Key)
    at: Mapped[datetime] = mapped_column(UtcTime)
    step: Mapped[str] = mapped_column(Prose)
    what: Mapped[str] = mapped_column(Prose)


class EffectRecord(Table):
    """Something done to the world outside; ``number`` keeps the order of first beginnings."""

    __tablename__ = "effects"
    __table_args__ = (_of_an_attempt(), UniqueConstraint("incident_id", "attempt", "kind", "key"))

    number: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[str] = mapped_column(Key)
    attempt: Mapped[int]
    kind: Mapped[str] = mapped_column(Key)
    key: Mapped[str] = mapped_column(Key)
    target: Mapped[str] = mapped_column(Prose)
    state: Mapped[str] = mapped_column(Key)
    run_id: Mapped[str] = mapped_column(Key)
    begun_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    tries: Mapped[int]
    what: Mapped[str] = mapped_column(Prose)


class PullRequestRecord(Table):
    """One pull request a branch; ``attempt`` is the last one that wrote it."""

    __tablename__ = "pull_requests"
    __table_args__ = (_of_an_attempt(),)

    incident_id: Mapped[str] = mapped_column(Key, primary_key=True)
    branch: Mapped[str] = mapped_column(Key, primary_key=True)
    attempt: Mapped[int]
    content: Mapped[str] = mapped_column(Prose)
    body: Mapped[str] = mapped_column(Prose)


class IssueRecord(Table):
    """One issue an incident; ``labels`` is a JSON list."""

    __tablename__ = "issues"
    __table_args__ = (_of_an_attempt(),)

    incident_id: Mapped[str] = mapped_column(Key, primary_key=True)
    attempt: Mapped[int]
    title: Mapped[str] = mapped_column(Prose)
    body: Mapped[str] = mapped_column(Prose)
    labels: Mapped[str] = mapped_column(Prose)


class FollowUpRecord(Table):
    """What is owed; ``attempt`` is the one that owed it last."""

    __tablename__ = "follow_ups"
    __table_args__ = (_of_an_attempt(), Index(None, "done_at", "due_at"))

    incident_id: Mapped[str] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(Key, primary_key=True)
    attempt: Mapped[int]
    title: Mapped[str] = mapped_column(Prose)
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcTime)
    evidence: Mapped[str] = mapped_column(Prose)


class BrokenTestRecord(Table):
    """A test that a change of ``path`` broke in one attempt."""

    __tablename__ = "broken_tests"
    __table_args__ = (_of_an_attempt(), Index(None, "path"))

    incident_id: Mapped[str] = mapped_column(Key, primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Key, primary_key=True)
    test: Mapped[str] = mapped_column(Key, primary_key=True)


class TestTimeRecord(Table):
    """How a test of a service went last: ``seconds`` on the wall, and whether it ``failed``."""

    __tablename__ = "test_times"

    service: Mapped[str] = mapped_column(Key, primary_key=True)
    test: Mapped[str] = mapped_column(Key, primary_key=True)
    seconds: Mapped[float] = mapped_column(Float)
    failed: Mapped[bool]


class TestBaselineRecord(Table):
    """A run of a selection on a version, as JSON."""

    __tablename__ = "test_baselines"

    service: Mapped[str] = mapped_column(Key, primary_key=True)
    version: Mapped[str] = mapped_column(Key, primary_key=True)
    selection: Mapped[str] = mapped_column(Key, primary_key=True)
    content: Mapped[str] = mapped_column(Prose)


class AnswerRecord(Table):
    """An answer to an approval request, as JSON; ``key`` is its channel and its id there."""

    __tablename__ = "answers"
    __table_args__ = (_of_an_attempt(),)

    incident_id: Mapped[str] = mapped_column(Key, primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    content: Mapped[str] = mapped_column(Prose)


class MessageRecord(Table):
    """A message to people, as JSON. ``scope`` is an incident or a name: a message of attempt 1 is updated by 2."""

    __tablename__ = "messages"

    scope: Mapped[str] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(Key, primary_key=True)
    content: Mapped[str] = mapped_column(Prose)
