"""Ship the approved commit."""

from __future__ import annotations

from collections.abc import Callable

from hotfix.domain.errors import DeploymentFailed, ProductionMoved, RefMoved
from hotfix.domain.incident import Incident
from hotfix.domain.release import Deployment, Push
from hotfix.domain.service import Policy
from hotfix.ports.clock import Clock
from hotfix.ports.deployer import Deployer
from hotfix.ports.repository import Repository
from hotfix.steps.rollback_plan import doubts_about_the_way_back


def deploy(
    incident: Incident,
    push: Push,
    *,
    policy: Policy,
    repository: Repository,
    deployer: Deployer,
    alternative: Deployer | None,
    clock: Clock,
    progress: Callable[[str], None],
) -> Deployment:
    """The pushed commit, live. A failure is answered once: by the alternative deployer, else by a second try.

    Raises:
        RefMoved: the branch is not at the approved commit any more; nothing was deployed.
        ProductionMoved: production runs something else than what the fix was made for; nothing was deployed.
        DeploymentFailed: neither try succeeded, or there would be no way back.
    """
    repository.fetch()
    there = repository.remote_ref(f"refs/heads/{push.branch}")
    if there != push.commit:
        raise RefMoved(f"{push.branch} is at {there}, approved was {push.commit}.", "Nothing was deployed.")
    live = deployer.live()
    if live not in (incident.production, push.commit):
        raise ProductionMoved(f"Production runs {live}, not {incident.production}.", "Nothing was deployed.")
    changed = [change.path for change in repository.changes(incident.production, push.commit)]
    if doubts := doubts_about_the_way_back(incident, policy, changed, deployer):
        reasons = "\n".join(f"  - {doubt}" for doubt in doubts)
        raise DeploymentFailed(f"The way back is not proved:\n{reasons}\n", "Nothing was deployed.")
    started = clock.now()
    attempts = []
    for chosen in (deployer, alternative or deployer):
        if chosen is alternative and not chosen.can_restore(incident.production):
            attempts.append(f"{chosen.name}: not used, it could not restore {incident.production[:12]}")
            continue
        progress(f"deploying {push.commit[:12]} with the {chosen.name} deployer")
        try:
            with repository.checkout(push.commit) as tree:
                chosen.deploy(push.commit, tree)
        except DeploymentFailed as error:
            attempts.append(f"{chosen.name}: {error}")
            progress(f"failed: {error}")
            continue
        return Deployment(
            version=push.commit,
            previous=incident.production,
            deployer=chosen.name,
            started_at=started,
            finished_at=clock.now(),
            attempts=(*attempts, f"{chosen.name}: live"),
        )
    raise DeploymentFailed("The hotfix could not be deployed:\n" + "\n".join(f"  - {each}" for each in attempts) + "\n")
