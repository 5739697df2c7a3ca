"""Put production back."""

from __future__ import annotations

from collections.abc import Callable

from hotfix.domain.document import Sha
from hotfix.domain.errors import RollbackFailed
from hotfix.domain.incident import Incident
from hotfix.domain.release import Push
from hotfix.domain.rollback import DeploymentRollback
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.deployer import Deployer


def roll_back_deployment(
    incident: Incident,
    *,
    deployer: Deployer,
    alternative: Deployer | None,
    bug_database: BugDatabase,
    progress: Callable[[str], None],
) -> DeploymentRollback:
    """Restore what production ran before. Asks the ledger whether anything could have been deployed.

    Where the service's own deployer cannot, the alternative one tries: it may be the one that shipped. What was put
    back once and is there again is left alone: there is one automatic rollback at most.

    Raises:
        RollbackFailed: production is not back; the text has the exact commands for a person.
    """
    push = bug_database.find(incident, Push)
    live = deployer.live()
    if push is None:
        return DeploymentRollback(needed=False, restored=None, live=live, what="nothing had been deployed")
    if live not in (push.commit, incident.production, None):
        return DeploymentRollback(
            needed=False,
            restored=None,
            live=live,
            what=f"production runs {live[:12]}, which somebody else deployed: it was left alone",
        )
    before = bug_database.find(incident, DeploymentRollback)
    if before is not None and before.needed and live == push.commit:
        # Once is enough: whoever brought it back knows more than we do, or something works against us.
        return DeploymentRollback(
            needed=False,
            restored=None,
            live=live,
            what=f"production was put back once already and runs the hotfix {live[:12]} again: it was left alone",
        )
    # Also when production says that it runs the old version: a deployment that died half-way may have left a
    # link or a process behind that the next restart would bring to life. Restoring what is there changes nothing.
    needed = live != incident.production
    progress(f"production runs {(live or 'nothing')[:12]}, restoring {incident.production[:12]}")
    _restore(incident.production, push.commit, deployer, alternative, progress)
    return DeploymentRollback(
        needed=needed,
        restored=incident.production,
        live=deployer.live(),
        what=f"production was put back to {incident.production[:12]}"
        if needed
        else f"production ran {incident.production[:12]} all along",
    )


def _restore(
    version: Sha,
    shipped: Sha,
    deployer: Deployer,
    alternative: Deployer | None,
    progress: Callable[[str], None],
) -> None:
    try:
        deployer.restore(version)
    except RollbackFailed as error:
        if alternative is None:
            raise
        progress(f"the {deployer.name} deployer could not: {error}; trying the {alternative.name} deployer")
        try:
            alternative.restore(version)
        except RollbackFailed as other:
            raise RollbackFailed(
                f"Neither deployer could put production back to {version}.\n{deployer.name}: {error}\n"
                f"{alternative.name}: {other}"
            ) from other
    else:
        # What the alternative one shipped, the service's own deployer may know nothing of.
        if alternative is not None and alternative.live() == shipped:
            progress(f"the {alternative.name} deployer shipped it and puts it back")
            alternative.restore(version)
