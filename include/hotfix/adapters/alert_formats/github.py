"""Labels on GitHub's issues: https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from pydantic import AwareDatetime

from hotfix.adapters.alert_formats.payload import Part, given, read
from hotfix.adapters.alert_formats.signatures import signed
from hotfix.domain.alert import Alert, AlertSource
from hotfix.ports.alert_format import Credentials


class _User(Part):
    login: str


class _Label(Part):
    name: str


class _Repository(Part):
    full_name: str


class _Issue(Part):
    number: int
    title: str
    body: str | None = None
    html_url: str
    created_at: AwareDatetime
    user: _User | None = None


class _Action(Part):
    action: str


class _Message(_Action):
    issue: _Issue
    repository: _Repository
    sender: _User
    label: _Label | None = None


class GithubFormat:
    def is_authentic(self, headers: Mapping[str, str], body: bytes, credentials: Credentials, now: datetime) -> bool:
        version, _, signature = headers.get("x-hub-signature-256", "").partition("=")
        return version == "sha256" and signed((signature,), body, credentials)

    def alerts(self, headers: Mapping[str, str], body: bytes) -> tuple[Alert, ...]:
        """A label that is put on an issue begins an alert, closing the issue ends it."""
        what = "an event of GitHub"
        if headers.get("x-github-event") != "issues" or read(_Action, body, what).action not in ("labeled", "closed"):
            return ()
        message = read(_Message, body, f"{what}'s issues")
        issue, firing = message.issue, message.action == "labeled"
        alert = Alert(
            source=AlertSource.GITHUB,
            identity=f"{message.repository.full_name}#{issue.number}",
            outbreak=issue.created_at.astimezone(timezone.utc).isoformat(),
            firing=firing,
            began_at=issue.created_at,
            fields=given(
                title=issue.title,
                url=issue.html_url,
                repository=message.repository.full_name,
                label=message.label.name if message.label and firing else None,
                number=str(issue.number),
                body=issue.body,
                author=issue.user.login if issue.user else None,
                sender=message.sender.login,
            ),
            sender=message.sender.login,
        )
        return (alert,)
