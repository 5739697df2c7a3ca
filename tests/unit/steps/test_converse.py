"""What is said about a run in the chat, and heard there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hotfix.domain.approval import Approval, ApprovalDecision, ApprovalRequest
from hotfix.domain.errors import ChatUnavailable
from hotfix.domain.incident import ApprovalMode, Incident
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.domain.rollback import Escalation
from hotfix.ports.chat import Said
from hotfix.steps.answers import settled
from hotfix.steps.approval import decide, delivered, request_approval
from hotfix.steps.converse import Conversation
from hotfix.steps.incident_messages import Links
from hotfix.steps.post_mortem_text import post_mortem_text
from hotfix.steps.record import read_record
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.chat import FakeChat
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.deployer import FakeDeployer
from tests.support.documents import (
    BASE,
    FIX,
    PEOPLE,
    a_diagnosis,
    a_fix,
    a_profile,
    a_security_report,
    a_test_report,
    an_assessment,
    an_incident,
)  # fmt: skip

PROFILE = a_profile(
    chat={"channel": "CINC", "on_call_group": "SONCALL"},
    commander="linus",
    identities=PEOPLE,
)
DIFF = "--- a/shop/pricing.py\n+++ b/shop/pricing.py\n@@ -1 +1 @@\n-a\n+b\n"
LINKS = Links(run="http://a/run", record="http://a/record", approve="http://a/yes", reject="http://a/no")


class Room:
    """A conversation with everything that it needs, and what the workflow records meanwhile."""

    def __init__(self, profile: Any = PROFILE, pressed: bool = False, **changes: Any) -> None:
        self.chat, self.ledger, self.clock = FakeChat(), InMemoryBugDatabase(), FakeClock()
        self.profile = profile
        self.incident: Incident = self.ledger.open_incident(an_incident(**changes))
        self.talk = Conversation(self.incident, profile, self.chat, self.ledger, self.clock, LINKS, pressed=pressed)

    def record(self, *documents: Any) -> None:
        for document in documents:
            self.ledger.record(self.incident, document)

    def ask(self, **fix: Any) -> ApprovalRequest:
        made, tests, security = a_fix(**fix), a_test_report(), a_security_report()
        self.record(made, tests, security)
        deployer = FakeDeployer(BASE, self.clock)
        request = request_approval(
            self.incident, self.profile, made, tests, security, DIFF, deployer=deployer, clock=self.clock
        )
        self.record(request)
        self.talk.ask(request, lambda: DIFF)
        return request

    def hears(self, account: str, text: str) -> None:
        self.chat.heard.append(Said(account=account, text=text, id=f"{account}/{text}", at=self.clock.now()))

    def decide(self, request: ApprovalRequest) -> Approval:
        known = delivered(request, ("Airflow", "Slack"))
        approval = decide(self.incident, known, self.ledger.answers(self.incident), request.deadline)
        self.record(approval)
        self.talk.close(known, approval, lambda: DIFF)
        return approval


@pytest.fixture
def room() -> Room:
    return Room()


def test_one_message_follows_the_run_and_details_go_into_its_thread(room: Room) -> None:
    room.talk.show()
    incident = room.chat.message("OPS-1/incident")
    assert incident.thread is None
    assert "Quotes for ten pieces fail" in incident.message.happened
    assert dict(incident.message.facts)["Phase"] == "assessment"
    room.record(an_assessment(), a_diagnosis())
    room.talk.show()
    assert dict(incident.message.facts)["Phase"] == "fix"
    assert [each.message.key for each in room.chat.posted] == ["OPS-1/incident", "OPS-1/1/assessment", "OPS-1/1/cause"]
    assert {each.thread for each in room.chat.posted[1:]} == {incident.place}
    before = [(each.message, each.edits) for each in room.chat.posted]
    room.talk.show()
    assert [(each.message, each.edits) for each in room.chat.posted] == before, "told again, nothing is doubled"


def test_the_next_attempt_goes_on_with_the_same_message(room: Room) -> None:
    room.talk.show()
    second = room.ledger.open_incident(an_incident(attempt=2, run_id="run-2"))
    Conversation(second, PROFILE, room.chat, room.ledger, room.clock, LINKS).show()
    (posted,) = room.chat.posted
    assert dict(posted.message.facts)["Attempt"] == "2 at OPS-1"


@pytest.mark.parametrize(
    ("ending", "words", "who"),
    [
        (Ending.FIXED, "The problem is gone", "shop-team"),
        (Ending.FIXED_RECORD_INCOMPLETE, "paperwork is incomplete", "shop-team"),
        (Ending.HANDED_OVER, "no emergency", "shop-team"),
        (Ending.ROLLED_BACK, "NOT fixed", "linus"),
        (Ending.FAILED, "not verified", "linus"),
    ],
)
def test_every_ending_says_what_it_means_and_who_must_act(room: Room, ending: Ending, words: str, who: str) -> None:
    room.record(RunOutcome(ending=ending, summary="OPS-1 ended", criteria=()))
    room.talk.show()
    message = room.chat.posted[0].message
    assert words in message.means
    assert dict(message.facts)["Who must act"] == who
    assert message.to_do


def test_the_request_says_what_will_change_and_how_to_answer(room: Room) -> None:
    room.ask()
    asked = room.chat.message("/approval")
    assert asked.thread == room.chat.message("OPS-1/incident").place
    facts = dict(asked.message.facts)
    assert facts["What will change"] == "+1 −1 lines in 1 files: shop/pricing.py"
    assert FIX[:12] in facts["Commit"]
    assert "passed: 3 passed" in facts["Tests"]
    assert facts["Security"].startswith("clear")
    assert facts["Risk"] == "every condition for a silent approval holds"
    assert BASE[:12] in facts["Rollback plan"]
    assert facts["Time left"] == "300 s from 03:00:00, until 03:05:00 UTC"
    assert asked.message.code == DIFF
    assert asked.message.mentions == ("UGRACE", "ULINUS"), "approvers are called; whoever started it is none"
    assert [(each.text, each.url) for each in asked.message.buttons] == [
        ("Approve in Airflow", "http://a/yes"), ("Reject in Airflow", "http://a/no"),
    ]  # fmt: skip
    assert "Silence until 03:05:00 UTC ships it" in asked.message.means


def test_where_slack_reaches_us_buttons_answer_by_themselves() -> None:
    room = Room(pressed=True)
    room.ask()
    approve, reject, link = room.chat.message("/approval").message.buttons
    assert (approve.action, approve.value, approve.url) == ("hotfix_approve", "run-1", "")
    assert (reject.action, reject.value) == ("hotfix_reject", "run-1")
    assert link.url == "http://a/yes"


def test_the_request_says_when_silence_does_not_ship() -> None:
    room = Room(approval=ApprovalMode.REQUIRED)
    room.ask()
    assert "Nothing ships without your yes" in room.chat.message("/approval").message.means
    room = Room()
    room.ask(proved=False)
    message = room.chat.message("/approval").message
    assert "Silence escalates instead of shipping: there is no reproducer" in message.means
    assert "the fix is proved: no" in dict(message.facts)["Risk"]


def test_asking_again_asks_once(room: Room) -> None:
    room.ask()
    room.ask()
    assert room.chat.message("/approval").edits == 0


def test_an_answer_is_heard_once_and_closes_the_request(room: Room) -> None:
    request = room.ask()
    room.clock.sleep(10)
    room.hears("UGRACE", ":white_check_mark:")
    room.talk.hear(request)
    room.talk.hear(request)
    (answer,) = room.ledger.answers(room.incident)
    assert (answer.user, answer.at) == ("grace", request.requested_at + timedelta(seconds=10))
    approval = room.decide(request)
    assert (approval.granted_by, approval.channel, approval.commit) == ("grace", "Slack", FIX)
    message = room.chat.message("/approval").message
    assert message.happened == "Approved by grace on Slack at 03:00:10 UTC."
    assert [each.text for each in message.buttons] == ["Open the run"]
    assert message.mentions == ()
    assert "Time left" not in dict(message.facts)


def test_whose_answer_does_not_count_is_told_why_and_it_is_on_record(room: Room) -> None:
    request = room.ask()
    for account in ("UADA", "USTRANGER"):
        room.hears(account, "approve")
    room.talk.hear(request)
    room.talk.hear(request)
    assert [account for account, _ in room.chat.whispers] == ["UADA", "USTRANGER"]
    assert "cannot approve it" in room.chat.whispers[0][1]
    assert settled(request, room.ledger.answers(room.incident)) is None
    approval = room.decide(request)
    assert approval.granted_by == "silence"
    assert len(approval.ignored_answers) == 2
    assert "ada started the hotfix" in dict(room.chat.message("/approval").message.facts)["Did not count"]


def test_with_two_approvers_one_is_not_enough_and_silence_never_ships() -> None:
    room = Room(a_profile(**{**PROFILE.model_dump(), "policy": {"approvals_needed": 2}}))
    request = room.ask()
    assert room.chat.message("/approval").message.to_do.startswith("Two different people of: grace, linus")
    room.hears("UGRACE", "approve")
    room.talk.hear(request)
    approval = room.decide(request)
    assert approval.decision is ApprovalDecision.ESCALATED
    assert "grace approved, and 2 people have to" in approval.why


def test_one_minute_before_the_end_the_approvers_are_called(room: Room) -> None:
    request = room.ask()
    room.talk.warn(request)
    room.talk.warn(request)
    warning = room.chat.message("-warning")
    assert warning.message.mentions == ("UGRACE", "ULINUS")
    assert "One minute left" in warning.message.title


def test_an_escalation_calls_the_group_and_the_commander(room: Room) -> None:
    escalation = Escalation(
        reason="production was not stable", attempted=("fix: revert",), rollback_candidates=("v1",),
        next_options=("go back to v1",), commander="linus", run_id="OPS-1__1",
    )  # fmt: skip
    assert room.talk.escalate(escalation, "https://issues/1") == ("SONCALL", "ULINUS")
    message = room.chat.message("/escalation").message
    assert "NOT fixed" in message.means
    assert dict(message.facts)["Issue"] == "https://issues/1"


def test_what_could_not_be_told_is_told_by_the_next_task(room: Room) -> None:
    room.chat.broken = ChatUnavailable("Slack did not answer.")
    with pytest.raises(ChatUnavailable):
        room.talk.show()
    room.chat.broken = None
    room.clock.sleep(60)
    room.record(an_assessment())
    room.talk.show()
    assert [each.message.key for each in room.chat.posted] == ["OPS-1/incident", "OPS-1/1/assessment"]


def test_the_post_mortem_says_who_decided_where_and_about_which_commit(room: Room) -> None:
    request = room.ask()
    room.clock.sleep(10)
    for account in ("UADA", "UGRACE"):
        room.hears(account, "approve")
    room.talk.hear(request)
    approval = room.decide(request).model_copy(update={"unheard": ("Slack: no answer",)})
    room.record(approval)
    text = post_mortem_text(read_record(room.incident, room.ledger), (), DIFF, room.clock.now())
    assert f"Approve by grace on Slack (UGRACE) at 2026-03-01 03:00:10, commit `{FIX[:12]}`" in text
    assert "did not count: Approve (ada started the hotfix and cannot approve it)" in text
    assert "not heard at the end: Slack: no answer" in text
