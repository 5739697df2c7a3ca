"""The approval request as people read it in the chat, and what follows it."""

from __future__ import annotations

from datetime import datetime, timedelta

from hotfix.domain.approval import Approval, ApprovalDecision, ApprovalRequest, who_decides
from hotfix.domain.fix import Fix
from hotfix.domain.incident import ApprovalMode, Incident
from hotfix.domain.message import Button, Message
from hotfix.domain.security import SecurityReport
from hotfix.domain.service import ServiceProfile
from hotfix.domain.testing import TestReport
from hotfix.steps.answers import APPROVE, REJECT
from hotfix.steps.incident_messages import Links

# How long before the end of the window people are warned, and the shortest window that leaves room for a warning.
WARNING = timedelta(seconds=60)
SHORTEST_WARNED = timedelta(seconds=90)
APPROVE_ACTION, REJECT_ACTION = "hotfix_approve", "hotfix_reject"


def warning_due(request: ApprovalRequest) -> datetime | None:
    """When people are warned of the end of the window; None where it is too short for that."""
    if request.deadline - request.requested_at < SHORTEST_WARNED:
        return None
    return request.deadline - WARNING


def request_key(incident: Incident) -> str:
    return f"{incident.id}/{incident.attempt}/approval"


def request_message(
    incident: Incident,
    profile: ServiceProfile,
    request: ApprovalRequest,
    fix: Fix,
    tests: TestReport,
    security: SecurityReport,
    diff: str,
    links: Links,
    *,
    pressed: bool,
) -> Message:
    """What will change and how to answer. ``pressed``: buttons answer by themselves; otherwise they open Airflow."""
    added, removed = sum(each.added for each in fix.changes), sum(each.removed for each in fix.changes)
    files = ", ".join(change.path for change in fix.changes[:5])
    more = f" and {len(fix.changes) - 5} more" if len(fix.changes) > 5 else ""
    return Message(
        key=request_key(incident),
        title=f":bell: Ship this hotfix to {incident.service}?",
        happened=f"{incident.title}. A fix is ready: {fix.candidate.description}.",
        means=_silence(incident, request),
        to_do=how_to_answer(profile, request),
        facts=(
            ("What will change", f"+{added} −{removed} lines in {len(fix.changes)} files: {files}{more}"),
            ("Commit", f"{fix.commit[:12]} on production's {fix.base[:12]}"),
            ("Proof", "the reproducer failed before and passes now" if fix.proved else "none, there is no reproducer"),
            ("Tests", f"{tests.verdict.value}: {tests.why}"),
            ("Security", f"{security.verdict.value}: {security.why}"),
            ("Risk", _risk(request)),
            ("Rollback plan", f"back to {fix.base[:12]} by itself when production is not stable afterwards"),
            ("Time left", _window(request)),
        ),
        code=diff,
        buttons=answer_buttons(incident, links, pressed),
        mentions=approvers_in_chat(profile, request),
        until=request.deadline,
        loud=True,
    )


def warning_message(incident: Incident, profile: ServiceProfile, request: ApprovalRequest) -> Message:
    return Message(
        key=f"{request_key(incident)}-warning",
        title=f":hourglass: One minute left for the hotfix of {incident.service}",
        happened=f"Nobody has decided about {request.commit[:12]} yet.",
        means=_silence(incident, request),
        to_do=how_to_answer(profile, request),
        mentions=approvers_in_chat(profile, request),
        until=request.deadline,
        loud=True,
    )


def closed_message(incident: Incident, request: Message, approval: Approval, links: Links) -> Message:
    """The request, answered: nothing is left to press, and it says who decided what, where, when."""
    shipped = approval.decision is ApprovalDecision.APPROVED
    sign = ":white_check_mark:" if shipped else ":no_entry:"
    where = f" on {approval.channel}" if approval.answers else ""
    ignored = (("Did not count", "; ".join(approval.ignored_answers)),) if approval.ignored_answers else ()
    return request.model_copy(
        update={
            "title": f"{sign} {approval.decision.value}: the hotfix of {incident.service}",
            "happened": f"{approval.why[:1].upper()}{approval.why[1:]}{where} at {approval.at:%H:%M:%S} UTC.",
            "means": f"Exactly {approval.commit[:12]} is shipped now." if shipped else "Nothing is shipped.",
            "to_do": _afterwards(approval),
            "facts": (*(fact for fact in request.facts if fact[0] != "Time left"), *ignored),
            "buttons": (Button(text="Open the run", url=links.run),) if links.run else (),
            "mentions": (),
            "until": None,
        }
    )


def how_to_answer(profile: ServiceProfile, request: ApprovalRequest) -> str:
    needed = who_decides(request.approvers, request.approvals_needed)
    known = "" if approvers_in_chat(profile, request) else " Nobody of them has a Slack account in the profile."
    return (
        f"{needed}. Press a button, react to this message with ✅ or ❌, or reply “approve” or “reject: why” in "
        f"this thread. {request.requester} started it and cannot approve it.{known}"
    )


def approvers_in_chat(profile: ServiceProfile, request: ApprovalRequest) -> tuple[str, ...]:
    """Accounts of those who may approve."""
    names = request.approvers or tuple(profile.identities)
    return tuple(
        identity.slack
        for name in names
        if name != request.requester and (identity := profile.identities.get(name)) and identity.slack
    )


def answer_buttons(incident: Incident, links: Links, pressed: bool) -> tuple[Button, ...]:
    if pressed:
        value = incident.run_id
        answers = (
            Button(text=APPROVE, action=APPROVE_ACTION, value=value, style="primary"),
            Button(text=REJECT, action=REJECT_ACTION, value=value, style="danger"),
        )
        return (*answers, Button(text="Open in Airflow", url=links.approve)) if links.approve else answers
    if not links.approve:
        return ()
    return (
        Button(text=f"{APPROVE} in Airflow", url=links.approve, style="primary"),
        Button(text=f"{REJECT} in Airflow", url=links.reject, style="danger"),
    )


def _window(request: ApprovalRequest) -> str:
    seconds = round((request.deadline - request.requested_at).total_seconds())
    return f"{seconds} s from {request.requested_at:%H:%M:%S}, until {request.deadline:%H:%M:%S} UTC"


def _silence(incident: Incident, request: ApprovalRequest) -> str:
    if incident.approval is ApprovalMode.REQUIRED:
        return "Nothing ships without your yes; silence escalates."
    if request.silence_can_be_trusted:
        return f"Silence until {request.deadline:%H:%M:%S} UTC ships it."
    doubts = "; ".join(check.detail for check in request.silence if not check.holds)
    return f"Silence escalates instead of shipping: {doubts}."


def _risk(request: ApprovalRequest) -> str:
    doubts = [f"{check.name}: no ({check.detail})" for check in request.silence if not check.holds]
    return "; ".join(doubts) or "every condition for a silent approval holds"


def _afterwards(approval: Approval) -> str:
    if approval.needs_approval_after_the_fact:
        return "Approve it after the fact within 24 hours."
    if approval.decision is ApprovalDecision.APPROVED:
        return "Nothing. It is rolled back by itself when production is not stable."
    return "The fix is put back and people take over: see the incident's message."
