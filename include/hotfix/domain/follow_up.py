"""What is owed after the emergency."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Artefact, Document, Instant, Sha


class PostMortem(Document):
    document: Artefact
    summary: str
    action_items: int


class BugRecord(Document):
    incident: str
    status: str
    rows: int


class PullRequest(Document):
    """``url`` is where a person finds it; without a code host it is the record in the bug database.

    ``remarks`` say what could not be done about it, such as a reviewer who could not be asked.
    """

    branch: str
    title: str
    url: str
    draft: bool
    head: Sha
    remarks: tuple[str, ...] = ()


class FollowUpKind(str, Enum):
    APPROVE_AFTER_THE_FACT = "approve_after_the_fact"
    FULL_FIX = "full_fix"
    CODE_REVIEW = "code_review"
    FULL_TEST_SUITE = "full_test_suite"
    SECURITY_FINDINGS = "security_findings"
    REPRODUCER_TEST = "reproducer_test"


class FollowUpItem(Document):
    kind: FollowUpKind
    title: str
    due_at: Instant
    done_at: Instant | None = None
    evidence: str = ""


class FollowUp(Document):
    """``back_merge`` brings the hotfix itself to the default branch, where that has moved on; ``conflicts`` are the
    paths on which it conflicts. ``remarks`` say what could not be done.
    """

    pull_request: PullRequest
    items: tuple[FollowUpItem, ...]
    back_merge: PullRequest | None = None
    conflicts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        return "; ".join([f"opened {' and '.join(pull.url for pull in self.pull_requests)}", *self.remarks])

    @property
    def pull_requests(self) -> tuple[PullRequest, ...]:
        return (self.pull_request, *((self.back_merge,) if self.back_merge else ()))
