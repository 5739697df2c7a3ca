"""What Alertmanager sends."""

from __future__ import annotations

import json


def notification(service: str, fingerprint: str) -> bytes:
    """The body of a notification with one alert."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "Errors", "service": service, "severity": "critical"},
        "annotations": {"summary": "The error rate is above five percent"},
        "startsAt": "2026-03-01T02:55:04.471Z",
        "fingerprint": fingerprint,
    }
    return json.dumps({"version": "4", "receiver": "hotfix", "status": "firing", "alerts": [alert]}).encode()
