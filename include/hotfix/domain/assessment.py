"""Is this an emergency? The answer with its evidence."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Document, Instant
from hotfix.domain.incident import Criterion


class Decision(str, Enum):
    EMERGENCY = "emergency"
    STANDARD = "standard"


class ProbeResult(Document):
    """One request to the running service."""

    path: str
    at: Instant
    status: int | None
    milliseconds: float
    error: str = ""

    @property
    def failed(self) -> bool:
        return self.status is None or self.status >= 500


class CriterionFinding(Document):
    criterion: Criterion
    met: bool
    reasons: tuple[str, ...]


class Assessment(Document):
    decision: Decision
    findings: tuple[CriterionFinding, ...]
    probes: tuple[ProbeResult, ...]
    observed_error_rate: float | None
    why: str

    @property
    def headline(self) -> str:
        return f"{self.decision.value}: {self.why}"
