"""Which changes may stop the problem, in the order in which they are tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hotfix.analysis.affected_tests import affected_tests
from hotfix.analysis.minimal_fix.refusals import migrations, security_fix, too_old
from hotfix.analysis.minimal_fix.search import Budget, MinimalRevert, MinimalRevertSearch
from hotfix.analysis.minimal_fix.tests_guard import AffectedTests
from hotfix.domain.diagnosis import Commit, Diagnosis, ReproducerRun
from hotfix.domain.document import Sha
from hotfix.domain.errors import GitFailed, NoUsableFix, RemoteUnavailable
from hotfix.domain.fix import Alternative, Candidate, CandidateKind, Fix, FixPlan
from hotfix.domain.incident import Incident, patch_paths
from hotfix.domain.revert import Edit, ReversePatch
from hotfix.domain.service import ServiceProfile
from hotfix.ports.advisor import Advisor
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import TestRunner
from hotfix.steps.advised_patch import advised_patch

SUSPECTS_REVERTED = 3
LISTED = 20
_REVERTS = (CandidateKind.MINIMAL_REVERT, CandidateKind.REVERT)


@dataclass
class _Found:
    """What the plan is made of, in the order of its candidates."""

    candidates: list[Candidate]
    alternatives: tuple[Alternative, ...]
    refused: list[str]


def plan_minimal_fix(
    incident: Incident,
    profile: ServiceProfile,
    diagnosis: Diagnosis,
    *,
    repository: Repository,
    runner: TestRunner,
    artefacts: ArtefactStore,
    bug_database: BugDatabase,
    advisor: Advisor | None,
    progress: Callable[[str], None],
) -> FixPlan:
    """The operator's fix, the smallest part of the culprit's revert that helps, its whole revert, a model's patch.

    Without a proof of the culprit the likeliest suspects are reverted instead; without a reproducer there is nothing
    to make a revert smaller against. The model is asked only where nothing better is at hand. The minimal revert is
    kept as a ref of the incident on the remote.

    Raises:
        NoUsableFix: every candidate failed in an earlier attempt or is refused, or there is none.
    """
    repository.fetch()
    found = _Found(_operators(incident, repository, artefacts), (), [])
    _add_reverts(found, incident, profile, diagnosis, repository, runner, bug_database, progress)
    usable = [candidate for candidate in found.candidates if candidate.id not in incident.excluded_candidates]
    if advisor is not None and not any(_is_at_hand(candidate) for candidate in usable):
        suspected = [*incident.suspected_paths, *(path for candidate in found.candidates for path in candidate.paths)]
        if diagnosis.culprit and diagnosis.culprit.parents:
            changes = repository.changes(diagnosis.culprit.parents[0], diagnosis.culprit.sha)
            suspected += [change.path for change in changes]
        advised, refused = advised_patch(
            advisor, incident, profile, diagnosis, suspected,
            repository=repository, artefacts=artefacts, progress=progress,
        )  # fmt: skip
        found.refused += [refused] if refused else []
        usable += [advised] if advised and advised.id not in incident.excluded_candidates else []
    for reason in found.refused:
        progress(f"no candidate: {reason}")
    if not usable:
        raise _nothing_left(incident, found.refused)
    return FixPlan(
        candidates=tuple(usable),
        excluded=incident.excluded_candidates,
        base=incident.production,
        alternatives=found.alternatives,
        refused=tuple(found.refused),
    )


def _is_at_hand(candidate: Candidate) -> bool:
    return candidate.kind in (CandidateKind.OPERATOR_PATCH, CandidateKind.OPERATOR_REF, CandidateKind.MINIMAL_REVERT)


def _nothing_left(incident: Incident, refused: Sequence[str]) -> NoUsableFix:
    advice = "Write a patch and trigger again with it."
    if refused:
        reasons = "\n".join(f"  - {reason}" for reason in refused)
        return NoUsableFix(f"No candidate fix may be used:\n{reasons}\n", advice)
    tried = ", ".join(incident.excluded_candidates)
    return NoUsableFix(
        f"No candidate fix is left (tried before: {tried})." if tried else "There is no candidate fix.", advice
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


def _add_reverts(
    found: _Found,
    incident: Incident,
    profile: ServiceProfile,
    diagnosis: Diagnosis,
    repository: Repository,
    runner: TestRunner,
    bug_database: BugDatabase,
    progress: Callable[[str], None],
) -> None:
    if diagnosis.culprit is None:
        return
    suspected = [suspect.commit for suspect in diagnosis.suspects if suspect.evidence][:SUSPECTS_REVERTED]
    commits = [diagnosis.culprit] if diagnosis.proved else list(dict.fromkeys([diagnosis.culprit, *suspected]))
    for commit in (commit for commit in commits if commit.parents):
        named = f"revert of {commit.sha[:10]} “{commit.subject}”"
        if refused := _refused(incident, profile, commit, repository, bug_database):
            found.refused.append(f"{named}: {refused}")
            continue
        patch = repository.reverse_patch(commit.sha, incident.production)
        has_own_fix = any(_is_at_hand(candidate) for candidate in found.candidates)
        if incident.has_reproducer and commit == diagnosis.culprit and not has_own_fix and len(patch.edits) > 1:
            _add_minimal(found, incident, profile, commit, patch, repository, runner, progress)
        if risk := _risk(incident, repository, commit, patch.edits):
            found.refused.append(f"{named}: {risk}")
            continue
        found.candidates.append(
            Candidate(
                id=f"{CandidateKind.REVERT.value}:{commit.sha[:12]}",
                kind=CandidateKind.REVERT,
                description=named,
                paths=tuple(change.path for change in repository.changes(commit.parents[0], commit.sha)),
                commit=commit.sha,
            )
        )


def _refused(
    incident: Incident, profile: ServiceProfile, commit: Commit, repository: Repository, bug_database: BugDatabase
) -> str:
    """Why nothing of ``commit`` may be taken back, in words that say what would allow it; empty when it may be."""
    policy = profile.policy
    paths = [change.path for change in repository.changes(commit.parents[0], commit.sha)]
    if not incident.irreversible_change_accepted and (found := migrations(paths, policy.irreversible_paths)):
        return f"it changes {found[0]}, which cannot be rolled back (irreversible_change_accepted is off)"
    if incident.revert_accepted:
        return ""
    if old := too_old(commit.at, repository.commit(incident.production).at, policy.max_revert_age_days):
        return f"{old} (revert_accepted is off)"
    today = _reverts_within_a_day(incident, bug_database)
    if today >= policy.max_reverts_per_day:
        limit = policy.max_reverts_per_day
        return f"{today} reverts of this service within a day, the limit is {limit} (revert_accepted is off)"
    return ""


def _risk(incident: Incident, repository: Repository, commit: Commit, edits: Iterable[Edit]) -> str:
    if incident.revert_accepted:
        return ""
    found = security_fix(repository.message(commit.sha), edits)
    return f"it may be a security fix, {found} (revert_accepted is off)" if found else ""


def _reverts_within_a_day(incident: Incident, bug_database: BugDatabase) -> int:
    """Reverts that other incidents of the service made and nobody had to accept."""
    count = 0
    for row in bug_database.incidents(since=incident.opened_at - timedelta(days=1)):
        if row.service != incident.service or row.id == incident.id:
            continue
        other = bug_database.incident_of_run(row.run_id)
        fix = bug_database.find(other, Fix) if other else None
        count += fix is not None and fix.candidate.kind in _REVERTS
    return count


def _add_minimal(
    found: _Found,
    incident: Incident,
    profile: ServiceProfile,
    culprit: Commit,
    patch: ReversePatch,
    repository: Repository,
    runner: TestRunner,
    progress: Callable[[str], None],
) -> None:
    """The smallest verified part of the culprit's revert, as a ref on the remote."""
    deadline = time.monotonic() + profile.policy.analysis_time_limit
    minimal = minimal_revert(patch, incident, profile, repository, runner, deadline, progress)
    named = f"the smallest part of the revert of {culprit.sha[:10]} “{culprit.subject}”"
    found.alternatives = minimal.alternatives[:LISTED]
    progress(f"{named}: {minimal.why} ({minimal.runs} runs of the reproducer, {minimal.test_runs} of tests)")
    for conflict in minimal.conflicts:
        progress(f"conflict: {conflict}")
    if minimal.commit is None or not minimal.verified:
        found.refused.append(f"{named}: {minimal.why}")
        return
    if risk := _risk(incident, repository, culprit, minimal.edits):
        found.refused.append(f"{named}: {risk}")
        return
    if _is_the_whole(incident, culprit, minimal.commit, repository):
        return
    reference = f"{incident.ref_prefix}/minimal-{incident.attempt}"
    repository.push(reference, minimal.commit, expect=repository.remote_ref(reference))
    changes = repository.changes(incident.production, minimal.commit)
    lines = sum(change.lines for change in changes)
    found.candidates.append(
        Candidate(
            id=f"{CandidateKind.MINIMAL_REVERT.value}:{minimal.commit[:12]}",
            kind=CandidateKind.MINIMAL_REVERT,
            description=f"{named} ({minimal.hunks_kept} of {minimal.hunks_total} hunks, {lines} lines)",
            paths=tuple(change.path for change in changes),
            commit=minimal.commit,
            reverted=minimal.reverted[:LISTED],
            stays=minimal.stays[:LISTED],
            breaks=minimal.broken_tests[:LISTED],
        )
    )


def _is_the_whole(incident: Incident, culprit: Commit, commit: Sha, repository: Repository) -> bool:
    """Whether git's own revert gives the same files: then there is only one candidate, under its usual name."""
    try:
        whole = repository.revert(incident.production, culprit.sha, "whole", incident.opened_at)
    except RemoteUnavailable:
        raise
    except GitFailed:
        return False
    return not repository.changes(whole, commit)


def minimal_revert(
    patch: ReversePatch,
    incident: Incident,
    profile: ServiceProfile,
    repository: Repository,
    runner: TestRunner,
    deadline: float,
    progress: Callable[[str], None],
) -> MinimalRevert:
    """Search with the incident's reproducer and the service's tests. ``deadline`` is of ``time.monotonic()``."""

    def probe(sha: Sha) -> ReproducerRun:
        with repository.checkout(sha) as tree:
            return runner.reproduce(tree, sha)

    def select(tree: Path, changed: Sequence[str]) -> tuple[str, ...]:
        return tuple(affected_tests(tree, changed, profile.tests.paths, profile.tests.source_roots))

    def tests(changed: Sequence[str]) -> AffectedTests:
        return AffectedTests(repository, incident.production, changed, select, runner.run)

    search = MinimalRevertSearch(
        patch=patch,
        repository=repository,
        probe=probe,
        tests=tests,
        unguarded="",
        budget=Budget(profile.policy.minimal_fix_runs, lambda: time.monotonic() > deadline),
        message=f"Part of the revert of {patch.culprit}",
        at=incident.opened_at,
        progress=progress,
    )
    return search.run()
