"""Where people talk: a channel with one message an incident, and its thread."""

from __future__ import annotations

from typing import Protocol

from hotfix.domain.document import Document, Instant
from hotfix.domain.message import Message, Place


class Said(Document):
    """A reply or a reaction of a person, by an id of its own. ``at`` is None where the service keeps no time."""

    account: str
    text: str
    id: str
    at: Instant | None


class Chat(Protocol):
    """Every method raises ``ChatUnavailable`` where another try may succeed, ``ChatRefused`` where none will."""

    name: str

    def post(self, message: Message, thread: Place | None = None) -> Place:
        """Post a message, or find it where an earlier try has posted it although nobody heard of it."""

    def find(self, key: str, thread: Place | None = None) -> Place | None:
        """A message of ours by its key, among the latest of the channel or in a thread."""

    def update(self, place: Place, message: Message) -> None: ...

    def whisper(self, place: Place, account: str, text: str) -> None:
        """Say something below a message that only one person sees."""

    def said(self, request: Place, thread: Place) -> tuple[Said, ...]:
        """What people replied in a thread, and how they reacted to one message in it (``:name:``)."""
