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


class Answer(Document):
    """What somebody answered, where and when.

    ``user`` is the person's name in Airflow, empty for an account that the profile knows nobody for; ``account`` is who
    they are on the channel. ``reference`` is the answer's id there, one for one answer. ``commit`` is set where the
    channel says which commit was looked at, ``edited`` where others than the author may have changed what it says.
    """

    option: str
    user: str
    channel: str
    at: Instant
    account: str = ""
    reference: str = ""
    commit: Sha | None = None
    remark: str = ""
    edited: bool = False

    @property
    def key(self) -> str:
        return f"{self.channel}/{self.reference or f'{self.user}/{self.at.isoformat()}'}"

    @property
    def who(self) -> str:
        return self.user or f"{self.channel}'s {self.account}"


def who_decides(approvers: tuple[str, ...], needed: int) -> str:
    """Whose answer is asked for, in words. ``approvers`` are user names; empty: anybody who is known."""
    people = ", ".join(approvers) or "anybody known but the reporter"
    return f"Two different people of: {people}" if needed > 1 else f"One of: {people}"


class ApprovalRequest(Document):
    """``approvals_needed`` is how many different people have to say yes."""

    commit: Sha
    subject: str
    body: str
    requested_at: Instant
    deadline: Instant
    silence: tuple[SilenceCheck, ...]
    approvers: tuple[str, ...]
    requester: str
    approvals_needed: int = 1

    @property
    def silence_can_be_trusted(self) -> bool:
        return bool(self.silence) and all(check.holds for check in self.silence)


class Approval(Document):
    """``granted_by`` is a user name, ``silence`` or ``policy``; empty when nobody granted it.

    ``answers`` are those that decided. ``unheard`` says which channels could not be read when the decision was made.
    """

    decision: ApprovalDecision
    granted_by: str
    channel: str
    at: Instant
    requested_at: Instant
    commit: Sha
    why: str
    ignored_answers: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    unheard: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        return f"{self.decision.value}: {self.why}"

    @property
    def needs_approval_after_the_fact(self) -> bool:
        return self.decision is ApprovalDecision.APPROVED and self.granted_by == "silence"
