"""Is it an emergency? Five criteria, each with its evidence."""

from __future__ import annotations

from datetime import timedelta

from hotfix.domain.assessment import Assessment, CriterionFinding, Decision, ProbeResult
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Criterion, Incident
from hotfix.domain.service import ServiceProfile
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring
from hotfix.stability.traffic import total

PROBES_PER_PATH = 3
LOOK_BACK_SECONDS = 120
# A service that fails this share of its requests is losing business whatever its profile tolerates.
CRITICAL_ERROR_RATE = 0.05
MIN_REQUESTS = 20


def assess_impact(incident: Incident, profile: ServiceProfile, monitoring: Monitoring, clock: Clock) -> Assessment:
    """What the reporter states, what probes of the running service show, and what its own traffic shows."""
    paths = dict.fromkeys(
        [*profile.monitoring.probes, *([incident.failing_request] if incident.failing_request else [])]
    )
    probes = tuple(monitoring.probe(path) for path in paths for _ in range(PROBES_PER_PATH))
    now = clock.now()
    unread = ""
    try:
        recent = total(monitoring.samples(now - timedelta(seconds=LOOK_BACK_SECONDS), now))
    except HotfixError as error:
        # What broke production may have broken its monitoring as well: people and probes still tell.
        recent, unread = total(()), f"monitoring cannot be read: {error}"
    rate = recent.error_rate if recent.requests >= MIN_REQUESTS else None
    findings = tuple(
        _judge(criterion, incident, profile, probes, rate, recent.requests, unread) for criterion in Criterion
    )
    met = [finding for finding in findings if finding.met]
    return Assessment(
        decision=Decision.EMERGENCY if met else Decision.STANDARD,
        findings=findings,
        probes=probes,
        observed_error_rate=rate,
        why="; ".join(f"{finding.criterion.value}: {finding.reasons[0]}" for finding in met)
        or "none of the five emergency criteria is met: this goes through the standard bug fix",
    )


def _judge(
    criterion: Criterion,
    incident: Incident,
    profile: ServiceProfile,
    probes: tuple[ProbeResult, ...],
    rate: float | None,
    requests: int,
    unread: str,
) -> CriterionFinding:
    reasons = []
    if criterion in incident.criteria:
        reasons.append(f"stated by {incident.reported_by}")
    observed: list[str] = []
    against: list[str] = []
    if criterion is Criterion.PRODUCTION_DOWN:
        health = [probe for probe in probes if probe.path in profile.monitoring.probes]
        failed = sum(probe.failed for probe in health)
        down = failed == len(health)
        (observed if down else against).append(f"{failed} of {len(health)} health probes failed")
    if criterion is Criterion.CRITICAL_BUSINESS_IMPACT and rate is not None:
        seen = f"{rate:.1%} of {requests} requests of the last {LOOK_BACK_SECONDS} s failed"
        (observed if rate >= CRITICAL_ERROR_RATE else against).append(seen)
    if criterion is Criterion.CRITICAL_BUSINESS_IMPACT and unread:
        against.append(unread)
    return CriterionFinding(
        criterion=criterion, met=bool(reasons or observed), reasons=(*reasons, *observed, *against) or ("not stated",)
    )
