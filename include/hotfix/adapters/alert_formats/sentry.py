"""Sentry's integration webhooks: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from pydantic import AwareDatetime, Field

from hotfix.adapters.alert_formats.payload import Part, given, read
from hotfix.adapters.alert_formats.signatures import signed
from hotfix.domain.alert import Alert, AlertSource
from hotfix.ports.alert_format import Credentials

_PROJECT = re.compile(r"/projects/[^/]+/([^/]+)/")
_CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"


class _Actor(Part):
    name: str = ""


class _Message(Part):
    action: str
    data: dict[str, Any]
    actor: _Actor = _Actor()


class _Frame(Part):
    filename: str | None = None
    abs_path: str | None = None
    function: str | None = None
    lineno: int | None = None
    context_line: str | None = None


class _StackTrace(Part):
    frames: tuple[_Frame, ...] | None = None


class _Exception(Part):
    type: str | None = None
    value: str | None = None
    stacktrace: _StackTrace | None = None


class _Exceptions(Part):
    values: tuple[_Exception | None, ...] | None = None


class _Event(Part):
    issue_id: str = Field(min_length=1)
    title: str
    url: str = ""
    web_url: str = ""
    datetime: AwareDatetime
    culprit: str | None = None
    level: str | None = None
    platform: str | None = None
    environment: str | None = None
    release: str | None = None
    tags: tuple[tuple[str, str | None] | None, ...] | None = None
    exception: _Exceptions | None = None


class _EventAlert(Part):
    event: _Event
    triggered_rule: str = ""


class _AlertRule(Part):
    name: str = ""
    environment: str | None = None


class _MetricIncident(Part):
    id: str = Field(min_length=1)
    date_started: AwareDatetime
    projects: tuple[str, ...] = ()
    alert_rule: _AlertRule


class _MetricAlert(Part):
    metric_alert: _MetricIncident
    description_title: str
    web_url: str = ""


class _Issue(Part):
    id: str = Field(min_length=1)
    title: str = ""


class _IssueChange(Part):
    issue: _Issue


class SentryFormat:
    def is_authentic(self, headers: Mapping[str, str], body: bytes, credentials: Credentials, now: datetime) -> bool:
        return signed((headers.get("sentry-hook-signature", ""),), body, credentials)

    def alerts(self, headers: Mapping[str, str], body: bytes) -> tuple[Alert, ...]:
        """Issue alerts and metric alerts; an issue that is resolved ends its alerts."""
        message = read(_Message, body, "a message of Sentry's integration platform")
        match headers.get("sentry-hook-resource", ""), message.action:
            case "event_alert", "triggered":
                return (_event_alert(read(_EventAlert, message.data, "an issue alert of Sentry"), message.actor.name),)
            case "metric_alert", "critical" | "warning" | "resolved":
                return (_metric_alert(read(_MetricAlert, message.data, "a metric alert of Sentry"), message),)
            case "issue", "resolved":
                issue = read(_IssueChange, message.data, "an issue of Sentry").issue
                fields = given(title=issue.title, resource="issue", action=message.action)
                return (_alert(f"issue {issue.id}", None, False, None, fields, message.actor.name),)
            case _:
                return ()


def _event_alert(alert: _EventAlert, sender: str) -> Alert:
    event = alert.event
    project = _PROJECT.search(event.url)
    tags = {f"tags.{tag[0]}": tag[1] for tag in event.tags or () if tag and tag[1]}
    release = event.release or tags.get("tags.release")
    fields = given(
        title=event.title,
        url=event.web_url or event.url,
        resource="event_alert",
        action="triggered",
        culprit=event.culprit,
        level=event.level,
        platform=event.platform,
        project=project.group(1) if project else None,
        environment=event.environment or tags.get("tags.environment"),
        release=release,
        rule=alert.triggered_rule,
        issue=event.issue_id,
        stack_trace=_stack_trace(event.exception),
    )
    # Sentry tells the same issue again and again, without when it broke out: one run a release, or else a day.
    outbreak = release or event.datetime.astimezone(timezone.utc).date().isoformat()
    return _alert(f"issue {event.issue_id}", outbreak, True, event.datetime, {**fields, **tags}, sender)


def _metric_alert(alert: _MetricAlert, message: _Message) -> Alert:
    incident = alert.metric_alert
    fields = given(
        title=alert.description_title,
        url=alert.web_url,
        resource="metric_alert",
        action=message.action,
        project=incident.projects[0] if incident.projects else None,
        environment=incident.alert_rule.environment,
        rule=incident.alert_rule.name,
    )
    began = incident.date_started
    outbreak = began.astimezone(timezone.utc).isoformat()
    firing = message.action != "resolved"
    return _alert(f"metric {incident.id}", outbreak, firing, began, fields, message.actor.name)


def _alert(
    identity: str,
    outbreak: str | None,
    firing: bool,
    began_at: datetime | None,
    fields: dict[str, str],
    sender: str,
) -> Alert:
    return Alert(
        source=AlertSource.SENTRY,
        identity=identity,
        outbreak=outbreak,
        firing=firing,
        began_at=began_at,
        fields=fields,
        sender=sender,
    )


def _stack_trace(exceptions: _Exceptions | None) -> str:
    """As Python writes one, whatever the language: the workflow reads it. Sentry, too, puts the innermost last."""
    found = [each for each in (exceptions.values if exceptions else None) or () if each and each.stacktrace]
    return _CAUSE.join("\n".join(_lines(each)) for each in found)


def _lines(exception: _Exception) -> Iterator[str]:
    yield "Traceback (most recent call last):"
    for frame in (exception.stacktrace.frames if exception.stacktrace else None) or ():
        file = frame.filename or frame.abs_path or "?"
        yield f'  File "{file}", line {frame.lineno or 0}, in {frame.function or "?"}'
        if line := (frame.context_line or "").strip():
            yield f"    {line}"
    yield f"{exception.type or 'Error'}: {exception.value or ''}"
