"""How what belongs to an incident is found again: a comment that Markdown does not show."""

from __future__ import annotations

from hotfix.domain.incident import Incident


def marker(kind: str, incident: Incident) -> str:
    """``kind`` is ``issue``, ``status`` or ``pull``; one of each an incident."""
    return f"<!-- emergency-hotfix:{kind}:{incident.service}:{incident.id} -->"


def marked(kind: str, incident: Incident, text: str) -> str:
    return f"{text.rstrip()}\n\n{marker(kind, incident)}\n"


def carries(kind: str, incident: Incident, text: str | None) -> bool:
    return marker(kind, incident) in (text or "")
