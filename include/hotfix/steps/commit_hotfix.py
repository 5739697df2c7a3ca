"""Seal the approved commit on the remote, with the approval that it got."""

from __future__ import annotations

from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.errors import HotfixError, ProductionMoved, RefMoved
from hotfix.domain.fix import Fix
from hotfix.domain.incident import Incident
from hotfix.domain.release import HotfixCommit
from hotfix.ports.deployer import Deployer
from hotfix.ports.repository import Repository


def commit_hotfix(
    incident: Incident, fix: Fix, approval: Approval, *, repository: Repository, deployer: Deployer
) -> HotfixCommit:
    """The candidate becomes the hotfix: an annotated tag object says who approved exactly this commit, and when.

    Raises:
        HotfixError: it is not the approved commit.
        RefMoved: the candidate on the remote is another commit than the approved one.
        ProductionMoved: production no longer runs the version that the fix was made for.
    """
    if approval.decision is not ApprovalDecision.APPROVED or approval.commit != fix.commit:
        raise HotfixError(f"{fix.commit[:12]} was not approved ({approval.why}).", "Nothing is shipped.")
    repository.fetch()
    there = repository.remote_ref(fix.ref)
    if there != fix.commit:
        raise RefMoved(
            f"{fix.ref} is at {there}, approved was {fix.commit}.", "Somebody changed it; nothing is shipped."
        )
    live = deployer.live()
    if live not in (fix.base, fix.commit):
        raise ProductionMoved(
            f"Production runs {live}, the fix was made and tested for {fix.base}.",
            "Somebody deployed in the meantime. Look whether the problem is still there, then trigger again.",
        )
    seal = f"{incident.ref_prefix}/approved-{incident.attempt}"
    words = (
        f"Approved: {approval.why}\n\nIncident: {incident.id}\nRun: {incident.run_id}\n"
        f"Granted-by: {approval.granted_by}\nChannel: {approval.channel}\nAt: {approval.at.isoformat()}\n"
    )
    name = f"hotfix-{incident.id}-approved-{incident.attempt}"
    repository.push(seal, repository.seal(fix.commit, name, words, approval.at), expect=None)
    return HotfixCommit(commit=fix.commit, seal=seal, message=fix.message)
