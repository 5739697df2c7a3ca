"""The chat of an incident as Airflow's side makes it, and that it never is in anybody's way."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hotfix.airflow import chat, notifications, slack_access
from hotfix.airflow.notifications import TOLD, TellTheChat
from hotfix.domain.errors import ChatRefused, HotfixError
from hotfix.domain.incident import Incident
from hotfix.domain.rollback import Escalation
from hotfix.steps.converse import Conversation
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.chat import FakeChat
from tests.contract.fakes.clock import FakeClock
from tests.support.documents import PEOPLE, a_profile, an_incident

pytestmark = pytest.mark.airflow

TOKEN = "xoxb-a-token-that-nobody-may-see"
WITH_CHAT = a_profile(chat={"channel": "CINC"}, identities=PEOPLE)


class Tools:
    """The toolbox of an installation whose only service is ``profile``."""

    def __init__(self, profile: Any = WITH_CHAT) -> None:
        self.clock, self.bug_database = FakeClock(), InMemoryBugDatabase()
        self.catalog = SimpleNamespace(profile=lambda name: profile)
        self.incident: Incident = self.bug_database.open_incident(
            an_incident(run_id="manual__2026-03-01T03:00:00+00:00")
        )

    @property
    def record(self) -> list[str]:
        return [event.what for event in self.bug_database.timeline(self.incident)]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    return install(monkeypatch, Tools())


def install(monkeypatch: pytest.MonkeyPatch, tools: Tools) -> Tools:
    monkeypatch.delenv("AIRFLOW_CONN_SLACK_DEFAULT", raising=False)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/prod/")
    for module in (chat, notifications):
        monkeypatch.setattr(module, "toolbox", lambda: tools)
    return tools


def connect(monkeypatch: pytest.MonkeyPatch, **extra: str) -> None:
    content = {"conn_type": "slack", "password": TOKEN, "extra": {"base_url": "http://127.0.0.1:9/api/", **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps(content))


def after(tools: Tools, task: str = "fix.apply_fix") -> None:
    run = SimpleNamespace(run_id=tools.incident.run_id)
    TellTheChat().notify({"ti": SimpleNamespace(task_id=task), "dag_run": run})  # type: ignore[typeddict-item]


def test_without_a_connection_it_says_what_it_did_not_do(tools: Tools, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="hotfix"):
        after(tools)
        after(tools)
    line = "nobody is told anything: there is no Connection slack_default"
    assert tools.record == [line], "once in the record"
    assert line in caplog.text


def test_a_profile_without_a_channel_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = install(monkeypatch, Tools(a_profile()))
    connect(monkeypatch)
    after(tools)
    assert tools.record == ["nobody is told anything: the profile of shop names no chat.channel"]


def test_a_slack_that_does_not_answer_changes_nothing_and_is_on_record(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connect(monkeypatch)
    monkeypatch.setattr(chat, "BUDGET", 1.0)
    monkeypatch.setattr(notifications, "conversation", lambda incident: chat.conversation(incident, 1.0))
    after(tools)
    (what,) = tools.record
    assert "telling the state after fix.apply_fix: not done. Slack did not answer " in what
    assert TOKEN not in caplog.text + what


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ChatRefused("Slack refused it: invalid_auth.", "Put a valid bot token in."), "invalid_auth. Put a valid bot"),
        (RuntimeError(f"sent {TOKEN}"), "not done. RuntimeError"),
    ],
)
def test_whatever_goes_wrong_stays_there(tools: Tools, error: Exception, words: str) -> None:
    said: list[str] = []
    with chat.never_in_the_way(tools.incident, "asking", said.append):
        raise error
    assert words in tools.record[0]
    assert said == [f"chat: {tools.record[0]}"]
    assert TOKEN not in said[0]


def test_a_ledger_that_is_away_stops_nobody_either(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise HotfixError("The ledger does not answer.")

    monkeypatch.setattr(tools.bug_database, "note", away)
    said: list[str] = []
    with chat.never_in_the_way(tools.incident, "asking", said.append):
        raise ChatRefused("no")
    assert said[-1] == "chat: not noted in the record. The ledger does not answer."


def test_buttons_open_required_actions_with_the_option_chosen(tools: Tools) -> None:
    links = chat.links(tools.incident)
    run = "https://airflow.example.com/prod/dags/emergency_hotfix/runs/manual__2026-03-01T03%3A00%3A00%2B00%3A00"
    assert links.run == run
    for link, option in ((links.approve, "Approve"), (links.reject, "Reject")):
        assert link.startswith(f"{run}/tasks/deployment.await_approval/required_actions?")
        (chosen,) = parse_qs(urlsplit(link).query)["_options"]
        assert json.loads(chosen) == [option], "the page reads JSON"


def test_where_the_address_is_not_known_there_are_no_links(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "/")
    assert chat.links(tools.incident) == chat.Links()


def test_what_the_connection_says(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, signing_secret="s3cret", digest_channel="CALL")
    access = slack_access.slack()
    assert access is not None
    assert (access.signing_secret, access.digests, access.client.token) == ("s3cret", "CALL", TOKEN)
    assert access.client.retry_handlers == []
    assert "s3cret" not in repr(access)
    assert TOKEN not in repr(access)
    talk = chat.conversation(tools.incident)
    assert isinstance(talk, Conversation)
    assert talk.pressed


def test_a_connection_without_a_token_says_so(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps({"conn_type": "slack"}))
    with pytest.raises(HotfixError, match="slack_default cannot be used"):
        slack_access.slack()


def test_digests_say_why_nobody_is_told(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    message = chat.Message(key="metrics/2026-W09", title="Hotfixes", happened="None.")
    assert "no Connection slack_default" in chat.tell_everybody("metrics", message, print)
    connect(monkeypatch)
    assert "names no digest_channel" in chat.tell_everybody("metrics", message, print)


def test_every_task_of_a_run_tells_the_chat(hotfix: Any) -> None:
    assert set(TOLD) == {"on_success_callback", "on_failure_callback", "on_retry_callback"}
    assert len(hotfix.tasks) > 20
    for task in hotfix.tasks:
        for name, notifiers in TOLD.items():
            assert any(isinstance(each, TellTheChat) for each in notifiers)
            assert set(notifiers) <= set(getattr(task, name)), (task.task_id, name)


def test_an_escalation_says_whom_it_called_or_why_nobody(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    from hotfix.airflow import follow_up_tasks

    escalation = Escalation(
        reason="not stable", attempted=(), rollback_candidates=(), next_options=("write a patch",),
        commander="linus", run_id="OPS-1__1",
    )  # fmt: skip
    said = follow_up_tasks._called(tools.incident, escalation, "issue")
    assert said == "nobody was called: there is no Connection slack_default"
    room = FakeChat()
    profile = a_profile(chat={"channel": "CINC", "on_call_group": "SONCALL"}, identities=PEOPLE)
    talk = Conversation(tools.incident, profile, room, tools.bug_database, tools.clock, chat.Links())
    monkeypatch.setattr(follow_up_tasks, "conversation", lambda incident: talk)
    said = follow_up_tasks._called(tools.incident, escalation, "issue")
    assert said == "called in Slack: SONCALL, ULINUS"
    room.broken = ChatRefused("no")
    again = escalation.model_copy(update={"reason": "another"})
    assert follow_up_tasks._called(tools.incident, again, "issue").startswith("nobody was called: the chat does not")
