"""What is told about a run: one message that follows it, and the details in its thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotfix.domain.approval import ApprovalDecision, ApprovalRequest
from hotfix.domain.incident import Incident
from hotfix.domain.message import Button, Message
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.domain.security import SecurityVerdict
from hotfix.domain.service import ServiceProfile
from hotfix.domain.stability import StabilityVerdict
from hotfix.domain.testing import TestVerdict
from hotfix.steps.record import Record
from hotfix.steps.what_went_wrong import what_went_wrong

NOBODY = "nobody: the workflow goes on by itself"


@dataclass(frozen=True)
class Links:
    """Pages of this installation; empty where its address is not known."""

    run: str = ""
    record: str = ""
    approve: str = ""
    reject: str = ""


@dataclass(frozen=True)
class Situation:
    phase: str
    happened: str
    means: str
    to_do: str
    who: str = NOBODY


def incident_key(incident: Incident) -> str:
    """One message an incident: the next attempt goes on with the same."""
    return f"{incident.id}/incident"


def incident_message(
    record: Record, profile: ServiceProfile, request: ApprovalRequest | None, outcome: RunOutcome | None, links: Links
) -> Message:
    incident = record.incident
    now = situation(record, profile, request, outcome)
    buttons = (("Open the run", links.run), ("Read the record", links.record))
    waiting = request is not None and record.approval is None and outcome is None
    return Message(
        key=incident_key(incident),
        title=f"{_sign(outcome)} {incident.service}: {incident.title}",
        happened=now.happened,
        means=now.means,
        to_do=now.to_do,
        facts=(
            ("Phase", now.phase),
            ("Who must act", now.who),
            ("Since", f"{incident.opened_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("Latest step", _latest(record)),
            ("Reported by", incident.reported_by),
            ("Attempt", f"{incident.attempt} at {incident.id}"),
        ),
        buttons=tuple(Button(text=text, url=url) for text, url in buttons if url),
        until=request.deadline if waiting and request else None,
    )


def situation(
    record: Record, profile: ServiceProfile, request: ApprovalRequest | None, outcome: RunOutcome | None
) -> Situation:
    """Where a run is, from what is on record alone."""
    if outcome is not None:
        return _ended(record, profile, outcome)
    if record.deployment_rollback or record.fix_rollback or _stopped(record):
        return Situation(
            "rollback",
            what_went_wrong(record) or "The run was stopped.",
            "Nothing more is shipped. Production, git and the record are being put back.",
            f"Wait for the verified rollback; {_commander(profile)} gets ready to take over.",
            _commander(profile),
        )
    if record.stability:
        return Situation(
            "follow-up",
            f"Production is stable: {record.stability.why}.",
            "The problem is fixed in production.",
            "Nothing now. Post-mortem, bug record and follow-up are being written.",
        )
    if record.deployment:
        return Situation(
            "watching production",
            f"{record.deployment.version[:12]} is deployed.",
            "Production is being compared with what it was before the incident.",
            "Nothing. It is rolled back by itself when production is not stable.",
        )
    if record.approval:
        return Situation(
            "deployment",
            f"The hotfix was {record.approval.headline}.",
            f"Exactly {record.approval.commit[:12]} is shipped now.",
            "Nothing. It is rolled back by itself when production is not stable.",
        )
    if request:
        who = ", ".join(request.approvers) or "anybody but the reporter"
        return Situation(
            "approval",
            f"A fix is ready: {record.fix.candidate.description if record.fix else request.commit[:12]}.",
            "It waits for approval.",
            f"{who}: read the request in the thread and answer it.",
            who,
        )
    return _before_approval(record)


def details(record: Record) -> Iterator[Message]:
    """What goes into the thread: a message for each thing that was found out, in this order."""
    incident = record.incident
    found = (
        ("assessment", "Is it an emergency?", record.assessment and record.assessment.why),
        ("cause", "The cause", record.diagnosis and record.diagnosis.summary),
        ("fix", "The fix", record.fix and record.fix.headline),
        ("tests", "The tests", record.tests and f"{record.tests.verdict.value}: {record.tests.why}"),
        ("security", "Security", record.security and f"{record.security.verdict.value}: {record.security.why}"),
        ("decision", "The decision", record.approval and record.approval.headline),
        ("deployment", "The deployment", record.deployment and record.deployment.headline),
        ("stability", "Production", record.stability and f"{record.stability.verdict.value}: {record.stability.why}"),
        ("rollback", "The rollback", record.rollback and record.rollback.headline),
        ("post-mortem", "The post-mortem", record.post_mortem and record.post_mortem.summary),
        ("follow-up", "The follow-up", record.follow_up and _follow_up(record)),
    )
    for name, title, text in found:
        if text:
            yield Message(key=f"{incident.id}/{incident.attempt}/{name}", title=title, happened=text)


def _before_approval(record: Record) -> Situation:
    on_its_way = "Nothing. The next message says when somebody is needed."
    if record.tests:
        return Situation("validation", f"The tests passed: {record.tests.why}.", "Security is reviewed.", on_its_way)
    if record.fix:
        return Situation("validation", f"A fix was made: {record.fix.headline}.", "It is being tested.", on_its_way)
    if record.diagnosis:
        return Situation("fix", f"{record.diagnosis.summary}.", "The smallest fix is being made.", on_its_way)
    if record.assessment:
        return Situation("fix", f"{record.assessment.why}.", "The cause is being looked for.", on_its_way)
    return Situation("assessment", record.incident.description, "Its impact is being assessed.", on_its_way)


def _ended(record: Record, profile: ServiceProfile, outcome: RunOutcome) -> Situation:
    summary = outcome.summary
    match outcome.ending:
        case Ending.FIXED:
            after = (
                "Approve it after the fact within 24 hours: nobody answered, silence did."
                if record.approval and record.approval.needs_approval_after_the_fact
                else "Work through the follow-up; the scheduled check reminds of it."
            )
            return Situation("fixed", summary, "The problem is gone and production is stable.", after, _owners(profile))
        case Ending.FIXED_RECORD_INCOMPLETE:
            missing = "The problem is gone; the paperwork is incomplete."
            return Situation("fixed", summary, missing, "Clear the failed follow_up task in Airflow.", _owners(profile))
        case Ending.HANDED_OVER:
            means = "It is no emergency; nothing was changed."
            return Situation(
                "handed over", summary, means, "Fix it the usual way; the issue is open.", _owners(profile)
            )
        case Ending.ROLLED_BACK:
            means = "Production runs what it ran before. The problem is NOT fixed."
            return Situation("rolled back", summary, means, _take_over(profile), _commander(profile))
        case _:
            means = "The problem is NOT fixed, and the state of production is not verified."
            return Situation("failed", summary, means, _take_over(profile), _commander(profile))


def _stopped(record: Record) -> bool:
    return bool(
        (record.tests and record.tests.verdict is not TestVerdict.PASSED)
        or (record.security and record.security.verdict in (SecurityVerdict.BLOCK, SecurityVerdict.INCONCLUSIVE))
        or (record.approval and record.approval.decision is not ApprovalDecision.APPROVED)
        or (record.stability and record.stability.verdict is not StabilityVerdict.STABLE)
    )


def _sign(outcome: RunOutcome | None) -> str:
    if outcome is None:
        return ":rotating_light:"
    return {Ending.FIXED: ":white_check_mark:", Ending.HANDED_OVER: ":arrow_right:"}.get(outcome.ending, ":warning:")


def _latest(record: Record) -> str:
    event = record.timeline[-1] if record.timeline else None
    return f"{event.step}, {event.at:%H:%M:%S} UTC" if event else "none"


def _follow_up(record: Record) -> str:
    if record.follow_up is None:
        return ""
    pull, items = record.follow_up.pull_request, record.follow_up.items
    owed = "; ".join(f"{item.title} (until {item.due_at:%Y-%m-%d %H:%M} UTC)" for item in items)
    return f"{pull.title}: {pull.url}. Owed: {owed or 'nothing'}"


def _take_over(profile: ServiceProfile) -> str:
    return f"{_commander(profile)} takes over: what was tried and the next options are in the thread."


def _commander(profile: ServiceProfile) -> str:
    return profile.commander or (profile.owners[0] if profile.owners else "whoever is on call")


def _owners(profile: ServiceProfile) -> str:
    return ", ".join(profile.owners) or "the service's team"
