"""A button that somebody pressed below an approval request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hotfix.domain.approval import Answer, Approval, ApprovalRequest
from hotfix.domain.incident import Incident
from hotfix.domain.service import ServiceProfile
from hotfix.ports.bug_database import BugDatabase
from hotfix.steps.answers import APPROVE, REJECT
from hotfix.steps.approval_messages import APPROVE_ACTION, REJECT_ACTION

_OPTIONS = {APPROVE_ACTION: APPROVE, REJECT_ACTION: REJECT}


@dataclass(frozen=True)
class Press:
    """``value`` is what the button carried, ``at`` when it was pressed, ``id`` one for one pressing."""

    action: str
    value: str
    account: str
    at: datetime
    id: str


def keep_press(
    press: Press, incident: Incident, profile: ServiceProfile, channel: str, bug_database: BugDatabase
) -> tuple[ApprovalRequest, Answer] | None:
    """Keep the answer in the ledger, where the approval finds it; None where nothing is asked (any more)."""
    option = _OPTIONS.get(press.action)
    request = bug_database.find(incident, ApprovalRequest)
    if option is None or request is None or bug_database.find(incident, Approval) is not None:
        return None
    answer = Answer(
        option=option,
        user=profile.person("slack", press.account),
        channel=channel,
        at=press.at,
        account=press.account,
        reference=f"button/{press.id}",
    )
    bug_database.keep_answer(incident, answer)
    return request, answer
