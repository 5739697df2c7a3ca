"""Is the problem gone and production healthy? Watched over a window of real requests."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hotfix.domain.document import Artefact
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment, LiveCheck
from hotfix.domain.service import Monitoring, ServiceProfile
from hotfix.domain.stability import Sample, StabilityReport, StabilityVerdict, Traffic
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring as MonitoringPort
from hotfix.stability.judge import Judge, Judgement, Tolerance, requests_needed
from hotfix.stability.plot import Phase, error_rate_plot
from hotfix.stability.traffic import total

# So many probes of the symptom in a row decide about it, in either direction.
SYMPTOM_PROBES = 5
# Probes must stay a small part of what a service has to bear.
MOST_ROUNDS = 10
LINES_KEPT = 60
PLOT = "error-rate.svg"


def validate_production(
    incident: Incident,
    profile: ServiceProfile,
    deployment: Deployment,
    live: LiveCheck,
    *,
    monitoring: MonitoringPort,
    artefacts: ArtefactStore,
    clock: Clock,
    progress: Callable[[str], None],
) -> StabilityReport:
    """STABLE after at least the profile's window, UNSTABLE as soon as the evidence suffices, else INCONCLUSIVE."""
    settings = profile.monitoring
    tolerance = Tolerance(
        settings.tolerated_error_rate,
        settings.latency_limit_ms,
        settings.min_requests,
        settings.tolerated_slowdown,
        settings.noticeable_ms,
    )
    before_since = incident.started_at - timedelta(seconds=settings.baseline)
    before = _between(monitoring, before_since, incident.started_at)
    during_since = max(incident.started_at, deployment.started_at - timedelta(seconds=600))
    during = _between(monitoring, during_since, deployment.started_at)
    progress(f"before: {_figures(total(before))}; during: {_figures(total(during))}")
    judge = Judge(before, tolerance)
    rounds = _probe_rounds(settings, tolerance)
    started = clock.now()
    symptom: list[bool] = []
    timeline: list[str] = []

    def say(line: str) -> None:
        timeline.append(line)
        progress(line)

    def report(judgement: Judgement, after: Sequence[Sample]) -> StabilityReport:
        finished = clock.now()
        say(f"{judgement.verdict.value}: {judgement.why}")
        # The last ten minutes of a long incident are drawn, and its beginning is told.
        began = f"incident began{'' if during_since == incident.started_at else f' {incident.started_at:%H:%M:%S}'}"
        phases = (
            Phase("before", before_since, incident.started_at, before),
            Phase("during", during_since, deployment.started_at, during, began),
            Phase("after", live.first_seen_at, finished, after, "deployed"),
        )
        title = f"{incident.service}: error rate of {incident.id}, attempt {incident.attempt}"
        drawing = error_rate_plot(title, phases, f"decided: {judgement.verdict.value}", settings.tolerated_error_rate)
        observed = total(after)
        return StabilityReport(
            verdict=judgement.verdict,
            why=judgement.why,
            baseline=total(before),
            incident=total(during),
            observed=observed,
            symptom_gone=all(symptom[-SYMPTOM_PROBES:]) if len(symptom) >= SYMPTOM_PROBES else None,
            samples_used=observed.requests,
            started_at=started,
            finished_at=finished,
            metrics=judgement.metrics,
            timeline=tuple(timeline[-LINES_KEPT:]),
            plot=_stored(drawing, artefacts, progress),
        )

    said_until = live.first_seen_at
    while True:
        for path in settings.probes * rounds:
            monitoring.probe(path)
        if incident.failing_request:
            symptom.append(not monitoring.probe(incident.failing_request).failed)
        now = clock.now()
        after = _between(monitoring, live.first_seen_at, now)
        judgement = _with_symptom(judge.judge(after), symptom, bool(incident.failing_request))
        # The second that is not over will be told when it is.
        over = [sample for sample in after if said_until <= sample.at <= now - timedelta(seconds=1)]
        for sample in over:
            say(f"{_sample_line(sample)}  {judgement.verdict.value}")
        if over:
            said_until = over[-1].at + timedelta(microseconds=1)
        elapsed = (now - started).total_seconds()
        if judgement.verdict is StabilityVerdict.UNSTABLE:
            return report(judgement, after)
        if judgement.verdict is StabilityVerdict.STABLE and elapsed >= settings.window:
            return report(judgement, after)
        if elapsed >= settings.limit:
            why = f"no decision within {settings.limit} s: {judgement.why}"
            return report(replace(judgement, verdict=StabilityVerdict.INCONCLUSIVE, why=why), after)
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
        return replace(judgement, verdict=StabilityVerdict.UNSTABLE, why="the failing request still fails")
    if judgement.verdict is StabilityVerdict.STABLE and (len(last) < SYMPTOM_PROBES or not all(last)):
        why = "the failing request has not succeeded often enough in a row"
        return replace(judgement, verdict=StabilityVerdict.INCONCLUSIVE, why=why)
    return judgement


def _stored(drawing: str, artefacts: ArtefactStore, progress: Callable[[str], None]) -> Artefact | None:
    try:
        return artefacts.put(PLOT, drawing)
    except Exception as error:  # any storage's own: a picture that cannot be kept must not roll production back
        progress(f"the plot of the error rate could not be stored: {error}")
        return None


def _between(monitoring: MonitoringPort, since: datetime, until: datetime) -> tuple[Sample, ...]:
    try:
        return monitoring.samples(since, until)
    except HotfixError:
        # Monitoring that cannot be read is no data, and no data is never a pass.
        return ()


def _sample_line(sample: Sample) -> str:
    if sample.requests is None or sample.errors is None:
        return f"{sample.at:%H:%M:%S}  not measured"
    rate = f"{sample.errors / sample.requests:6.1%}" if sample.requests else "no data"
    return f"{sample.at:%H:%M:%S}  {sample.requests:5} requests  {sample.errors:4} errors  {rate}"


def _figures(traffic: Traffic) -> str:
    if traffic.error_rate is None:
        return "no requests"
    latency = f", p95 {traffic.p95_ms:.0f} ms" if traffic.p95_ms is not None else ""
    return f"{traffic.requests} requests, {traffic.error_rate:.1%} errors{latency}"
