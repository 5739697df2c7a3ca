"""Alerts of any other tool: JSON of our own, signed together with the time (docs/intake.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from hotfix.adapters.alert_formats.payload import given, read
from hotfix.adapters.alert_formats.signatures import hmac_sha256, signed
from hotfix.domain.alert import Alert, AlertSource
from hotfix.ports.alert_format import Credentials

REPLAY_WINDOW_SECONDS = 300


class _Alert(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=500)
    status: Literal["firing", "resolved"]
    started_at: AwareDatetime
    title: str = Field(min_length=1)
    url: str = ""
    fields: dict[str, str] = Field(default_factory=dict)


class GenericFormat:
    def is_authentic(self, headers: Mapping[str, str], body: bytes, credentials: Credentials, now: datetime) -> bool:
        """``t=<Unix seconds>,v1=<signature of "<t>.<body>">``, not older and not newer than the replay window."""
        parts = [part.strip().partition("=") for part in headers.get("x-hotfix-signature", "").split(",")]
        times = [value for name, _, value in parts if name == "t"]
        if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
            return False
        content = _signed_content(times[0], body)
        genuine = signed((value for name, _, value in parts if name == "v1"), content, credentials)
        return genuine and abs(now.timestamp() - int(times[0])) <= REPLAY_WINDOW_SECONDS

    def alerts(self, headers: Mapping[str, str], body: bytes) -> tuple[Alert, ...]:
        alert = read(_Alert, body, "an alert in the generic form")
        one = Alert(
            source=AlertSource.GENERIC,
            identity=alert.id,
            outbreak=alert.started_at.astimezone(timezone.utc).isoformat(),
            firing=alert.status == "firing",
            began_at=alert.started_at,
            fields={
                **given(title=alert.title, url=alert.url),
                **{f"fields.{name}": value for name, value in alert.fields.items()},
            },
        )
        return (one,)


def sign(secret: str, body: bytes, at: datetime) -> str:
    """The header ``X-Hotfix-Signature`` for a body that is sent at that time."""
    moment = str(int(at.timestamp()))
    return f"t={moment},v1={hmac_sha256(secret, _signed_content(moment, body))}"


def _signed_content(moment: str, body: bytes) -> bytes:
    return f"{moment}.".encode() + body
