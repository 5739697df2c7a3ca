"""What is written on GitHub to those who may answer, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from hotfix.adapters.github.texts import BODY_LIMIT, harmless, without_mentions
from hotfix.domain.approval import who_decides
from hotfix.domain.run_state import ApprovalState, RefusedAnswer


def request(approval: ApprovalState, people: Mapping[str, str], review: str) -> str:
    """What has to be decided, and how to answer. ``people`` are logins by user name."""
    return _joined(
        _mentions(approval, people),
        f"### {harmless(approval.subject)}",
        _asked(approval),
        how_to_answer(approval, review),
    )


def decided(approval: ApprovalState) -> str:
    outcome = harmless(approval.decision) or "nobody decided: the run has ended"
    asked = f"<details><summary>What was asked</summary>\n\n{_asked(approval)}\n\n</details>"
    return _joined(f"### {harmless(approval.subject)}", f"**{outcome}**", asked)


def warning(approval: ApprovalState, people: Mapping[str, str]) -> str:
    return _joined(
        _mentions(approval, people),
        f"**Less than a minute is left** to decide about {approval.commit[:12]}.",
        how_to_answer(approval, ""),
    )


def refusal(refused: RefusedAnswer) -> str:
    return f"@{refused.account}: your answer does not count: {harmless(refused.why)}."


def review_text(approval: ApprovalState, issue: str) -> str:
    """The description of the pull request that is only there to be reviewed."""
    return _joined(
        f"Incident: {issue}",
        "**Not to be merged.** It shows exactly the commit that is asked for. To answer, approve it or request "
        "changes; it is closed when it is decided.",
        _asked(approval),
    )


def how_to_answer(approval: ApprovalState, review: str) -> str:
    who = who_decides(approval.approvers, approval.needed)
    ways = "write `/approve` or `/reject` alone on the first line of a comment here"
    return (
        f"**To answer:** {harmless(who)}; {ways}{f', or review {review}' if review else ''}. "
        f"Until {approval.deadline:%H:%M:%S} UTC. {harmless(approval.requester)} started it and cannot approve it."
    )


def logins(approval: ApprovalState, people: Mapping[str, str]) -> tuple[str, ...]:
    """Of those who may approve."""
    names = approval.approvers or tuple(people)
    return tuple(people[name] for name in names if name in people and name != approval.requester)


def _mentions(approval: ApprovalState, people: Mapping[str, str]) -> str:
    return " ".join(f"@{login}" for login in logins(approval, people))


def _asked(approval: ApprovalState) -> str:
    return without_mentions(approval.body.replace("<!--", "&lt;!--"))


def _joined(*parts: str) -> str:
    return "\n\n".join(filter(None, parts))[:BODY_LIMIT]
