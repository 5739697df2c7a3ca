"""What the ledger keeps of talking to people: answers that came in, messages that went out."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hotfix.domain.approval import Answer
from hotfix.domain.incident import Incident
from hotfix.domain.message import Told


class Correspondence(Protocol):
    """A part of the ``BugDatabase``. ``scope`` is an incident's id, or the name of what is told about all of them."""

    def keep_answer(self, incident: Incident, answer: Answer) -> None:
        """Keep an answer; the first of a key stays as it is."""

    def answers(self, incident: Incident) -> tuple[Answer, ...]:
        """Answers to the approval request of one attempt, oldest first."""

    def begin_message(self, scope: str, key: str, at: datetime) -> bool:
        """Note that a message is about to be sent; false when somebody began it before."""

    def save_told(self, scope: str, told: Told) -> None:
        """Keep where a message stands; replaces what was known of it."""

    def told(self, scope: str, key: str) -> Told | None: ...
