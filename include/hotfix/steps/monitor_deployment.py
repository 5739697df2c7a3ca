"""Wait until production itself says that it runs the hotfix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from hotfix.domain.errors import DeploymentFailed
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment, LiveCheck
from hotfix.domain.service import ServiceProfile
from hotfix.domain.stability import LiveWatch, NextLook
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring

CONFIRMATIONS = 5
# Between two questions, and between two looks (seconds).
PAUSE = 1.0
NEXT_LOOK = 5.0


def monitor_deployment(
    incident: Incident,
    profile: ServiceProfile,
    deployment: Deployment,
    *,
    monitoring: Monitoring,
    bug_database: BugDatabase,
    clock: Clock,
    progress: Callable[[str], None],
) -> LiveCheck | NextLook:
    """One look. Production answers with the deployed version several times in a row; until then, when to look again.

    Raises:
        DeploymentFailed: it does not within the deployer's time limit.
    """
    started = _started(incident, deployment, bug_database, clock)
    pause = min(profile.monitoring.interval, PAUSE)
    first = clock.now()
    confirmations = 0
    while (seen := monitoring.version()) == deployment.version:
        first = clock.now() if confirmations == 0 else first
        confirmations += 1
        if confirmations == CONFIRMATIONS:
            seconds = (clock.now() - started).total_seconds()
            return LiveCheck(version=seen, confirmations=confirmations, first_seen_at=first, seconds=round(seconds, 2))
        clock.sleep(pause)
    limit = profile.deployer.time_limit
    if (clock.now() - started).total_seconds() >= limit:
        raise DeploymentFailed(f"Production reports {seen or 'no version'} after {limit} s, not {deployment.version}.")
    waiting = f"production reports {seen or 'nothing'}, waiting for {deployment.version[:12]}"
    progress(waiting)
    left = started + timedelta(seconds=limit) - clock.now()
    return NextLook(at=clock.now() + min(timedelta(seconds=NEXT_LOOK), left), why=waiting)


def _started(incident: Incident, deployment: Deployment, bug_database: BugDatabase, clock: Clock) -> datetime:
    """When the first look was made, at this deployment: a retried task gets no time of its own."""
    last = bug_database.find(incident, LiveWatch)
    if last is not None and last.version == deployment.version:
        return last.started_at
    bug_database.record(incident, LiveWatch(version=deployment.version, started_at=clock.now()))
    return clock.now()
