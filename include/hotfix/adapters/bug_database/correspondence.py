"""Answers and messages: the part of the ledger that is about talking to people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotfix.adapters.bug_database import rows
from hotfix.adapters.bug_database.tables import AnswerRecord, MessageRecord
from hotfix.adapters.bug_database.upsert import add_if_absent, put
from hotfix.domain.approval import Answer
from hotfix.domain.incident import Incident
from hotfix.domain.message import Told


class SqlCorrespondence(ABC):
    """Implements ``ports.correspondence.Correspondence`` with the transactions of its subclass."""

    def keep_answer(self, incident: Incident, answer: Answer) -> None:
        values = {
            "incident_id": incident.id,
            "attempt": incident.attempt,
            "key": answer.key,
            "at": answer.at,
            "content": answer.model_dump_json(),
        }
        with self._writing(incident) as session:
            add_if_absent(session, AnswerRecord, values)

    def answers(self, incident: Incident) -> tuple[Answer, ...]:
        of_attempt = select(AnswerRecord).filter_by(incident_id=incident.id, attempt=incident.attempt)
        with self._reading() as session:
            found = session.scalars(of_attempt.order_by(AnswerRecord.at, AnswerRecord.key))
            return tuple(rows.read(Answer, record.content, f"an answer about {incident.id}") for record in found)

    def begin_message(self, scope: str, key: str, at: datetime) -> bool:
        begun = Told(key=key, begun_at=at)
        with self._writing() as session:
            values = {"scope": scope, "key": key, "content": begun.model_dump_json()}
            return add_if_absent(session, MessageRecord, values)

    def save_told(self, scope: str, told: Told) -> None:
        values = {"scope": scope, "key": told.key, "content": told.model_dump_json()}
        with self._writing() as session:
            put(session, MessageRecord, values, ("scope", "key"))

    def told(self, scope: str, key: str) -> Told | None:
        with self._reading() as session:
            record = session.get(MessageRecord, (scope, key))
            return rows.read(Told, record.content, f"the message {key} of {scope}") if record else None

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _writing(self, incident: Incident | None = None) -> AbstractContextManager[Session]: ...
