"""A Slack workspace as people see it, past the code that is tested."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import Any

from slack_sdk.signature import Clock, SignatureVerifier

from tests.support.emulated import TOKENS, Emulated

SIGNING_SECRET = "signing-secret-of-the-tests"


class Workspace:
    """``ids`` are member ids by login; the workflow writes with ``token`` into ``channel``."""

    token = TOKENS["hotfix-bot"]

    def __init__(self, emulated: Emulated) -> None:
        self.url = emulated.slack
        self.api = f"{self.url}/api/"
        channels = self.ask("conversations.list")["channels"]
        (self.channel,) = [each["id"] for each in channels if each["name"] == "incidents"]
        self.ids = {each["name"]: each["id"] for each in self.ask("users.list")["members"]}

    @property
    def connection(self) -> str:
        """The Airflow Connection to it, for an environment variable."""
        extra = {"base_url": self.api, "signing_secret": SIGNING_SECRET, "digest_channel": self.channel}
        return json.dumps({"conn_type": "slack", "password": self.token, "extra": extra})

    def ask(self, method: str, login: str = "approver", **arguments: Any) -> dict[str, Any]:
        """A call as ``login``."""
        request = urllib.request.Request(
            f"{self.api}{method}",
            data=urllib.parse.urlencode(arguments).encode(),
            headers={"Authorization": f"Bearer {TOKENS[login]}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: dict[str, Any] = json.load(answer)
        assert content["ok"], content
        return content

    def messages(self, incident_id: str) -> dict[str, dict[str, Any]]:
        """What the workflow said about an incident, by what the keys end with. A key that is there twice fails."""
        found: dict[str, dict[str, Any]] = {}
        history = self.ask("conversations.history", channel=self.channel, limit=1000)["messages"]
        threads = [
            self.ask("conversations.replies", channel=self.channel, ts=each["ts"])["messages"] for each in history
        ]
        for message in (each for thread in threads for each in thread):
            key = str((message.get("blocks") or [{}])[0].get("block_id", ""))
            if key.startswith(f"{incident_id}/"):
                assert key not in found, f"{key} is there twice"
                found[key] = message
        return {key.split("/", 1)[1]: message for key, message in found.items()}

    def press(self, address: str, message: dict[str, Any], text: str, login: str = "approver") -> int:
        """What Slack does when somebody presses a button below a message: the HTTP status that it gets."""
        (button,) = [
            each
            for block in message["blocks"]
            if block["type"] == "actions"
            for each in block["elements"]
            if each["text"]["text"] == text
        ]
        pressed = {"action_id": button["action_id"], "value": button["value"], "action_ts": f"{time.time():.6f}"}
        content = {"type": "block_actions", "user": {"id": self.ids[login]}, "actions": [pressed]}
        body = urllib.parse.urlencode({"payload": json.dumps(content)}).encode()
        request = urllib.request.Request(address, data=body, headers=signature(body))
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)


def signature(body: bytes, secret: str = SIGNING_SECRET, age: float = 0) -> dict[str, str]:
    """The headers with which Slack signs a request of ``age`` seconds ago."""
    stamp = str(int(time.time() - age))
    signed = SignatureVerifier(secret, _At(float(stamp))).generate_signature(timestamp=stamp, body=body)
    assert signed
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signed}


class _At(Clock):
    def __init__(self, moment: float) -> None:
        self._moment = moment

    def now(self) -> float:
        return self._moment
