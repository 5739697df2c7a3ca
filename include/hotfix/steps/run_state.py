"""What a run looks like from outside, from its record."""

from __future__ import annotations

from datetime import datetime

from hotfix.domain.approval import ApprovalDecision, ApprovalRequest
from hotfix.domain.outcome import RunOutcome
from hotfix.domain.run_state import (
    ApprovalState,
    DeploymentState,
    GateResult,
    GateState,
    RefusedAnswer,
    RunState,
    ShippedVersion,
)
from hotfix.domain.security import SecurityVerdict
from hotfix.domain.stability import StabilityVerdict
from hotfix.domain.testing import TestVerdict
from hotfix.ports.bug_database import BugDatabase, Event
from hotfix.steps.answers import why_invalid
from hotfix.steps.approval_messages import warning_due
from hotfix.steps.record import Record
from hotfix.steps.what_went_wrong import STARTED

TESTS, SECURITY, APPROVAL, STABILITY = "critical tests", "security review", "approval", "production stable"
TIMELINE_SHOWN = 40
# Of one request: whoever may write there may write nonsense, however often.
REFUSALS_TOLD = 20


def run_state(record: Record, bug_database: BugDatabase, now: datetime) -> RunState:
    """As of ``now``. Made from what is recorded alone, so that a state that nobody was shown is made up for later."""
    outcome = bug_database.find(record.incident, RunOutcome)
    request = bug_database.find(record.incident, ApprovalRequest)
    return RunState(
        incident=record.incident,
        at=now,
        phase=_phase(record, outcome),
        doing=_doing(record, outcome),
        waiting_for=_waiting_for(record, request, outcome),
        gates=_gates(record, ended=outcome is not None),
        fix_commit=record.fix.commit if record.fix else None,
        pushed_branch=record.push.branch if record.push else "",
        security_report=record.security.sarif if record.security else None,
        approval=_approval(record, request, bug_database, now) if request else None,
        shipped=_shipped(record),
        ending=outcome.ending if outcome else None,
        summary=outcome.summary if outcome else "",
        timeline=tuple(
            f"{event.at:%H:%M:%S} {event.step}: {event.what}" for event in _told(record.timeline)[-TIMELINE_SHOWN:]
        ),
        pull_request=record.follow_up.pull_request.url if record.follow_up else "",
    )


def _told(timeline: tuple[Event, ...]) -> list[Event]:
    return [event for event in timeline if event.what != STARTED]


def _phase(record: Record, outcome: RunOutcome | None) -> str:
    reached = (
        (outcome is not None, "ended"),
        (record.deployment_rollback is not None, "rollback"),
        (record.post_mortem is not None, "follow-up"),
        (record.deployment is not None, "watching production"),
        (record.approval is not None, "deployment"),
        (record.security is not None, "approval"),
        (record.fix is not None, "validation"),
        (record.assessment is not None, "fix"),
    )
    return next((name for is_there, name in reached if is_there), "assessment")


def _doing(record: Record, outcome: RunOutcome | None) -> str:
    if outcome:
        return outcome.summary
    latest = (
        record.rollback,
        record.deployment_rollback,
        record.live,
        record.deployment,
        record.approval,
        record.security,
        record.fix,
        record.diagnosis,
    )
    return next((each.headline for each in latest if each is not None and each.headline), record.incident.headline)


def _waiting_for(record: Record, request: ApprovalRequest | None, outcome: RunOutcome | None) -> str:
    if outcome is not None:
        return f"{record.escalation.commander}: {record.escalation.reason}" if record.escalation else ""
    if request is None or record.approval is not None:
        return ""
    who = ", ".join(request.approvers) or "anybody but the reporter"
    return f"approval of {request.commit[:12]} by {who}, until {request.deadline:%H:%M:%S} UTC"


def _approval(record: Record, request: ApprovalRequest, bug_database: BugDatabase, now: datetime) -> ApprovalState:
    approval = record.approval
    due = warning_due(request)
    refused = {
        (answer.channel, answer.account): RefusedAnswer(channel=answer.channel, account=answer.account, why=why)
        for answer in bug_database.answers(record.incident)
        if (why := why_invalid(request, answer)) and answer.account
    }
    return ApprovalState(
        commit=request.commit,
        subject=request.subject,
        body=request.body,
        approvers=request.approvers,
        requester=request.requester,
        needed=request.approvals_needed,
        deadline=request.deadline,
        last_minute=approval is None and due is not None and due <= now < request.deadline,
        refused=tuple(refused.values())[:REFUSALS_TOLD],
        decision=f"{approval.headline} ({approval.channel}, {approval.at:%H:%M:%S} UTC)" if approval else "",
    )


def _gates(record: Record, ended: bool) -> tuple[GateResult, ...]:
    open_gate = GateState.NOT_REACHED if ended else GateState.WAITING
    tests, security, approval, stability = record.tests, record.security, record.approval, record.stability
    results = (
        (TESTS, tests and tests.verdict is TestVerdict.PASSED, tests and tests.why),
        (
            SECURITY,
            security and security.verdict in (SecurityVerdict.CLEAR, SecurityVerdict.CAUTION),
            security and security.why,
        ),
        (APPROVAL, approval and approval.decision is ApprovalDecision.APPROVED, approval and approval.why),
        (STABILITY, stability and stability.verdict is StabilityVerdict.STABLE, stability and stability.why),
    )
    return tuple(
        GateResult(
            name=name,
            state=open_gate if why is None else GateState.PASSED if passed else GateState.FAILED,
            why=why or "",
        )
        for name, passed, why in results
    )


def _shipped(record: Record) -> ShippedVersion | None:
    if record.deployment is None:
        return None
    stability, back = record.stability, record.deployment_rollback
    if back is not None and back.needed:
        state, why = DeploymentState.ROLLED_BACK, back.what
    elif stability is None:
        state, why = DeploymentState.WATCHED, "live, production is being watched"
    else:
        stable = stability.verdict is StabilityVerdict.STABLE
        state, why = DeploymentState.STABLE if stable else DeploymentState.UNSTABLE, stability.why
    deployed = record.deployment
    return ShippedVersion(
        version=deployed.version, previous=deployed.previous, deployer=deployed.deployer, state=state, why=why
    )
