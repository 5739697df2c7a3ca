"""Alertmanager's webhook, version 4: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Literal

from pydantic import AwareDatetime, Field

from hotfix.adapters.alert_formats.payload import Part, given, read
from hotfix.adapters.alert_formats.signatures import bearer_or_basic
from hotfix.domain.alert import Alert, AlertSource
from hotfix.ports.alert_format import Credentials

# Of one notification; the receiver's ``max_alerts`` makes it fewer.
MAX_ALERTS = 1000


class _Alert(Part):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    startsAt: AwareDatetime  # noqa: N815  # as Alertmanager writes it
    generatorURL: str = ""  # noqa: N815
    fingerprint: str = Field(min_length=1)


class _Notification(Part):
    version: Literal["4"]
    receiver: str
    alerts: list[_Alert] = Field(max_length=MAX_ALERTS)


class AlertmanagerFormat:
    def is_authentic(self, headers: Mapping[str, str], body: bytes, credentials: Credentials, now: datetime) -> bool:
        """Alertmanager cannot sign: it sends a bearer token, or a user and a password."""
        return bearer_or_basic(headers.get("authorization", ""), credentials)

    def alerts(self, headers: Mapping[str, str], body: bytes) -> tuple[Alert, ...]:
        notification = read(_Notification, body, "a notification of Alertmanager in version 4")
        return tuple(_alert(each, notification.receiver) for each in notification.alerts)


def _alert(alert: _Alert, receiver: str) -> Alert:
    title = alert.annotations.get("summary") or alert.labels.get("alertname")
    return Alert(
        source=AlertSource.ALERTMANAGER,
        identity=alert.fingerprint,
        outbreak=alert.startsAt.astimezone(timezone.utc).isoformat(),
        firing=alert.status == "firing",
        began_at=alert.startsAt,
        fields={
            **given(title=title, url=alert.generatorURL, receiver=receiver),
            **{f"labels.{name}": value for name, value in alert.labels.items()},
            **{f"annotations.{name}": value for name, value in alert.annotations.items()},
        },
    )
