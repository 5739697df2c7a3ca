"""Wait until production itself says that it runs the hotfix."""

from __future__ import annotations

from collections.abc import Callable

from hotfix.domain.errors import DeploymentFailed
from hotfix.domain.release import Deployment, LiveCheck
from hotfix.domain.service import ServiceProfile
from hotfix.ports.clock import Clock
from hotfix.ports.monitoring import Monitoring

CONFIRMATIONS = 5


def monitor_deployment(
    profile: ServiceProfile,
    deployment: Deployment,
    *,
    monitoring: Monitoring,
    clock: Clock,
    progress: Callable[[str], None],
) -> LiveCheck:
    """Production answers with the deployed version several times in a row.

    Raises:
        DeploymentFailed: it does not within the deployer's time limit.
    """
    started = clock.now()
    limit = profile.deployer.time_limit
    confirmations = 0
    first = started
    seen = None
    while (clock.now() - started).total_seconds() < limit:
        seen = monitoring.version()
        if seen == deployment.version:
            first = clock.now() if confirmations == 0 else first
            confirmations += 1
            if confirmations == CONFIRMATIONS:
                seconds = (clock.now() - started).total_seconds()
                return LiveCheck(
                    version=seen, confirmations=confirmations, first_seen_at=first, seconds=round(seconds, 2)
                )
        else:
            confirmations = 0
            progress(f"production reports {seen or 'nothing'}, waiting for {deployment.version[:12]}")
        clock.sleep(min(profile.monitoring.interval, 1.0))
    raise DeploymentFailed(f"Production reports {seen or 'no version'} after {limit} s, not {deployment.version}.")
