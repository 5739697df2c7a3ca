"""Tell people something once, however often a task runs."""

from __future__ import annotations

from datetime import timedelta

from hotfix.domain.message import Message, Place, Told
from hotfix.ports.chat import Chat
from hotfix.ports.clock import Clock
from hotfix.ports.correspondence import Correspondence

# As long as this a message that was begun may still be on its way from another process.
ON_ITS_WAY = timedelta(seconds=20)


def tell(
    scope: str,
    message: Message,
    *,
    chat: Chat,
    ledger: Correspondence,
    clock: Clock,
    thread: Place | None = None,
    alone: bool = False,
) -> Place | None:
    """Post a message, or bring the one that stands there up to date; returns where it stands.

    None when another process is just posting it; with ``alone`` there is no other, and a message that was begun is
    looked for in the chat instead. Raises what ``Chat`` raises.
    """
    known = ledger.told(scope, message.key)
    if known is not None and known.place is not None:
        if known.digest != message.digest:
            chat.update(known.place, message)
            ledger.save_told(scope, known.model_copy(update={"digest": message.digest}))
        return known.place
    begun_at = clock.now()
    if ledger.begin_message(scope, message.key, begun_at):
        place = chat.post(message, thread)
    else:
        known = ledger.told(scope, message.key) or Told(key=message.key, begun_at=begun_at)
        if not alone and clock.now() - known.begun_at < ON_ITS_WAY:
            return known.place
        begun_at = known.begun_at
        place = known.place or chat.find(message.key, thread) or chat.post(message, thread)
        # What stands there may be what an earlier try had to say.
        chat.update(place, message)
    ledger.save_told(scope, Told(key=message.key, begun_at=begun_at, place=place, digest=message.digest))
    return place
