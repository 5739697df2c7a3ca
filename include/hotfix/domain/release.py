"""Versions, and how they got into production."""

from __future__ import annotations

from hotfix.domain.document import Document, GitRef, Instant, Sha


class Release(Document):
    """A version that was live, as the deployer remembers it."""

    version: Sha
    deployed_at: Instant | None


class HotfixCommit(Document):
    """The approved commit, sealed on the remote with the approval that it got."""

    commit: Sha
    seal: GitRef
    message: str


class Push(Document):
    branch: str
    commit: Sha
    remote: str


class Deployment(Document):
    version: Sha
    previous: Sha
    deployer: str
    started_at: Instant
    finished_at: Instant
    attempts: tuple[str, ...]


class LiveCheck(Document):
    """``monitor_deployment``: production itself says which version it runs."""

    version: Sha
    confirmations: int
    first_seen_at: Instant
    seconds: float
