"""PagerDuty's webhooks, version 3: https://developer.pagerduty.com/docs/webhooks-overview"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from pydantic import AwareDatetime, Field

from hotfix.adapters.alert_formats.payload import Part, given, read
from hotfix.adapters.alert_formats.signatures import signed
from hotfix.domain.alert import Alert, AlertSource
from hotfix.ports.alert_format import Credentials

TRIGGERED, REOPENED, RESOLVED = "incident.triggered", "incident.reopened", "incident.resolved"


class _Reference(Part):
    id: str = ""
    summary: str | None = None


class _Incident(Part):
    id: str = Field(min_length=1)
    number: int
    title: str
    html_url: str = ""
    created_at: AwareDatetime
    urgency: str | None = None
    service: _Reference
    priority: _Reference | None = None
    teams: tuple[_Reference, ...] = ()


class _Event(Part):
    event_type: str
    occurred_at: AwareDatetime
    agent: _Reference | None = None
    data: dict[str, Any]


class _Message(Part):
    event: _Event


class PagerdutyFormat:
    def is_authentic(self, headers: Mapping[str, str], body: bytes, credentials: Credentials, now: datetime) -> bool:
        """One of the ``v1=`` signatures; during a rotation of secrets PagerDuty sends several."""
        listed = headers.get("x-pagerduty-signature", "").split(",")
        versions = [each.strip() for each in listed if each.strip().startswith("v1=")]
        return signed((each.removeprefix("v1=") for each in versions), body, credentials)

    def alerts(self, headers: Mapping[str, str], body: bytes) -> tuple[Alert, ...]:
        event = read(_Message, body, "a message of PagerDuty's webhooks in version 3").event
        if event.event_type not in (TRIGGERED, REOPENED, RESOLVED):
            return ()
        incident = read(_Incident, event.data, "an incident of PagerDuty")
        outbreak = event.occurred_at if event.event_type == REOPENED else incident.created_at
        firing = event.event_type != RESOLVED
        alert = Alert(
            source=AlertSource.PAGERDUTY,
            identity=incident.id,
            outbreak=outbreak.astimezone(timezone.utc).isoformat() if firing else None,
            firing=firing,
            began_at=outbreak if firing else None,
            fields=given(
                title=incident.title,
                url=incident.html_url,
                event=event.event_type,
                number=str(incident.number),
                service=incident.service.summary,
                service_id=incident.service.id,
                urgency=incident.urgency,
                priority=incident.priority.summary if incident.priority else None,
                team=incident.teams[0].summary if incident.teams else None,
            ),
            sender=(event.agent.summary if event.agent else None) or "",
        )
        return (alert,)
