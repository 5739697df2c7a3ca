"""A chat in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from hotfix.domain.errors import HotfixError
from hotfix.domain.message import Message, Place
from hotfix.ports.chat import Said


@dataclass
class Posted:
    message: Message
    place: Place
    thread: Place | None
    edits: int = 0


@dataclass
class FakeChat:
    """``broken`` is raised by every call; ``lost_answers`` posts arrive without the workflow hearing of it."""

    name: str = "Slack"
    posted: list[Posted] = field(default_factory=list)
    whispers: list[tuple[str, str]] = field(default_factory=list)
    heard: list[Said] = field(default_factory=list)
    broken: HotfixError | None = None
    lost_answer: HotfixError | None = None

    def post(self, message: Message, thread: Place | None = None) -> Place:
        self._works()
        place = Place(channel="C1", id=f"{1000 + len(self.posted)}.000100")
        self.posted.append(Posted(message, place, thread))
        if self.lost_answer:
            raise self.lost_answer
        return place

    def find(self, key: str, thread: Place | None = None) -> Place | None:
        self._works()
        for each in self.posted:
            if each.message.key == key and each.thread == thread:
                return each.place
        return None

    def update(self, place: Place, message: Message) -> None:
        self._works()
        (known,) = [each for each in self.posted if each.place == place]
        known.message = message
        known.edits += 1

    def whisper(self, place: Place, account: str, text: str) -> None:
        self._works()
        self.whispers.append((account, text))

    def said(self, request: Place, thread: Place) -> tuple[Said, ...]:
        self._works()
        return tuple(self.heard)

    def message(self, key: str) -> Posted:
        """The one message with a key that ends so."""
        (found,) = [each for each in self.posted if each.message.key.endswith(key)]
        return found

    def _works(self) -> None:
        if self.broken:
            raise self.broken
