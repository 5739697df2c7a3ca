"""May it ship? Who said so, when, about which commit."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Document, Instant, Sha


class ApprovalDecision(str, Enum):
    APPROVED = "approved"
    REJECTED = "rejected"
    ESCALATED = "escalated"


class SilenceCheck(Document):
    """One condition under which silence may be taken for a yes."""

    name: str
    holds: bool
    detail: str


class ApprovalRequest(Document):
    commit: Sha
    subject: str
    body: str
    requested_at: Instant
    deadline: Instant
    silence: tuple[SilenceCheck, ...]
    approvers: tuple[str, ...]
    requester: str

    @property
    def silence_can_be_trusted(self) -> bool:
        return bool(self.silence) and all(check.holds for check in self.silence)


class Approval(Document):
    """``granted_by`` is a user name, ``silence`` or ``policy``; empty when nobody granted it."""

    decision: ApprovalDecision
    granted_by: str
    channel: str
    at: Instant
    requested_at: Instant
    commit: Sha
    why: str
    ignored_answers: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        return f"{self.decision.value}: {self.why}"

    @property
    def needs_approval_after_the_fact(self) -> bool:
        return self.decision is ApprovalDecision.APPROVED and self.granted_by == "silence"
