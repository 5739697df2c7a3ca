"""Answers and messages in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from hotfix.domain.approval import Answer
from hotfix.domain.incident import Incident
from hotfix.domain.message import Told


class InMemoryCorrespondence(ABC):
    """The part of the ``InMemoryBugDatabase`` that is about talking to people."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, int, str], str] = {}
        self._told: dict[tuple[str, str], str] = {}

    def keep_answer(self, incident: Incident, answer: Answer) -> None:
        self._require(incident)
        self._answers.setdefault((incident.id, incident.attempt, answer.key), answer.model_dump_json())

    def answers(self, incident: Incident) -> tuple[Answer, ...]:
        of_attempt = (incident.id, incident.attempt)
        found = [Answer.model_validate_json(text) for key, text in self._answers.items() if key[:2] == of_attempt]
        return tuple(sorted(found, key=lambda answer: (answer.at, answer.key)))

    def begin_message(self, scope: str, key: str, at: datetime) -> bool:
        if (scope, key) in self._told:
            return False
        self.save_told(scope, Told(key=key, begun_at=at))
        return True

    def save_told(self, scope: str, told: Told) -> None:
        self._told[scope, told.key] = told.model_dump_json()

    def told(self, scope: str, key: str) -> Told | None:
        content = self._told.get((scope, key))
        return Told.model_validate_json(content) if content else None

    @abstractmethod
    def _require(self, incident: Incident) -> None: ...
