"""Turn a candidate into a commit and prove it: the reproducer is red before and green after."""

from __future__ import annotations

from collections.abc import Callable

from hotfix.domain.diagnosis import Diagnosis, ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.errors import CannotReproduce, GitFailed, NoUsableFix, RemoteUnavailable
from hotfix.domain.fix import Candidate, CandidateKind, Fix, FixPlan
from hotfix.domain.incident import Incident
from hotfix.domain.policy import violations
from hotfix.domain.service import ServiceProfile
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import TestRunner
from hotfix.steps.open_ends import open_ends_of


def apply_fix(
    incident: Incident,
    profile: ServiceProfile,
    diagnosis: Diagnosis,
    plan: FixPlan,
    *,
    repository: Repository,
    runner: TestRunner,
    artefacts: ArtefactStore,
    progress: Callable[[str], None],
) -> Fix:
    """The first candidate that applies, is within the policy and is proved, as a commit on the remote.

    Raises:
        NoUsableFix: none is; the text says why for each.
    """
    repository.fetch()

    def reproduce(sha: Sha) -> ReproducerRun:
        with repository.checkout(sha) as tree:
            return runner.reproduce(tree, sha)

    before = reproduce(plan.base) if incident.has_reproducer else None
    if before and before.verdict is not Verdict.OTHER_FAILURE:
        raise CannotReproduce(f"The reproducer does not fail on {plan.base[:10]} any more ({before.verdict.value}).")
    if before and diagnosis.signature and before.signature != diagnosis.signature:
        raise CannotReproduce(
            f"The reproducer fails on {plan.base[:10]} in another way than in the analysis: "
            f"{before.signature!r}, not {diagnosis.signature!r}.",
            "Make it deterministic, then trigger again.",
        )
    rejected = list(plan.refused)
    for candidate in plan.candidates:
        message = _message(incident, candidate, diagnosis)
        try:
            commit = _commit(incident, candidate, plan.base, message, repository, artefacts)
        except RemoteUnavailable:
            raise
        except GitFailed as error:
            rejected.append(f"{candidate.description}: does not apply ({error.what})")
            continue
        changes = repository.changes(plan.base, commit)
        if problems := violations(changes, profile.policy, incident.irreversible_change_accepted):
            rejected.append(f"{candidate.description}: {'; '.join(problems)}")
            continue
        after = reproduce(commit) if before else None
        progress(f"{candidate.description}: {after.verdict.value if after else 'not proved, there is no reproducer'}")
        if after and after.verdict is not Verdict.GOOD:
            rejected.append(f"{candidate.description}: the reproducer still fails ({after.signature})")
            continue
        repository.push(incident.candidate_ref, commit, expect=None)
        return Fix(
            candidate=candidate,
            ref=incident.candidate_ref,
            commit=commit,
            base=plan.base,
            message=message,
            changes=changes,
            diff=artefacts.put("fix.diff", repository.diff(plan.base, commit)),
            proved=after is not None,
            before=before.model_copy(update={"verdict": Verdict.SAME_FAILURE}) if before else None,
            after=after,
            rejected=tuple(rejected),
            leaves_open=open_ends_of(candidate, diagnosis),
        )
    reasons = "\n".join(f"  - {reason}" for reason in rejected)
    raise NoUsableFix(f"No candidate fix can be used:\n{reasons}\n", "Write a patch and trigger again with it.")


def _commit(
    incident: Incident,
    candidate: Candidate,
    base: Sha,
    message: str,
    repository: Repository,
    artefacts: ArtefactStore,
) -> Sha:
    if candidate.kind is CandidateKind.OPERATOR_PATCH and incident.patch:
        return repository.apply_patch(base, artefacts.read(incident.patch), message, incident.opened_at)
    if candidate.kind is CandidateKind.MODEL_PATCH and candidate.patch:
        return repository.apply_patch(base, artefacts.read(candidate.patch), message, incident.opened_at)
    assert candidate.commit is not None
    if candidate.kind in (CandidateKind.OPERATOR_REF, CandidateKind.MINIMAL_REVERT):
        return repository.graft(base, candidate.commit, message, incident.opened_at)
    return repository.revert(base, candidate.commit, message, incident.opened_at)


def _message(incident: Incident, candidate: Candidate, diagnosis: Diagnosis) -> str:
    culprit = diagnosis.culprit.sha if diagnosis.culprit else "not known"
    proof = "proved" if diagnosis.proved else "not proved"
    return (
        f"hotfix: {incident.title}\n\n"
        f"This is {candidate.description}.\n\n"
        f"Incident: {incident.id}\n"
        f"Service: {incident.service}\n"
        f"Production: {incident.production}\n"
        f"Culprit: {culprit} ({proof})\n"
        f"Reported-by: {incident.reported_by}\n"
    )
