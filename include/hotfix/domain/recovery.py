"""Runs that died half-way, and what became of them."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Document
from hotfix.domain.outcome import RunOutcome


class Liveness(str, Enum):
    """Whether tasks of a run may still start. ``GONE``: the scheduler knows no such run (any more)."""

    ALIVE = "alive"
    ENDED = "ended"
    GONE = "gone"


class DeadRun(Document):
    """A run without a last word that no process is at any more; ``why`` says how one can tell."""

    incident: str
    attempt: int
    run_id: str
    why: str

    @property
    def headline(self) -> str:
        return f"attempt {self.attempt} at {self.incident} (run {self.run_id}): {self.why}"


class Recovery(Document):
    """How a dead run was ended. ``outcome`` goes into the ledger when people know of it, if they have to."""

    dead: DeadRun
    outcome: RunOutcome
    steps: tuple[str, ...]

    @property
    def headline(self) -> str:
        return self.outcome.summary
