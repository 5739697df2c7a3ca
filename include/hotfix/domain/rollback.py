"""How production, git and the record were put back."""

from __future__ import annotations

from hotfix.domain.document import Document, Instant, Sha
from hotfix.domain.stability import StabilityVerdict


class DeploymentRollback(Document):
    """``needed`` is false when nothing had been deployed."""

    needed: bool
    restored: Sha | None
    live: Sha | None
    what: str

    @property
    def headline(self) -> str:
        return self.what


class FixRollback(Document):
    needed: bool
    removed_branch: str | None
    kept_as: str | None
    what: str

    @property
    def headline(self) -> str:
        return self.what


class RollbackReport(Document):
    """``verified``: version, git and backup are back. ``health``: against production before the deployment; None where
    it was not watched, since nothing had been deployed."""

    verified: bool
    production: Sha | None
    expected: Sha | None
    checks: tuple[str, ...]
    at: Instant
    health: StabilityVerdict | None = None

    @property
    def headline(self) -> str:
        return f"{'verified' if self.verified else 'NOT VERIFIED'}: {'; '.join(self.checks)}"


class Escalation(Document):
    reason: str
    attempted: tuple[str, ...]
    rollback_candidates: tuple[str, ...]
    next_options: tuple[str, ...]
    commander: str
    run_id: str

    @property
    def headline(self) -> str:
        return f"to {self.commander}: {self.reason}"
