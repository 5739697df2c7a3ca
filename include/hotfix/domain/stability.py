"""Is production healthy? Three answers, and no data is never a yes."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from hotfix.domain.document import Document, Instant


class StabilityVerdict(str, Enum):
    STABLE = "stable"
    UNSTABLE = "unstable"
    INCONCLUSIVE = "inconclusive"


class Sample(Document):
    """Requests that ended within one second (or the monitoring's own step) from ``at`` on."""

    at: Instant
    requests: int = Field(ge=0)
    errors: int = Field(ge=0)
    latencies_ms: tuple[float, ...] = ()


class Traffic(Document):
    """The sum of samples. ``error_rate`` is None without requests: no data is not zero errors."""

    requests: int
    errors: int
    p95_ms: float | None

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.requests if self.requests else None


class StabilityReport(Document):
    verdict: StabilityVerdict
    why: str
    baseline: Traffic
    incident: Traffic
    observed: Traffic
    symptom_gone: bool | None
    samples_used: int
    started_at: Instant
    finished_at: Instant
    timeline: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        return f"{self.verdict.value}: {self.why}"
