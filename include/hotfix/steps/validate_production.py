"""Is the problem gone and production healthy? Watched over a window of real requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from hotfix.domain.document import Artefact
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment, LiveCheck
from hotfix.domain.service import ServiceProfile
from hotfix.domain.stability import NextLook, RecoveryWatch, StabilityReport, StabilityVerdict, ValidationWatch
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring as MonitoringPort
from hotfix.stability.judge import Judge, Judgement
from hotfix.stability.outlook import EARLIEST
from hotfix.stability.plot import Phase, error_rate_plot
from hotfix.stability.traffic import total
from hotfix.steps.production_watch import Look, ProductionWatch, Watching
from hotfix.steps.watch_samples import Stretch
from hotfix.steps.watch_settings import rule_of, tolerance_of

PLOT = "error-rate.svg"
# An incident that lasted longer began at another time of day, when other traffic was usual.
SAME_TIME_OF_DAY = timedelta(hours=2)
DAY = timedelta(days=1)
# Of a hotfix that nobody watched, so much is judged: what matters is how production is now.
HISTORY = timedelta(hours=2)
# The last minutes of a long incident tell enough of it.
INCIDENT_SHOWN = timedelta(seconds=600)


def validate_production(
    incident: Incident,
    profile: ServiceProfile,
    deployment: Deployment,
    live: LiveCheck,
    *,
    monitoring: MonitoringPort,
    artefacts: ArtefactStore,
    bug_database: BugDatabase,
    clock: Clock,
    progress: Callable[[str], None],
    record: type[ValidationWatch] | type[RecoveryWatch] = ValidationWatch,
) -> StabilityReport | NextLook:
    """One look. STABLE after at least the profile's window, UNSTABLE as soon as the evidence suffices.

    INCONCLUSIVE when the limit is over, or when what is left of it will not decide; until then, when to look again.

    A ``RecoveryWatch`` is for a run that died: it begins late, with what monitoring and the run's own watch tell of the
    time since the deployment (``HISTORY`` at most). Its window is over when so long a time is covered by samples.
    """
    settings = profile.monitoring
    earlier = since = None
    if record is RecoveryWatch:
        last, earlier = bug_database.find(incident, RecoveryWatch), bug_database.find(incident, ValidationWatch)
        since = (last.started_at if last else clock.now()) - HISTORY
    since = max(since, live.first_seen_at) if since else live.first_seen_at
    before = _baseline(incident, deployment, timedelta(seconds=settings.baseline))
    during = Stretch(max(incident.started_at, deployment.started_at - INCIDENT_SHOWN), deployment.started_at)
    watch = ProductionWatch(
        incident,
        settings,
        Watching(monitoring, artefacts, bug_database, clock, progress),
        record=record,
        before=before,
        during=during,
        since=since,
        limit=settings.limit,
        symptom=incident.failing_request,
        judge=lambda kept: Judge(
            kept.before.samples,
            tolerance_of(settings),
            tuple(map(rule_of, settings.metrics)),
            kept.before.measurements,
        ),
        earlier=earlier,
    )
    look = watch.look()
    watched = look.covered if record is RecoveryWatch else look.elapsed
    judgement = _decided(look, watched, settings.window, settings.limit)
    if judgement is None:
        return look.next_look()
    watch.say(f"{judgement.verdict.value}: {judgement.why}")
    drawing = _plot(incident, profile, look, judgement, before[-1], during, since)
    observed = total(look.kept.after.samples)
    return StabilityReport(
        verdict=judgement.verdict,
        why=judgement.why,
        baseline=total(look.kept.before.samples),
        incident=total(look.kept.during.samples),
        observed=observed,
        symptom_gone=look.symptom_gone,
        samples_used=observed.requests,
        started_at=look.started_at,
        finished_at=look.now,
        metrics=judgement.metrics,
        timeline=watch.lines,
        plot=_stored(drawing, artefacts, progress),
    )


def _decided(look: Look, watched: float, window: float, limit: float) -> Judgement | None:
    judgement = look.judgement
    if judgement.verdict is StabilityVerdict.UNSTABLE:
        return judgement
    if judgement.verdict is StabilityVerdict.STABLE and watched >= window:
        return judgement
    if look.elapsed >= limit:
        why = f"no decision within {limit:g} s: {judgement.why}"
        return replace(judgement, verdict=StabilityVerdict.INCONCLUSIVE, why=why)
    if look.outlook and look.outlook.hopeless and look.elapsed >= max(window, EARLIEST * limit):
        why = f"no verdict is to be expected within {limit:g} s: {look.outlook.why} ({judgement.why})"
        return replace(judgement, verdict=StabilityVerdict.INCONCLUSIVE, why=why)
    return None


def _baseline(incident: Incident, deployment: Deployment, length: timedelta) -> tuple[Stretch, ...]:
    """Right before the incident; of a long incident the same time of day as well, when all was well, before that."""
    just_before = Stretch(incident.started_at - length, incident.started_at)
    at = deployment.finished_at
    if at - incident.started_at < SAME_TIME_OF_DAY:
        return (just_before,)
    while at + length > just_before.since:
        at -= DAY
    return (Stretch(at, at + length), just_before)


def _plot(
    incident: Incident,
    profile: ServiceProfile,
    look: Look,
    judgement: Judgement,
    before: Stretch,
    during: Stretch,
    since: datetime,
) -> str:
    kept = look.kept
    # The beginning of an incident that is not drawn from its beginning is told.
    began = f"incident began{'' if during.since == incident.started_at else f' {incident.started_at:%H:%M:%S}'}"
    shown = tuple(sample for sample in kept.before.samples if sample.at >= before.since)
    phases = (
        Phase("before", before.since, before.until, shown),
        Phase("during", during.since, during.until, kept.during.samples, began),
        Phase("after", since, look.now, kept.after.samples, "deployed"),
    )
    title = f"{incident.service}: error rate of {incident.id}, attempt {incident.attempt}"
    decided = f"decided: {judgement.verdict.value}"
    return error_rate_plot(title, phases, decided, profile.monitoring.tolerated_error_rate)


def _stored(drawing: str, artefacts: ArtefactStore, progress: Callable[[str], None]) -> Artefact | None:
    try:
        return artefacts.put(PLOT, drawing)
    except Exception as error:  # any storage's own: a picture that cannot be kept must not roll production back
        progress(f"the plot of the error rate could not be stored: {error}")
        return None
