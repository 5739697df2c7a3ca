"""The call for people, when a hotfix did not solve an incident."""

from __future__ import annotations

from hotfix.domain.incident import Incident
from hotfix.domain.message import Button, Message
from hotfix.domain.rollback import Escalation
from hotfix.domain.service import ServiceProfile
from hotfix.steps.incident_messages import Links


def escalation_message(
    incident: Incident, profile: ServiceProfile, escalation: Escalation, issue: str, links: Links
) -> Message:
    """Mentions the on-call group and the commander, so far as the profile says who they are in the chat."""
    commander = profile.identities.get(escalation.commander)
    group = profile.chat.on_call_group if profile.chat else None
    return Message(
        key=f"{incident.id}/{incident.attempt}/escalation",
        title=f":sos: {incident.service}: people have to take over",
        happened=f"The emergency hotfix did not solve “{incident.title}”: {escalation.reason}.",
        means="The problem is NOT fixed in production, and nothing works on it any more.",
        to_do=f"{escalation.commander} commands. Next: {escalation.next_options[0] if escalation.next_options else ''}",
        facts=(
            ("Tried", _lines(escalation.attempted)),
            ("Releases to go back to", _lines(escalation.rollback_candidates) or "none is known"),
            ("Next options", _lines(escalation.next_options)),
            ("Issue", issue),
        ),
        buttons=(Button(text="Open the run", url=links.run),) if links.run else (),
        groups=(group,) if group else (),
        mentions=(commander.slack,) if commander and commander.slack else (),
        loud=True,
    )


def _lines(texts: tuple[str, ...]) -> str:
    return "\n".join(f"• {text}" for text in texts)
