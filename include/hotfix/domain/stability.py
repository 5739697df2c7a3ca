"""Is production healthy? Three answers, and no data is never a yes."""

from __future__ import annotations

from enum import Enum

from pydantic import Field, model_validator

from hotfix.domain.document import Artefact, Document, Instant


class StabilityVerdict(str, Enum):
    STABLE = "stable"
    UNSTABLE = "unstable"
    INCONCLUSIVE = "inconclusive"


class Sample(Document):
    """Requests that ended within one second (or the monitoring's own step) from ``at`` on.

    None: not measured, which is not 0. A sample with a None is incomplete, one without requests is empty.
    """

    at: Instant
    requests: int | None = Field(ge=0)
    errors: int | None = Field(ge=0)
    latencies_ms: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _errors_are_requests(self) -> Sample:
        if self.requests is not None and self.errors is not None and self.errors > self.requests:
            raise ValueError(f"{self.errors} errors in {self.requests} requests")
        return self


class Measurement(Document):
    """One value of a named metric at a moment; None: it was asked for and not measured."""

    at: Instant
    metric: str
    value: float | None


class Seen(Document):
    """What monitoring told about a stretch of time."""

    samples: tuple[Sample, ...] = ()
    measurements: tuple[Measurement, ...] = ()


class Traffic(Document):
    """The sum of samples. ``error_rate`` is None without requests: no data is not zero errors.

    ``samples``: how many were summed up; ``empty`` and ``incomplete``: those among them without requests, and those
    that were not fully measured.
    """

    requests: int
    errors: int
    p95_ms: float | None
    samples: int = 0
    empty: int = 0
    incomplete: int = 0

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.requests if self.requests else None


class MetricFigures(Document):
    """One metric as the judge saw it.

    ``samples``: requests that it was measured on. ``observed`` and ``healthy``: the figure, and what it is compared
    with. ``against_health`` and ``against_sickness``: the evidence, as the share of what a verdict takes (1 and above:
    it suffices).
    """

    name: str
    verdict: StabilityVerdict
    why: str
    samples: int
    observed: float | None
    healthy: float
    against_health: float
    against_sickness: float


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
    metrics: tuple[MetricFigures, ...] = ()
    timeline: tuple[str, ...] = ()
    plot: Artefact | None = None

    @property
    def headline(self) -> str:
        return f"{self.verdict.value}: {self.why}"


class NextLook(Document):
    """No answer yet: production is to be looked at again ``at`` this moment, and not before."""

    at: Instant
    why: str

    @property
    def headline(self) -> str:
        return f"next look at {self.at:%H:%M:%S}: {self.why}"


class WatchRecord(Document):
    """How far a watch has come; in the ledger, so that whoever looks next goes on with it.

    ``symptom``: whether the last probes of the failing request succeeded, oldest first. ``said_until``: samples from
    then on are not in the log yet. ``seen``: what was sampled, by reference.
    """

    started_at: Instant
    looked_at: Instant
    looks: int
    symptom: tuple[bool, ...]
    said_until: Instant
    timeline: tuple[str, ...]
    seen: Artefact | None


class ValidationWatch(WatchRecord):
    """The watch after the deployment."""


class RecoveryWatch(WatchRecord):
    """The watch of a hotfix whose run died."""


class RollbackWatch(WatchRecord):
    """The watch after the rollback."""


class LiveWatch(Document):
    """Since when a deployed version is waited for."""

    version: str
    started_at: Instant
