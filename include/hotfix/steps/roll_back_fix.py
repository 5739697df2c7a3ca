"""Put git back, and lose nothing."""

from __future__ import annotations

from hotfix.domain.document import Sha
from hotfix.domain.incident import Incident
from hotfix.domain.rollback import FixRollback
from hotfix.ports.repository import Repository


def roll_back_fix(incident: Incident, *, repository: Repository) -> FixRollback:
    """The hotfix branch goes away; its commit is kept under the incident's refs, and under a tag that people see.

    Asks the remote, not the ledger: a push that died before it was recorded is found too.
    """
    repository.fetch()
    candidate = repository.remote_ref(incident.candidate_ref)
    if candidate is None:
        return FixRollback(needed=False, removed_branch=None, kept_as=None, what="no fix had been made")
    kept = f"{incident.ref_prefix}/rolled-back-{incident.attempt}"
    repository.push(kept, candidate, expect=None)
    branch = f"refs/heads/{incident.branch}"
    published = repository.remote_ref(branch)
    if published is None:
        return FixRollback(
            needed=True, removed_branch=None, kept_as=kept, what=f"the fix was not published; it is kept as {kept}"
        )
    if published != candidate:
        what = f"{incident.branch} has commits that are not ours ({published[:12]}): it was left alone"
        return FixRollback(needed=False, removed_branch=None, kept_as=kept, what=what)
    tag = incident.rolled_back_tag
    repository.push(f"refs/tags/{tag}", _marked(incident, candidate, tag, repository), expect=None)
    repository.delete(branch, expect=candidate)
    return FixRollback(
        needed=True,
        removed_branch=incident.branch,
        kept_as=kept,
        what=f"{incident.branch} was removed; its commit is kept as {kept}, with the tag {tag}",
    )


def _marked(incident: Incident, commit: Sha, tag: str, repository: Repository) -> str:
    """An annotated tag object, the same one however often it is made."""
    words = (
        f"Rolled back: this hotfix did not stay in production, do not ship it.\n\nIncident: {incident.id}\n"
        f"Attempt: {incident.attempt}\nRun: {incident.run_id}\nProduction: {incident.production}\n"
    )
    return repository.seal(commit, tag, words, incident.opened_at)
