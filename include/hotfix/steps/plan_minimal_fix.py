"""Which changes may stop the problem, in the order in which they are tried."""

from __future__ import annotations

from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.errors import NoUsableFix
from hotfix.domain.fix import Candidate, CandidateKind, FixPlan
from hotfix.domain.incident import Incident, patch_paths
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository

SUSPECTS_REVERTED = 3


def plan_minimal_fix(
    incident: Incident, diagnosis: Diagnosis, *, repository: Repository, artefacts: ArtefactStore
) -> FixPlan:
    """The operator's fix first, then the revert of the culprit (or, unproved, of the likeliest suspects).

    Raises:
        NoUsableFix: every candidate failed in an earlier attempt, or there is none.
    """
    repository.fetch()
    candidates = [*_operators(incident, repository, artefacts), *_reverts(diagnosis, repository)]
    usable = tuple(candidate for candidate in candidates if candidate.id not in incident.excluded_candidates)
    if not usable:
        tried = ", ".join(incident.excluded_candidates)
        raise NoUsableFix(
            f"No candidate fix is left (tried before: {tried})." if tried else "There is no candidate fix.",
            "Write a patch and trigger again with it.",
        )
    return FixPlan(
        candidates=usable,
        excluded=incident.excluded_candidates,
        base=incident.production,
    )


def _operators(incident: Incident, repository: Repository, artefacts: ArtefactStore) -> list[Candidate]:
    if incident.patch:
        return [
            Candidate(
                id=f"{CandidateKind.OPERATOR_PATCH.value}:{incident.patch.sha256[:12]}",
                kind=CandidateKind.OPERATOR_PATCH,
                description=f"the patch supplied by {incident.reported_by}",
                paths=patch_paths(artefacts.read(incident.patch)),
            )
        ]
    if incident.fix_commit:
        commit = repository.commit(incident.fix_commit)
        fork = repository.merge_base(incident.production, incident.fix_commit)
        changes = repository.changes(fork, incident.fix_commit) if fork else ()
        return [
            Candidate(
                id=f"{CandidateKind.OPERATOR_REF.value}:{commit.sha[:12]}",
                kind=CandidateKind.OPERATOR_REF,
                description=f"{commit.sha[:10]} “{commit.subject}”, named by {incident.reported_by}",
                paths=tuple(change.path for change in changes),
                commit=commit.sha,
            )
        ]
    return []


def _reverts(diagnosis: Diagnosis, repository: Repository) -> list[Candidate]:
    if diagnosis.culprit is None:
        return []
    suspected = [suspect.commit for suspect in diagnosis.suspects if suspect.evidence][:SUSPECTS_REVERTED]
    commits = [diagnosis.culprit] if diagnosis.proved else list(dict.fromkeys([diagnosis.culprit, *suspected]))
    return [
        Candidate(
            id=f"{CandidateKind.REVERT.value}:{commit.sha[:12]}",
            kind=CandidateKind.REVERT,
            description=f"revert of {commit.sha[:10]} “{commit.subject}”",
            paths=tuple(change.path for change in repository.changes(commit.parents[0], commit.sha)),
            commit=commit.sha,
        )
        for commit in commits
        if commit.parents
    ]
