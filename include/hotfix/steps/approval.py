"""Ask for approval, and turn an answer or silence into a decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hotfix.domain.approval import Answer, Approval, ApprovalDecision, ApprovalRequest, SilenceCheck
from hotfix.domain.fix import Fix
from hotfix.domain.incident import ApprovalMode, Incident
from hotfix.domain.policy import silence_checks
from hotfix.domain.security import SecurityReport
from hotfix.domain.service import ServiceProfile
from hotfix.domain.testing import TestReport
from hotfix.ports.clock import Clock
from hotfix.ports.deployer import Deployer
from hotfix.steps.answers import APPROVE, ignored, missing, settled
from hotfix.steps.markdown import fenced, quoted
from hotfix.steps.rollback_plan import doubts_about_the_way_back

DIFF_SHOWN = 6000
FINDINGS_SHOWN = 5


def request_approval(
    incident: Incident,
    profile: ServiceProfile,
    fix: Fix,
    tests: TestReport,
    security: SecurityReport,
    diff: str,
    *,
    deployer: Deployer,
    clock: Clock,
) -> ApprovalRequest:
    """The request as the approver reads it, with the conditions under which silence will approve."""
    now = clock.now()
    deadline = now + timedelta(seconds=incident.approval_window)
    checks = silence_checks(
        fix,
        tests,
        security,
        profile.policy,
        incident.irreversible_change_accepted,
        doubts_about_the_way_back(incident, profile.policy, [change.path for change in fix.changes], deployer),
    )
    return ApprovalRequest(
        commit=fix.commit,
        subject=f"Ship this hotfix to {incident.service}? {incident.title}",
        body=_body(incident, fix, tests, security, checks, diff, deadline),
        requested_at=now,
        deadline=deadline,
        silence=checks,
        approvers=profile.approvers,
        requester=incident.reported_by,
        approvals_needed=profile.policy.approvals_needed,
    )


def delivered(request: ApprovalRequest, channels: tuple[str, ...]) -> ApprovalRequest:
    """The request with what became of sending it: silence means nothing where nobody was asked."""
    check = SilenceCheck(
        name="the request was delivered",
        holds=bool(channels),
        detail=f"on {', '.join(channels)}" if channels else "on no channel",
    )
    return request.model_copy(update={"silence": (*request.silence, check)})


def decide(
    incident: Incident,
    request: ApprovalRequest,
    answers: Sequence[Answer],
    now: datetime,
    unheard: tuple[str, ...] = (),
) -> Approval:
    """Valid answers decide; without enough of them, silence does as far as it can be trusted."""

    def approval(decision: ApprovalDecision, granted_by: str, channel: str, at: datetime, why: str) -> Approval:
        return Approval(
            decision=decision,
            granted_by=granted_by,
            channel=channel,
            at=at,
            requested_at=request.requested_at,
            commit=request.commit,
            why=why,
            ignored_answers=ignored(request, answers),
            answers=decided.answers if decided else (),
            unheard=unheard,
        )

    decided = settled(request, answers)
    if decided:
        people = ", ".join(answer.user for answer in decided.answers)
        channel = ", ".join(dict.fromkeys(answer.channel for answer in decided.answers))
        last = decided.answers[-1]
        if decided.option == APPROVE:
            return approval(ApprovalDecision.APPROVED, people, channel, last.at, f"approved by {people}")
        why = f"rejected by {people}{f': {last.remark}' if last.remark else ''}"
        return approval(ApprovalDecision.REJECTED, "", channel, last.at, why)
    window = missing(request, answers) or f"nobody answered for {incident.approval_window} s"
    if incident.approval is ApprovalMode.NOT_REQUIRED:
        return approval(ApprovalDecision.APPROVED, "policy", "policy", now, "the profile requires no approval")
    if incident.approval is ApprovalMode.REQUIRED:
        return approval(
            ApprovalDecision.ESCALATED, "", "silence", now, f"{window}, and a person's approval is required"
        )
    if request.silence_can_be_trusted:
        return approval(ApprovalDecision.APPROVED, "silence", "silence", now, f"{window}: silence approves")
    doubts = "; ".join(f"not so: {check.name} ({check.detail})" for check in request.silence if not check.holds)
    return approval(
        ApprovalDecision.ESCALATED, "", "silence", now, f"{window}, and silence cannot be trusted: {doubts}"
    )


def _body(
    incident: Incident,
    fix: Fix,
    tests: TestReport,
    security: SecurityReport,
    checks: tuple[SilenceCheck, ...],
    diff: str,
    deadline: datetime,
) -> str:
    trusted = all(check.holds for check in checks)
    if incident.approval is ApprovalMode.REQUIRED:
        silence = "**Nothing ships without your yes.** Silence escalates."
    elif trusted:
        silence = f"**Silence for {incident.approval_window} s ships it**, at {deadline:%H:%M:%S} UTC."
    else:
        doubts = "; ".join(check.detail for check in checks if not check.holds)
        silence = f"**Silence escalates instead of shipping**: {doubts}."
    shown = diff if len(diff) <= DIFF_SHOWN else f"{diff[:DIFF_SHOWN]}\n… (the rest is in {fix.diff.uri})"
    proof = "the reproducer failed before and passes now" if fix.proved else "none, there is no reproducer"
    return "\n".join(
        [
            "**What is wrong:**",
            "",
            quoted(incident.description),
            "",
            f"**What will change:** {fix.candidate.description}, {fix.lines} lines in {len(fix.changes)} files "
            f"({', '.join(change.path for change in fix.changes[:5])}), commit `{fix.commit[:12]}` on production "
            f"`{fix.base[:12]}`.",
            "",
            f"**Proof:** {proof}. **Tests:** {tests.why}. **Security:** {security.why}.",
            "",
            *(f"- {finding.summary}" for finding in (*security.blocking, *security.carried)[:FINDINGS_SHOWN]),
            "",
            f"**Rollback:** production goes back to `{fix.base[:12]}` by itself when it is not stable afterwards.",
            "",
            silence,
            "",
            fenced(shown, "diff"),
        ]
    )
