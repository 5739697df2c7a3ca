"""The ``BugDatabase`` port in SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hotfix.adapters.bug_database import rows
from hotfix.adapters.bug_database.correspondence import SqlCorrespondence
from hotfix.adapters.bug_database.engine import for_writing, open_engine, parse_url
from hotfix.adapters.bug_database.errors import AttemptTaken, IncidentNotRecorded, NothingOwed
from hotfix.adapters.bug_database.failures import in_our_words
from hotfix.adapters.bug_database.tables import (
    BrokenTestRecord,
    DocumentRecord,
    EffectRecord,
    EventRecord,
    FollowUpRecord,
    IncidentRecord,
    IssueRecord,
    PullRequestRecord,
    TestBaselineRecord,
    TestTimeRecord,
)
from hotfix.adapters.bug_database.types import KEY_LIMIT
from hotfix.adapters.bug_database.upsert import add_if_absent, put
from hotfix.domain.document import Document, Sha
from hotfix.domain.effect import Effect, EffectState, Intent
from hotfix.domain.errors import TakenOver
from hotfix.domain.follow_up import FollowUpItem, FollowUpKind, PullRequest
from hotfix.domain.incident import Incident
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.testing import TestHistory, TestRun
from hotfix.ports.bug_database import Event, IncidentRow, IncidentStatus

D = TypeVar("D", bound=Document)


class SqlBugDatabase(SqlCorrespondence):
    """A ``BugDatabase`` behind a SQLAlchemy address; ``migrations.upgrade`` makes its tables.

    Every call is one transaction on a connection of its own. Every method raises ``BugDatabaseUnavailable``
    when the database does not answer and ``BugDatabaseUnusable`` when it has not the right tables; a write
    for an attempt that was never opened raises ``IncidentNotRecorded``; a time without a timezone, or a key
    of more than 250 characters, ``ValueError``.
    """

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._reader = open_engine(self._url)
        self._writer = for_writing(self._reader)

    def open_incident(self, incident: Incident) -> Incident:
        values = {
            "id": incident.id,
            "attempt": incident.attempt,
            "run_id": incident.run_id,
            "service": incident.service,
            "title": incident.title,
            "status": IncidentStatus.OPEN.value,
            "opened_at": incident.opened_at,
            "closed_at": None,
            "facts": "{}",
            "report": incident.model_dump_json(),
        }
        with self._writing(incident) as session:
            add_if_absent(session, IncidentRecord, values)
            record = session.scalar(select(IncidentRecord).where(IncidentRecord.run_id == incident.run_id))
            if record is None:
                raise AttemptTaken(incident)
            return rows.incident(record)

    def incident_of_run(self, run_id: str) -> Incident | None:
        with self._reading() as session:
            record = session.scalar(select(IncidentRecord).where(IncidentRecord.run_id == run_id))
            return rows.incident(record) if record else None

    def attempts(self, incident_id: str) -> tuple[IncidentRow, ...]:
        of_incident = select(IncidentRecord).where(IncidentRecord.id == incident_id)
        with self._reading() as session:
            return tuple(map(rows.incident_row, session.scalars(of_incident.order_by(IncidentRecord.attempt))))

    def incidents(self, since: datetime | None = None) -> tuple[IncidentRow, ...]:
        query = select(IncidentRecord).order_by(
            IncidentRecord.opened_at.desc(), IncidentRecord.id, IncidentRecord.attempt.desc()
        )
        if since is not None:
            query = query.where(IncidentRecord.opened_at >= since)
        with self._reading() as session:
            return tuple(map(rows.incident_row, session.scalars(query)))

    def close_incident(
        self, incident: Incident, status: IncidentStatus, at: datetime, facts: Mapping[str, str]
    ) -> None:
        with self._writing(incident) as session:
            record = self._attempt_record(session, incident)
            record.status = status.value
            record.closed_at = record.closed_at or at
            record.facts = json.dumps({**json.loads(record.facts), **facts}, ensure_ascii=False)

    def record(self, incident: Incident, document: Document) -> None:
        values = {
            **_attempt(incident),
            "kind": type(document).__name__,
            "content": document.model_dump_json(),
        }
        with self._writing(incident) as session:
            put(session, DocumentRecord, values, ("incident_id", "attempt", "kind"))

    def find(self, incident: Incident, kind: type[D]) -> D | None:
        """As the port says.

        Raises:
            UnreadableRecord: the document is there and cannot be read; that must not pass for "never finished".
        """
        with self._reading() as session:
            record = session.get(DocumentRecord, (incident.id, incident.attempt, kind.__name__))
            if record is None:
                return None
            return rows.read(kind, record.content, f"a {kind.__name__} of incident {incident.id}")

    def note(self, incident: Incident, event: Event) -> None:
        values = {
            **_attempt(incident),
            "key": event.key,
            "at": event.at,
            "step": event.step,
            "what": event.what,
        }
        with self._writing(incident) as session:
            put(session, EventRecord, values, ("incident_id", "attempt", "key"))

    def timeline(self, incident: Incident) -> tuple[Event, ...]:
        of_attempt = select(EventRecord).where(
            EventRecord.incident_id == incident.id, EventRecord.attempt == incident.attempt
        )
        with self._reading() as session:
            return tuple(map(rows.event, session.scalars(of_attempt.order_by(EventRecord.at, EventRecord.number))))

    def save_pull_request(self, incident: Incident, pull: PullRequest, body: str) -> None:
        values = {
            **_attempt(incident),
            "branch": pull.branch,
            "content": pull.model_dump_json(),
            "body": body,
        }
        with self._writing(incident) as session:
            put(session, PullRequestRecord, values, ("incident_id", "branch"))

    def pull_request(self, incident_id: str, branch: str) -> tuple[PullRequest, str] | None:
        with self._reading() as session:
            record = session.get(PullRequestRecord, (incident_id, branch))
            if record is None:
                return None
            pull = rows.read(PullRequest, record.content, f"the pull request of {branch}")
            return pull, record.body

    def owe(self, incident: Incident, items: tuple[FollowUpItem, ...]) -> None:
        with self._writing(incident) as session:
            # In one order in every process, so that two of them never wait for each other.
            for item in sorted(items, key=lambda item: item.kind.value):
                values = {
                    **_attempt(incident),
                    "kind": item.kind.value,
                    "title": item.title,
                    "due_at": item.due_at,
                    "done_at": item.done_at,
                    "evidence": item.evidence,
                }
                put(
                    session,
                    FollowUpRecord,
                    values,
                    ("incident_id", "kind"),
                    only=FollowUpRecord.done_at.is_(None),
                )

    def owed(self, incident_id: str | None = None, only_open: bool = True) -> tuple[tuple[str, FollowUpItem], ...]:
        query = select(FollowUpRecord).order_by(
            FollowUpRecord.done_at.is_not(None),
            FollowUpRecord.due_at,
            FollowUpRecord.incident_id,
            FollowUpRecord.kind,
        )
        if incident_id is not None:
            query = query.where(FollowUpRecord.incident_id == incident_id)
        if only_open:
            query = query.where(FollowUpRecord.done_at.is_(None))
        with self._reading() as session:
            return tuple((record.incident_id, rows.follow_up_item(record)) for record in session.scalars(query))

    def settle(self, incident_id: str, kind: FollowUpKind, at: datetime, evidence: str) -> None:
        """As the port says; the first settlement stays.

        Raises:
            NothingOwed: the incident owes no such item.
        """
        with self._writing() as session:
            record = session.get(FollowUpRecord, (incident_id, kind.value), with_for_update=True)
            if record is None:
                raise NothingOwed(incident_id, kind)
            if record.done_at is None:
                record.done_at = at
                record.evidence = evidence

    def save_issue(self, incident: Incident, title: str, body: str, labels: tuple[str, ...]) -> str:
        values = {
            **_attempt(incident),
            "title": title,
            "body": body,
            "labels": json.dumps(labels, ensure_ascii=False),
        }
        with self._writing(incident) as session:
            put(session, IssueRecord, values, ("incident_id",))
        return f"bug-database:issues/{incident.id}"

    def remember_tests(
        self,
        incident: Incident,
        changed: tuple[str, ...],
        broken: tuple[str, ...],
        seconds: Mapping[str, float],
        failed: frozenset[str],
    ) -> None:
        with self._writing(incident) as session:
            # In one order in every process, so that two of them never wait for each other.
            for path in filter(_fits, sorted(changed)):
                for test in filter(_fits, sorted(broken)):
                    values = {**_attempt(incident), "path": path, "test": test}
                    add_if_absent(session, BrokenTestRecord, values)
            for test in filter(_fits, sorted(seconds)):
                values = {"service": incident.service, "test": test, "seconds": seconds[test], "failed": test in failed}
                put(session, TestTimeRecord, values, ("service", "test"))

    def test_history(self, service: str, changed: tuple[str, ...]) -> TestHistory:
        broken = (
            select(BrokenTestRecord.test)
            .join(
                IncidentRecord,
                (IncidentRecord.id == BrokenTestRecord.incident_id)
                & (IncidentRecord.attempt == BrokenTestRecord.attempt),
            )
            .where(IncidentRecord.service == service, BrokenTestRecord.path.in_(list(filter(_fits, changed))))
            .distinct()
        )
        with self._reading() as session:
            times = list(session.scalars(select(TestTimeRecord).where(TestTimeRecord.service == service)))
            return TestHistory(
                seconds={each.test: each.seconds for each in times},
                failed=frozenset(each.test for each in times if each.failed),
                broken_by_similar=tuple(sorted(session.scalars(broken))),
            )

    def keep_test_baseline(self, service: str, version: Sha, selection: str, run: TestRun) -> None:
        kept = run.model_copy(update={"output": "", "junit": ""})
        values = {
            "service": service,
            "version": version,
            "selection": selection,
            "content": kept.model_dump_json(),
        }
        with self._writing() as session:
            put(session, TestBaselineRecord, values, ("service", "version", "selection"))

    def test_baseline(self, service: str, version: Sha, selection: str) -> TestRun | None:
        with self._reading() as session:
            record = session.get(TestBaselineRecord, (service, version, selection))
            return rows.read(TestRun, record.content, f"a test run of {service}") if record else None

    def begin_effect(self, incident: Incident, intent: Intent, run_id: str, at: datetime) -> None:
        with self._writing(incident) as session:
            attempt = self._attempt_record(session, incident)
            if attempt.taken_over_by and run_id == attempt.run_id:
                raise TakenOver(incident.id, incident.attempt, attempt.taken_over_by)
            values = {
                **_attempt(incident),
                **_effect(intent),
                "target": intent.target,
                "state": EffectState.UNDER_WAY.value,
                "run_id": run_id,
                "begun_at": at,
                "ended_at": None,
                "tries": self._tries(session, incident, intent) + 1,
                "what": "",
            }
            put(session, EffectRecord, values, ("incident_id", "attempt", "kind", "key"))

    def end_effect(self, incident: Incident, intent: Intent, state: EffectState, at: datetime, what: str = "") -> None:
        with self._writing(incident) as session:
            record = session.scalar(_effect_of(incident, intent))
            if record is not None:
                record.state, record.ended_at, record.what = state.value, at, what

    def effects(self, incident: Incident) -> tuple[Effect, ...]:
        of_attempt = select(EffectRecord).filter_by(**_attempt(incident)).order_by(EffectRecord.number)
        with self._reading() as session:
            return tuple(map(rows.effect, session.scalars(of_attempt)))

    def take_over(self, incident: Incident, run_id: str) -> None:
        with self._writing(incident) as session:
            self._attempt_record(session, incident).taken_over_by = run_id

    def unfinished(self) -> tuple[Incident, ...]:
        finished = (
            select(DocumentRecord.incident_id)
            .where(DocumentRecord.incident_id == IncidentRecord.id, DocumentRecord.attempt == IncidentRecord.attempt)
            .where(DocumentRecord.kind == RunOutcome.__name__)
        )
        query = select(IncidentRecord).where(~finished.exists())
        in_order = query.order_by(IncidentRecord.opened_at, IncidentRecord.id, IncidentRecord.attempt)
        with self._reading() as session:
            return tuple(map(rows.incident, session.scalars(in_order)))

    @staticmethod
    def _attempt_record(session: Session, incident: Incident) -> IncidentRecord:
        """The attempt's row, locked until the transaction ends."""
        record = session.get(IncidentRecord, (incident.id, incident.attempt), with_for_update=True)
        if record is None:
            raise IncidentNotRecorded(incident)
        return record

    @staticmethod
    def _tries(session: Session, incident: Incident, intent: Intent) -> int:
        record = session.scalar(_effect_of(incident, intent))
        return record.tries if record else 0

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with in_our_words(self._url), Session(self._reader) as session:
            yield session

    @contextmanager
    def _writing(self, incident: Incident | None = None) -> Iterator[Session]:
        try:
            with in_our_words(self._url), Session(self._writer) as session, session.begin():
                yield session
        except IntegrityError:
            # The only constraint that an upsert can break is the one on the attempt that it belongs to.
            if incident is None:
                raise
            raise IncidentNotRecorded(incident) from None


def _fits(key: str) -> bool:
    return 0 < len(key) <= KEY_LIMIT and "\0" not in key


def _attempt(incident: Incident) -> dict[str, object]:
    return {"incident_id": incident.id, "attempt": incident.attempt}


def _effect(intent: Intent) -> dict[str, str]:
    return {"kind": intent.kind.value, "key": intent.key}


def _effect_of(incident: Incident, intent: Intent) -> Select[EffectRecord]:
    return select(EffectRecord).filter_by(**_attempt(incident), **_effect(intent))
