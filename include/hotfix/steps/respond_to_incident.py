"""What the incident response has to go on."""

from __future__ import annotations

from hotfix.domain.incident import Incident
from hotfix.domain.rollback import Escalation
from hotfix.ports.code_host import CodeHost


def open_incident_issue(incident: Incident, escalation: Escalation, *, code_host: CodeHost) -> str:
    """The incident's issue with what was tried and the next options; returns where it is."""
    return code_host.open_issue(
        incident,
        f"[{incident.service}] {incident.title}",
        escalation_text(incident, escalation),
        ("incident", "hotfix-escalated"),
    )


def escalation_text(incident: Incident, escalation: Escalation) -> str:
    """Markdown for the person who takes over."""
    return "\n".join(
        [
            f"**{incident.service}: {incident.title}**",
            "",
            f"The emergency hotfix did not solve this: {escalation.reason}.",
            f"Incident commander: {escalation.commander}",
            "",
            "What was tried:",
            *(f"- {line}" for line in escalation.attempted),
            "",
            "Releases to go back to:",
            *(f"- {line}" for line in escalation.rollback_candidates or ("none is known",)),
            "",
            "Next options:",
            *(f"- {line}" for line in escalation.next_options),
        ]
    )
