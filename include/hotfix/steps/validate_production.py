"""Is the problem gone and production healthy? Watched over a window of real requests."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment, LiveCheck
from hotfix.domain.service import Monitoring, ServiceProfile
from hotfix.domain.stability import StabilityReport, StabilityVerdict, Traffic
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring as MonitoringPort
from hotfix.stability.judge import Judgement, Tolerance, judge, requests_needed
from hotfix.stability.traffic import total

# So many probes of the symptom in a row decide about it, in either direction.
SYMPTOM_PROBES = 5
# Probes must stay a small part of what a service has to bear.
MOST_ROUNDS = 10
LINES_KEPT = 60


def validate_production(
    incident: Incident,
    profile: ServiceProfile,
    deployment: Deployment,
    live: LiveCheck,
    *,
    monitoring: MonitoringPort,
    clock: Clock,
    progress: Callable[[str], None],
) -> StabilityReport:
    """STABLE after at least the profile's window, UNSTABLE as soon as the evidence suffices, else INCONCLUSIVE."""
    settings = profile.monitoring
    tolerance = Tolerance(settings.tolerated_error_rate, settings.latency_limit_ms, settings.min_requests)
    baseline = _between(monitoring, incident.started_at - timedelta(seconds=settings.baseline), incident.started_at)
    during = _between(
        monitoring, max(incident.started_at, deployment.started_at - timedelta(seconds=600)), deployment.started_at
    )
    progress(f"before: {_figures(baseline)}; during: {_figures(during)}")
    rounds = _probe_rounds(settings, tolerance)
    started = clock.now()
    symptom: list[bool] = []
    timeline: list[str] = []

    def report(judgement: Judgement, observed: Traffic) -> StabilityReport:
        return StabilityReport(
            verdict=judgement.verdict,
            why=judgement.why,
            baseline=baseline,
            incident=during,
            observed=observed,
            symptom_gone=all(symptom[-SYMPTOM_PROBES:]) if len(symptom) >= SYMPTOM_PROBES else None,
            samples_used=observed.requests,
            started_at=started,
            finished_at=clock.now(),
            timeline=tuple(timeline[-LINES_KEPT:]),
        )

    while True:
        for path in settings.probes * rounds:
            monitoring.probe(path)
        if incident.failing_request:
            symptom.append(not monitoring.probe(incident.failing_request).failed)
        observed = _between(monitoring, live.first_seen_at, clock.now())
        judgement = _with_symptom(judge(baseline, observed, tolerance), symptom, bool(incident.failing_request))
        elapsed = (clock.now() - started).total_seconds()
        line = f"{elapsed:5.0f} s  {_figures(observed)}  {judgement.verdict.value}: {judgement.why}"
        timeline.append(line)
        progress(line)
        if judgement.verdict is StabilityVerdict.UNSTABLE:
            return report(judgement, observed)
        if judgement.verdict is StabilityVerdict.STABLE and elapsed >= settings.window:
            return report(judgement, observed)
        if elapsed >= settings.limit:
            why = f"no decision within {settings.limit} s: {judgement.why}"
            return report(Judgement(StabilityVerdict.INCONCLUSIVE, why), observed)
        clock.sleep(settings.interval)


def _probe_rounds(settings: Monitoring, tolerance: Tolerance) -> int:
    """How often the probes go round at each look, so that a service without customers is judged within the limit."""
    looks = settings.limit / settings.interval
    return min(MOST_ROUNDS, math.ceil(requests_needed(tolerance) / (looks * len(settings.probes))))


def _with_symptom(judgement: Judgement, symptom: list[bool], probed: bool) -> Judgement:
    if not probed:
        return judgement
    last = symptom[-SYMPTOM_PROBES:]
    if len(last) == SYMPTOM_PROBES and not any(last):
        return Judgement(StabilityVerdict.UNSTABLE, "the failing request still fails")
    if judgement.verdict is StabilityVerdict.STABLE and (len(last) < SYMPTOM_PROBES or not all(last)):
        return Judgement(StabilityVerdict.INCONCLUSIVE, "the failing request has not succeeded often enough in a row")
    return judgement


def _between(monitoring: MonitoringPort, since: datetime, until: datetime) -> Traffic:
    try:
        return total(monitoring.samples(since, until))
    except HotfixError:
        # Monitoring that cannot be read is no data, and no data is never a pass.
        return total(())


def _figures(traffic: Traffic) -> str:
    if traffic.error_rate is None:
        return "no requests"
    latency = f", p95 {traffic.p95_ms:.0f} ms" if traffic.p95_ms is not None else ""
    return f"{traffic.requests} requests, {traffic.error_rate:.1%} errors{latency}"
