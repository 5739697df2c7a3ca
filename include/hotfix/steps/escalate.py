"""Hand over to people: what was tried, what they can do next."""

from __future__ import annotations

from hotfix.domain.incident import MAX_ATTEMPTS, Incident
from hotfix.domain.rollback import Escalation
from hotfix.domain.service import ServiceProfile
from hotfix.domain.testing import TestVerdict
from hotfix.ports.bug_database import BugDatabase
from hotfix.ports.deployer import Deployer
from hotfix.steps.record import Record, read_record
from hotfix.steps.what_went_wrong import what_went_wrong

RELEASES_NAMED = 5


def next_candidate(incident: Incident, bug_database: BugDatabase) -> tuple[str, ...] | None:
    """The candidates to exclude in another attempt; None when another attempt makes no sense.

    One more attempt is made when the tests spoke against a fix and another candidate is left.
    """
    record = read_record(incident, bug_database)
    tests_failed = record.tests is not None and record.tests.verdict is TestVerdict.FAILED
    if not (tests_failed and record.fix and record.plan and record.rollback and record.rollback.verified):
        return None
    tried = (*incident.excluded_candidates, record.fix.candidate.id)
    left = [candidate for candidate in record.plan.candidates if candidate.id not in tried]
    return tried if left and incident.attempt < MAX_ATTEMPTS else None


def escalate(
    incident: Incident, profile: ServiceProfile, *, deployer: Deployer, bug_database: BugDatabase
) -> Escalation:
    """The escalation's text; ``run_id`` is the incident response to start, the same on every retry."""
    record = read_record(incident, bug_database)
    # Neither what is broken nor what was just taken back.
    no_way_back = {incident.production, record.fix.commit if record.fix else ""}
    earlier = {release.version: release for release in reversed(deployer.history())}
    candidates = [release for release in reversed(earlier.values()) if release.version not in no_way_back]
    releases = tuple(
        f"{release.version[:12]}{f', deployed {release.deployed_at:%Y-%m-%d %H:%M} UTC' if release.deployed_at else ''}"
        for release in candidates[:RELEASES_NAMED]
    )
    return Escalation(
        reason=what_went_wrong(record) or "the run ended without a fix",
        attempted=_attempted(record),
        rollback_candidates=releases,
        next_options=_next_options(record, releases),
        commander=profile.commander or (profile.owners[0] if profile.owners else "nobody is named in the profile"),
        run_id=f"{incident.id}__{incident.attempt}",
    )


def _attempted(record: Record) -> tuple[str, ...]:
    tried = [
        f"assessed as {record.assessment.decision.value}: {record.assessment.why}" if record.assessment else "",
        f"root cause: {record.diagnosis.summary}" if record.diagnosis else "root cause: not found",
        f"fix: {record.fix.candidate.description}, {record.fix.commit[:12]}" if record.fix else "",
        f"tests: {record.tests.verdict.value}, {record.tests.why}" if record.tests else "",
        f"security: {record.security.verdict.value}, {record.security.why}" if record.security else "",
        f"approval: {record.approval.decision.value}, {record.approval.why}" if record.approval else "",
        f"deployed {record.deployment.version[:12]} with {record.deployment.deployer}" if record.deployment else "",
        f"production: {record.stability.verdict.value}, {record.stability.why}" if record.stability else "",
        f"rollback: {record.deployment_rollback.what}" if record.deployment_rollback else "",
    ]
    return tuple(line for line in tried if line)


def _next_options(record: Record, releases: tuple[str, ...]) -> tuple[str, ...]:
    options = []
    if releases:
        options.append(f"go back to an earlier release: {releases[0]}")
    if record.diagnosis is None:
        options.append("trigger again with the failing request, a reproducer or a patch")
    if record.diagnosis and record.diagnosis.suspects and not record.diagnosis.proved:
        options.append("look at the suspects of the ranking in the post-mortem")
    if record.fix:
        options.append(f"continue from the fix that was tried: {record.fix.ref}")
    options.append("write a patch and trigger again with it (param: patch)")
    return tuple(options)
