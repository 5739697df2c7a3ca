"""Is production, put back, at least as well as it was before the hotfix?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hotfix.domain.errors import RollbackFailed
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment
from hotfix.domain.rollback import DeploymentRollback, RollbackReport
from hotfix.domain.service import ServiceProfile
from hotfix.domain.stability import NextLook, RollbackWatch, StabilityVerdict
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.deployer import Deployer
from hotfix.ports.monitoring import Monitoring
from hotfix.stability.judge import Judge
from hotfix.stability.traffic import total
from hotfix.steps.production_watch import Look, ProductionWatch, Watching
from hotfix.steps.watch_samples import Kept, Stretch
from hotfix.steps.watch_settings import rule_of, tolerance_of
from hotfix.steps.what_went_wrong import STARTED

# What was usual before is measured over so long a time (seconds).
BEFORE = timedelta(seconds=600)
# The incident is back with the old version, and so is its share of errors, give or take.
MARGIN = 1.5
# Where that was a third and more, twice as bad cannot be told from as bad.
JUDGED_UP_TO = 1 / 3


def watch_rollback(
    incident: Incident,
    profile: ServiceProfile,
    report: RollbackReport,
    *,
    deployer: Deployer,
    monitoring: Monitoring,
    artefacts: ArtefactStore,
    bug_database: BugDatabase,
    clock: Clock,
    progress: Callable[[str], None],
) -> RollbackReport | NextLook:
    """One look, by the judge of ``validate_production``, against the time right before the deployment.

    Only where a deployment was put back. STABLE: the incident is all that is wrong. INCONCLUSIVE after the profile's
    window: nobody knows, and the report says so; people take over in either case.

    Raises:
        RollbackFailed: production is worse than before the deployment; the text has the exact commands for a person.
    """
    rollback = bug_database.find(incident, DeploymentRollback)
    if rollback is None or not rollback.needed:
        return report
    settings = profile.monitoring
    before = _before_the_deployment(incident, bug_database, clock)
    last = bug_database.find(incident, RollbackWatch)
    watch = ProductionWatch(
        incident,
        settings,
        Watching(monitoring, artefacts, bug_database, clock, progress),
        record=RollbackWatch,
        before=(before,),
        during=before,
        since=last.started_at if last else clock.now(),
        limit=settings.window,
        symptom=None,
        judge=lambda kept: _judge(profile, kept),
    )
    look = watch.look()
    verdict, why = _verdict(look)
    if verdict is StabilityVerdict.UNSTABLE:
        commands = "\n".join(f"    {command}" for command in deployer.by_hand(incident.production))
        raise RollbackFailed(
            f"THE ROLLBACK DID NOT HELP: production runs {incident.production[:12]} again and is worse than before the "
            f"deployment: {why}.",
            f"Look at the service itself. Put the version back by hand once more with:\n{commands}\n",
        )
    if look.elapsed < settings.window:
        return look.next_look()
    known = verdict is StabilityVerdict.STABLE
    said = f"{'yes' if known else 'not known'}: production is as well as before the deployment ({why})"
    watch.say(said)
    return report.model_copy(update={"checks": (*report.checks, said), "health": verdict})


def _judge(profile: ServiceProfile, kept: Kept) -> Judge:
    settings = profile.monitoring
    rate = total(kept.before.samples).error_rate or 0.0
    tolerance = tolerance_of(settings)
    tolerated = min(max(tolerance.error_rate, MARGIN * rate), MARGIN * JUDGED_UP_TO - 0.01)
    return Judge(
        kept.before.samples,
        replace(tolerance, error_rate=tolerated),
        tuple(map(rule_of, settings.metrics)),
        kept.before.measurements,
    )


def _verdict(look: Look) -> tuple[StabilityVerdict, str]:
    rate = total(look.kept.before.samples).error_rate
    if rate is None:
        return StabilityVerdict.INCONCLUSIVE, "nothing is known of the time before it"
    if rate > JUDGED_UP_TO:
        return StabilityVerdict.INCONCLUSIVE, f"{rate:.0%} of the requests failed before, too"
    return look.judgement.verdict, look.judgement.why


def _before_the_deployment(incident: Incident, bug_database: BugDatabase, clock: Clock) -> Stretch:
    """A deployment that did not come to its end has left its beginning in the timeline."""
    deployment = bug_database.find(incident, Deployment)
    begun = [each.at for each in bug_database.timeline(incident) if each.step == "deploy" and each.what == STARTED]
    at = deployment.started_at if deployment else min(begun, default=clock.now())
    return Stretch(max(incident.started_at, at - BEFORE), at)
