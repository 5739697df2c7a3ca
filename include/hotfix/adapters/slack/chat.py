"""The ``Chat`` port on Slack's Web API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from slack_sdk import WebClient

from hotfix.adapters.slack.blocks import blocks_of, escaped, plain_text
from hotfix.adapters.slack.calls import SlackCalls
from hotfix.domain.errors import ChatUnavailable
from hotfix.domain.message import Message, Place
from hotfix.ports.chat import Said
from hotfix.ports.clock import Clock

# Messages that are looked through for one of ours, and pages of a thread that are read.
LOOKED_THROUGH, PAGES = 100, 5


class SlackChat:
    """One channel of one workspace; ``budget`` as in ``SlackCalls``."""

    name = "Slack"

    def __init__(self, client: WebClient, channel: str, clock: Clock, budget: float = 10) -> None:
        self._calls = SlackCalls(client, clock, budget)
        self._channel = channel

    def post(self, message: Message, thread: Place | None = None) -> Place:
        arguments: dict[str, Any] = {"channel": self._channel, **_content(message), "unfurl_links": False}
        if thread is not None:
            arguments |= {"channel": thread.channel, "thread_ts": thread.id, "reply_broadcast": message.loud}
        try:
            answer = self._calls.write("chat.postMessage", arguments, repeat=False)
        except ChatUnavailable:
            # It may have arrived although its answer did not.
            if place := self.find(message.key, thread):
                return place
            answer = self._calls.write("chat.postMessage", arguments, repeat=False)
        return Place(channel=str(answer["channel"]), id=str(answer["ts"]))

    def find(self, key: str, thread: Place | None = None) -> Place | None:
        channel = thread.channel if thread else self._channel
        for message in self._thread(thread) if thread else self._latest():
            if (message.get("blocks") or [{}])[0].get("block_id") == key:
                return Place(channel=channel, id=str(message["ts"]))
        return None

    def update(self, place: Place, message: Message) -> None:
        self._calls.write("chat.update", {"channel": place.channel, "ts": place.id, **_content(message)})

    def whisper(self, place: Place, account: str, text: str) -> None:
        where = {"channel": place.channel, "thread_ts": place.id}
        self._calls.write("chat.postEphemeral", {**where, "user": account, "text": escaped(text)})

    def said(self, request: Place, thread: Place) -> tuple[Said, ...]:
        found = self._calls.read("reactions.get", {"channel": request.channel, "timestamp": request.id, "full": True})
        reactions = [
            Said(account=user, text=f":{reaction['name']}:", id=f"{user}/:{reaction['name']}:", at=None)
            for reaction in found.get("message", {}).get("reactions", ())
            for user in reaction["users"]
        ]
        messages = list(self._thread(thread))
        # An app's own posts carry a bot id; those made with a token of another kind only our own user.
        ours = {message.get("user") for message in messages if message["ts"] == request.id}
        replies = [
            _reply(message)
            for message in messages
            if message["ts"] > request.id and message.get("user") not in {None, *ours} and not message.get("bot_id")
        ]
        return (*reactions, *replies)

    def _latest(self) -> list[Mapping[str, Any]]:
        answer = self._calls.read("conversations.history", {"channel": self._channel, "limit": LOOKED_THROUGH})
        return list(answer.get("messages", ()))

    def _thread(self, thread: Place) -> Iterator[Mapping[str, Any]]:
        cursor = ""
        for _ in range(PAGES):
            arguments = {"channel": thread.channel, "ts": thread.id, "limit": 200}
            answer = self._calls.read("conversations.replies", {**arguments, **({"cursor": cursor} if cursor else {})})
            yield from answer.get("messages", ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return


def _content(message: Message) -> dict[str, Any]:
    return {"text": plain_text(message), "blocks": blocks_of(message)}


def _reply(message: Mapping[str, Any]) -> Said:
    """A reply; an edited one counts from its edit on, and as another utterance."""
    edited = (message.get("edited") or {}).get("ts")
    moment = str(edited or message["ts"])
    return Said(
        account=str(message["user"]),
        text=str(message.get("text", "")),
        id=f"{message['ts']}/{edited}" if edited else str(message["ts"]),
        at=datetime.fromtimestamp(float(moment), timezone.utc),
    )
