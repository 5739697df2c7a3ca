"""Who answered what: words and reactions become answers, answers become a decision."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hotfix.domain.approval import Answer, ApprovalRequest
from hotfix.domain.service import ServiceProfile
from hotfix.ports.chat import Said

APPROVE, REJECT = "Approve", "Reject"
# Nothing that people also use to say "I have seen it", such as a thumb.
_REACTIONS = {
    ":white_check_mark:": APPROVE,
    ":heavy_check_mark:": APPROVE,
    ":x:": REJECT,
    ":no_entry:": REJECT,
    ":octagonal_sign:": REJECT,
}
# A yes stands alone: "approve if the tests pass" is none. A no may give its reason.
_YES = re.compile(r"/?approved?[.!]?", re.IGNORECASE)
_NO = re.compile(r"/?reject(?:ed)?\b[\s:,.!–—-]*(.*)", re.IGNORECASE | re.DOTALL)
REMARK_LIMIT = 500


@dataclass(frozen=True)
class Settled:
    """The option that won, and the answers that decided, oldest first."""

    option: str
    answers: tuple[Answer, ...]


def answer_in(said: Said, profile: ServiceProfile, channel: str, now: datetime) -> Answer | None:
    """The answer that somebody gave in the chat; None for talk. What has no time of its own is dated to ``now``."""
    option, remark = _REACTIONS.get(said.text), ""
    text = said.text.strip()
    if option is None and _YES.fullmatch(text):
        option = APPROVE
    elif option is None and (no := _NO.fullmatch(text)):
        option, remark = REJECT, no.group(1).strip()[:REMARK_LIMIT]
    if option is None:
        return None
    return Answer(
        option=option,
        user=profile.person("slack", said.account),
        channel=channel,
        at=said.at or now,
        account=said.account,
        reference=said.id,
        remark=remark,
    )


def why_invalid(request: ApprovalRequest, answer: Answer) -> str:
    """Why an answer does not count; empty when it does. Any known person may stop a hotfix, few may ship it."""
    if answer.option not in (APPROVE, REJECT):
        return f"{answer.option!r} is not an answer"
    if not answer.user:
        return f"the profile's identities know nobody who is {answer.account} on {answer.channel}"
    if answer.commit is not None and answer.commit != request.commit:
        return f"it is about {answer.commit[:12]}, and {request.commit[:12]} is asked for"
    # A no counts until the decision is made, however close it was, and whoever may have put it there.
    if answer.option == REJECT:
        return ""
    if answer.edited:
        return "it was edited, which others than its author can do: answer by a new comment"
    if answer.at > request.deadline:
        return "it came after the end of the window"
    if answer.user == request.requester:
        return f"{answer.user} started the hotfix and cannot approve it"
    if request.approvers and answer.user not in request.approvers:
        return f"{answer.user} is not an approver of this service ({', '.join(request.approvers)})"
    return ""


def settled(request: ApprovalRequest, answers: Sequence[Answer]) -> Settled | None:
    """The first no, or the last yes of as many different people as are needed, whichever came first; else None."""
    approving: dict[str, Answer] = {}
    for answer in sorted(answers, key=lambda each: (each.at, each.key)):
        if why_invalid(request, answer):
            continue
        if answer.option == REJECT:
            return Settled(REJECT, (answer,))
        approving.setdefault(answer.user, answer)
        if len(approving) >= request.approvals_needed:
            return Settled(APPROVE, tuple(approving.values()))
    return None


def ignored(request: ApprovalRequest, answers: Sequence[Answer]) -> tuple[str, ...]:
    """Answers that do not count, each with the reason."""
    return tuple(f"{each.option} ({why})" for each in answers if (why := why_invalid(request, each)))


def missing(request: ApprovalRequest, answers: Sequence[Answer]) -> str:
    """Who has said yes while that was not enough; empty when nobody has."""
    valid = {each.user for each in answers if each.option == APPROVE and not why_invalid(request, each)}
    return f"{', '.join(sorted(valid))} approved, and {request.approvals_needed} people have to" if valid else ""
