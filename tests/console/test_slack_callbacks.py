"""Pressed buttons: signed by Slack itself, kept in the ledger, and nothing else gets in."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hotfix.console.slack import BODY_LIMIT, slack_callbacks
from hotfix.domain.approval import Approval
from hotfix.domain.errors import HotfixError
from hotfix.steps.answers import settled
from hotfix.steps.approval import decide
from hotfix.steps.press import Press, keep_press
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.support.documents import PEOPLE, a_profile, an_approval_request, an_incident
from tests.support.workspace import SIGNING_SECRET, signature

ADDRESS = "/hotfix-slack/interactions"


def payload(action: str = "hotfix_approve", user: str = "UGRACE", **changes: Any) -> bytes:
    content = {
        "type": "block_actions",
        "user": {"id": user, "username": "grace"},
        "actions": [{"action_id": action, "value": "run-1", "action_ts": "1772334010.000100", "type": "button"}],
        **changes,
    }
    return urllib.parse.urlencode({"payload": json.dumps(content)}).encode()


class Office:
    """The callbacks as the plugin mounts them, with a ledger in which a request is open."""

    def __init__(self) -> None:
        self.secret = SIGNING_SECRET
        self.ledger = InMemoryBugDatabase()
        self.incident = self.ledger.open_incident(an_incident())
        self.request = an_approval_request()
        self.ledger.record(self.incident, self.request)
        self.broken: HotfixError | None = None
        api_server = FastAPI()
        api_server.mount("/hotfix-slack", slack_callbacks(lambda: self.secret, self._press))
        self.client = TestClient(api_server)

    def send(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        return self.client.post(
            ADDRESS, content=body, headers=signature(body) if headers is None else headers
        ).status_code

    @property
    def answers(self) -> list[tuple[str, str]]:
        return [(answer.option, answer.user) for answer in self.ledger.answers(self.incident)]

    def _press(self, press: Press) -> None:
        if self.broken:
            raise self.broken
        incident = self.ledger.incident_of_run(press.value)
        if incident is not None:
            keep_press(press, incident, a_profile(identities=PEOPLE), "Slack", self.ledger)


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    with office.client:
        yield office


@pytest.mark.parametrize(("action", "option"), [("hotfix_approve", "Approve"), ("hotfix_reject", "Reject")])
def test_a_pressed_button_decides(office: Office, action: str, option: str) -> None:
    assert office.send(payload(action)) == 200
    found = settled(office.request, office.ledger.answers(office.incident))
    assert found is not None
    assert (found.option, found.answers[0].user, found.answers[0].account) == (option, "grace", "UGRACE")


def test_pressed_twice_or_sent_twice_is_one_answer(office: Office) -> None:
    body = payload()
    headers = signature(body)
    assert [office.send(body, headers), office.send(body, headers)] == [200, 200]
    assert office.answers == [("Approve", "grace")]


def test_what_slack_did_not_sign_changes_nothing(office: Office) -> None:
    body = payload()
    fresh = signature(body)
    refused = [
        {},
        {"X-Slack-Signature": fresh["X-Slack-Signature"]},
        {**fresh, "X-Slack-Signature": "v0=" + "0" * 64},
        {**fresh, "X-Slack-Request-Timestamp": "soon"},
        {**fresh, "X-Slack-Request-Timestamp": str(int(time.time()) + 1000)},
        signature(body, secret="another"),
        signature(body, age=301),
        signature(payload("hotfix_reject")),
    ]
    assert [office.send(body, headers) for headers in refused] == [401] * len(refused)
    assert office.answers == []
    assert office.send(body, signature(body, age=290)) == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"payload=", b"payload=%7B", b"other=1", payload(user="grace; drop"), payload(user=""), payload(actions="x")],
)
def test_what_is_no_interaction_is_refused(office: Office, body: bytes) -> None:
    assert office.send(body) == 422
    assert office.answers == []


def test_other_interactions_are_taken_and_mean_nothing(office: Office) -> None:
    assert office.send(payload("open_link")) == 200
    assert office.send(payload(type="view_submission")) == 200
    elsewhere = [{"action_id": "hotfix_approve", "value": "run-9", "action_ts": "1772334010.1"}]
    assert office.send(payload(actions=elsewhere)) == 200
    assert office.answers == []


def test_after_the_decision_nothing_is_kept(office: Office) -> None:
    approval: Approval = decide(office.incident, office.request, (), office.request.deadline)
    office.ledger.record(office.incident, approval)
    assert office.send(payload()) == 200
    assert office.answers == []


def test_an_answer_that_could_not_be_kept_is_not_confirmed(office: Office) -> None:
    office.broken = HotfixError("The ledger does not answer.")
    assert office.send(payload()) == 503


def test_a_body_without_end_is_not_read(office: Office) -> None:
    body = b"payload=" + b"x" * BODY_LIMIT
    assert office.send(body) == 413


def test_without_a_secret_there_is_no_such_address(office: Office) -> None:
    office.secret = ""
    assert office.send(payload()) == 404
