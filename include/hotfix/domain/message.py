"""What people are told: what happened, what it means, what to do."""

from __future__ import annotations

import hashlib

from pydantic import Field

from hotfix.domain.document import Document, Instant


class Place(Document):
    """Where a message stands: a channel, and the message's id in it. Both as the chat service names them."""

    channel: str
    id: str


class Button(Document):
    """``url`` opens a page; without one, pressing it tells ``value`` to the workflow."""

    text: str
    url: str = ""
    action: str = ""
    value: str = ""
    style: str = Field(default="", pattern="^(|primary|danger)$")


class Message(Document):
    """A message without the words of any chat service.

    ``key`` names it within its incident, the same on every try. ``mentions`` are accounts and ``groups`` groups of the
    chat service. ``loud`` shows a reply in the channel as well. ``until`` is shown as a local time.
    """

    key: str
    title: str
    happened: str
    means: str = ""
    to_do: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    code: str = ""
    buttons: tuple[Button, ...] = ()
    mentions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    until: Instant | None = None
    loud: bool = False

    @property
    def digest(self) -> str:
        """The same for the same content, so that an unchanged message is not sent again."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Told(Document):
    """What the ledger knows of a message. Without ``place`` it was begun and perhaps never arrived."""

    key: str
    begun_at: Instant
    place: Place | None = None
    digest: str = ""
