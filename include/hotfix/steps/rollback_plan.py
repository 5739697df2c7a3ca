"""The rollback plan, proved before anything is deployed."""

from __future__ import annotations

from collections.abc import Sequence

from hotfix.analysis.minimal_fix.refusals import migrations
from hotfix.domain.incident import Incident
from hotfix.domain.service import Policy
from hotfix.ports.deployer import Deployer


def doubts_about_the_way_back(
    incident: Incident, policy: Policy, changed: Sequence[str], deployer: Deployer
) -> tuple[str, ...]:
    """Why production might not come back to what it runs now, a sentence each; empty when the plan is proved.

    The deployer is asked, and looks: whether anything stands in its way, and whether it has what production runs.
    ``changed`` are the paths of the change that is to be deployed.
    """
    doubts = [f"the {deployer.name} deployer: {problem}" for problem in deployer.status().problems]
    if not deployer.can_restore(incident.production):
        doubts.append(f"{incident.production[:12]} could not be restored by the {deployer.name} deployer")
    if not incident.irreversible_change_accepted and (found := migrations(changed, policy.irreversible_paths)):
        doubts.append(
            f"it changes {', '.join(found)}, which cannot be rolled back (irreversible_change_accepted is off)"
        )
    return tuple(doubts)
