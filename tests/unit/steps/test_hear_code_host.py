"""Answers on the code host become answers of people."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hotfix.adapters.local_code_host import LocalCodeHost
from hotfix.domain.approval import ApprovalRequest
from hotfix.domain.document import Sha
from hotfix.domain.incident import Incident
from hotfix.ports.code_host import HostAnswer
from hotfix.steps.answers import settled, why_invalid
from hotfix.steps.hear_code_host import hear
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.support.documents import FIX, NOW, a_profile, an_incident


class Talkative(LocalCodeHost):
    """GitHub with these answers; ``asked`` is what it was asked for."""

    name = "GitHub"

    def __init__(self, *said: HostAnswer) -> None:
        super().__init__(InMemoryBugDatabase())
        self.said = said
        self.asked: list[tuple[Sha, datetime]] = []

    def answers(self, incident: Incident, commit: Sha, since: datetime) -> tuple[HostAnswer, ...]:
        self.asked.append((commit, since))
        return self.said


def said(user: str, approve: bool = True, number: int = 1, commit: str | None = None) -> HostAnswer:
    where = f"https://github.com/acme/shop/issues/1#issuecomment-{number}"
    moment = NOW + timedelta(seconds=number)
    return HostAnswer(approve=approve, user=user, where=where, at=moment, text="/approve", commit=commit)


def request() -> ApprovalRequest:
    return ApprovalRequest(
        commit=FIX,
        subject="Ship?",
        body="",
        requested_at=NOW + timedelta(microseconds=700),
        deadline=NOW + timedelta(minutes=5),
        silence=(),
        approvers=("grace",),
        requester="ada",
    )


PROFILE = a_profile(identities={"grace": {"github": "Grace-H"}, "ada": {"github": "ada-l"}})


def test_an_account_that_the_profile_knows_is_that_person_and_decides() -> None:
    ledger = InMemoryBugDatabase()
    incident = ledger.open_incident(an_incident())
    host = Talkative(said("grace-h"))
    for _ in range(2):
        hear(incident, request(), PROFILE, code_host=host, ledger=ledger)
    assert host.asked == [(FIX, NOW)] * 2
    (answer,) = ledger.answers(incident)
    assert (answer.user, answer.account, answer.channel, answer.option) == ("grace", "grace-h", "GitHub", "Approve")
    won = settled(request(), ledger.answers(incident))
    assert won is not None
    assert won.option == "Approve"


def test_the_reporter_strangers_and_other_commits_decide_nothing() -> None:
    ledger = InMemoryBugDatabase()
    incident = ledger.open_incident(an_incident())
    talk = (said("ada-l"), said("nobody", number=2), said("grace-h", number=3, commit="b" * 40))
    hear(incident, request(), PROFILE, code_host=Talkative(*talk), ledger=ledger)
    reasons = [why_invalid(request(), answer) for answer in ledger.answers(incident)]
    assert settled(request(), ledger.answers(incident)) is None
    assert len(reasons) == 3
    assert "cannot approve it" in reasons[0]
    assert "know nobody who is nobody on GitHub" in reasons[1]
    assert "it is about bbbbbbbbbbbb" in reasons[2]


def test_what_was_a_yes_and_is_edited_into_a_no_stops_it() -> None:
    ledger = InMemoryBugDatabase()
    incident = ledger.open_incident(an_incident())
    yes = said("grace-h")
    no = replace(said("grace-h", approve=False, number=2), where=f"{yes.where} as edited", edited=True)
    for heard in (yes, no):
        hear(incident, request(), PROFILE, code_host=Talkative(heard), ledger=ledger)
    assert [(answer.option, answer.edited) for answer in ledger.answers(incident)] == [
        ("Approve", False),
        ("Reject", True),
    ]
    two_needed = request().model_copy(update={"approvals_needed": 2})
    won = settled(two_needed, ledger.answers(incident))
    assert won is not None
    assert won.option == "Reject"
