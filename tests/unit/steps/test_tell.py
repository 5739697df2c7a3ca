"""Told once, whatever happens in between."""

from __future__ import annotations

import pytest

from hotfix.domain.errors import ChatRefused, ChatUnavailable
from hotfix.domain.message import Message
from hotfix.steps.tell import ON_ITS_WAY, tell
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.chat import FakeChat
from tests.contract.fakes.clock import FakeClock

MESSAGE = Message(key="INC-1/incident", title="shop", happened="It broke.")
FIXED = MESSAGE.model_copy(update={"happened": "It is fixed."})


class Teller:
    def __init__(self) -> None:
        self.chat, self.ledger, self.clock = FakeChat(), InMemoryBugDatabase(), FakeClock()

    def tell(self, message: Message = MESSAGE, alone: bool = False) -> object:
        return tell("INC-1", message, chat=self.chat, ledger=self.ledger, clock=self.clock, alone=alone)


@pytest.fixture
def teller() -> Teller:
    return Teller()


def test_the_same_message_is_posted_once_and_not_touched_again(teller: Teller) -> None:
    assert teller.tell() == teller.tell() == teller.chat.posted[0].place
    (posted,) = teller.chat.posted
    assert posted.edits == 0


def test_a_changed_message_is_changed_where_it_stands(teller: Teller) -> None:
    teller.tell()
    teller.tell(FIXED)
    teller.tell(FIXED)
    (posted,) = teller.chat.posted
    assert (posted.message, posted.edits) == (FIXED, 1)


def test_a_worker_that_died_before_it_could_note_the_place_posts_no_second_message(teller: Teller) -> None:
    teller.chat.lost_answer = ChatUnavailable("no answer")
    with pytest.raises(ChatUnavailable):
        teller.tell()
    teller.chat.lost_answer = None
    assert teller.tell(FIXED, alone=True) == teller.chat.posted[0].place
    (posted,) = teller.chat.posted
    assert posted.message == FIXED


def test_a_message_that_never_arrived_is_posted_by_the_next_try(teller: Teller) -> None:
    teller.chat.broken = ChatRefused("Slack refused chat.postMessage: channel_not_found.")
    with pytest.raises(ChatRefused):
        teller.tell()
    teller.chat.broken = None
    assert teller.tell() is None, "another process may be sending it just now"
    assert teller.chat.posted == []
    teller.clock.sleep(ON_ITS_WAY.total_seconds())
    assert teller.tell() == teller.chat.posted[0].place


def test_an_update_that_failed_is_made_up_for(teller: Teller) -> None:
    teller.tell()
    teller.chat.broken = ChatUnavailable("no answer")
    with pytest.raises(ChatUnavailable):
        teller.tell(FIXED)
    teller.chat.broken = None
    teller.tell(FIXED)
    assert teller.chat.posted[0].message == FIXED
