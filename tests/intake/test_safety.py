"""Who is let in, and what a request may be."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from hotfix.adapters.alert_formats.generic import sign
from hotfix.domain.alert import AlertSource
from hotfix.intake.app import ANSWER_SECONDS, BODY_LIMIT, intake
from hotfix.intake.credentials import CredentialBook
from hotfix.intake.desk import Desk
from hotfix.ports.alert_format import Credentials
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.hotfix_runs import InMemoryHotfixRuns
from tests.intake.conftest import EVENTS, JSON, SECRET, Sender, payload

SOURCES = [source.value for source in AlertSource]


@pytest.fixture(autouse=True)
def no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert SECRET not in caplog.text


def body_of(source: str) -> bytes:
    return json.dumps(payload(source)).encode()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "forged", ["unsigned", "another secret", "another body", "empty", "garbage", "another source's"]
)
def test_what_is_not_signed_starts_nothing(source: str, forged: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
    body = body_of(source)
    good = sender.signature(source, body)
    signature = {
        "unsigned": {},
        "another secret": sender.signature(source, body, "another-secret-of-these-tests"),
        "another body": sender.signature(source, body + b" ")
        if source != "alertmanager"
        else {"Authorization": "Bearer"},
        "empty": dict.fromkeys(good, ""),
        "garbage": dict.fromkeys(good, "v1=\xff,t=1e9,sha256=é,Basic !!"),
        "another source's": {"X-Signature": next(iter(good.values()))},
    }[forged]
    latin = {name: value.encode("latin-1") for name, value in signature.items()}
    status, answer = sender.post(source, body, {**JSON, **EVENTS.get(source, {}), **latin})  # type: ignore[dict-item]
    assert status == 401
    assert answer == {"error": "The request is not signed with the secret of this source."}
    assert runs.runs == []


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_bytes_signed_are_let_in(source: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
    body = b" " + body_of(source) + b"\n"
    headers = {**JSON, **EVENTS.get(source, {}), **sender.signature(source, body)}
    assert sender.post(source, body, headers)[0] == 200
    assert len(runs.runs) == 1


def test_alertmanager_may_send_a_password(sender: Sender) -> None:
    body = body_of("alertmanager")
    for user, password, status in (
        ("alertmanager", SECRET, 200),
        ("alertmanager", "wrong", 401),
        ("", SECRET, 401),
        ("somebody", SECRET, 401),
    ):
        answer = sender.client.post("/hotfix-intake/alertmanager", content=body, headers=JSON, auth=(user, password))
        assert answer.status_code == status


class TestRotation:
    @pytest.fixture
    def load(self) -> Callable[[AlertSource], Credentials | None]:
        return lambda source: Credentials(("the-new-one-of-a-rotation", SECRET))

    @pytest.mark.parametrize("source", SOURCES)
    def test_the_old_and_the_new_secret_are_good(self, source: str, sender: Sender) -> None:
        body = body_of(source)
        for secret in (SECRET, "the-new-one-of-a-rotation"):
            headers = {**JSON, **EVENTS.get(source, {}), **sender.signature(source, body, secret)}
            assert sender.post(source, body, headers)[0] == 200


class TestWithoutSecret:
    @pytest.fixture(params=[None, Credentials(()), Credentials(("short",)), Credentials((SECRET, "short"))], ids=repr)
    def load(self, request: pytest.FixtureRequest) -> Callable[[AlertSource], Credentials | None]:
        return lambda source: request.param

    @pytest.mark.parametrize("source", SOURCES)
    def test_nothing_is_let_in(self, source: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
        body = body_of(source)
        for secret in ("", "short", SECRET):
            assert sender.post(source, body, {**JSON, **sender.signature(source, body, secret)})[0] == 401
        assert runs.runs == []


def test_secrets_are_read_once_and_looked_for_until_there_is_one() -> None:
    asked: list[AlertSource] = []
    there: list[Credentials] = []

    def load(source: AlertSource) -> Credentials | None:
        asked.append(source)
        return there[0] if there else None

    book = CredentialBook(load)
    assert book.of(AlertSource.SENTRY) is None
    there.append(Credentials((SECRET,)))
    for _ in range(3):
        assert book.of(AlertSource.SENTRY) is there[0]
    assert len(asked) == 2
    assert SECRET not in repr(there[0])


@pytest.mark.parametrize(
    ("seconds", "status"), [(-301, 401), (-299, 200), (0, 200), (299, 200), (301, 401), (-86_400, 401)]
)
def test_a_generic_alert_is_good_for_five_minutes(
    seconds: int, status: int, sender: Sender, clock: FakeClock, runs: InMemoryHotfixRuns
) -> None:
    body = body_of("generic")
    header = {"X-Hotfix-Signature": sign(SECRET, body, clock.now() + timedelta(seconds=seconds))}
    assert sender.post("generic", body, {**JSON, **header})[0] == status
    assert len(runs.runs) == (status == 200)


def test_a_generic_alert_with_another_time_than_the_signed_one(sender: Sender, clock: FakeClock) -> None:
    body = body_of("generic")
    old = sign(SECRET, body, clock.now() - timedelta(hours=1))
    now = int(clock.now().timestamp())
    for forged in (f"t={now},{old.partition(',')[2]}", f"t={now},{old}", f"{old},t={now}", old.partition(",")[2]):
        assert sender.post("generic", body, {**JSON, "X-Hotfix-Signature": forged})[0] == 401


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_replayed_starts_no_second_run(source: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
    body = body_of(source)
    headers = {**JSON, **EVENTS.get(source, {}), **sender.signature(source, body)}
    receptions = [sender.post(source, body, headers)[1]["alerts"][0] for _ in range(3)]
    runs.finish(runs.runs[0].run_id)
    receptions.append(sender.post(source, body, headers)[1]["alerts"][0])
    assert [each["reception"] for each in receptions] == ["started", "repeated", "repeated", "repeated"]
    assert {each["run_id"] for each in receptions} == {runs.runs[0].run_id}
    assert len(runs.runs) == 1


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type(source: str, kind: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
    body = body_of(source)
    headers = {**sender.signature(source, body), **EVENTS.get(source, {}), "Content-Type": kind}
    assert sender.post(source, body, headers)[0] == 415
    assert runs.runs == []


GARBAGE = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "empty": b"{}",
    "not UTF-8": b'{"version": "\xff"}',
    "deep": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "long number": b'{"version": ' + b"9" * 100_000 + b"}",
    "other types": b'{"action": [], "event": 1, "version": 4, "alerts": {}, "data": null, "id": {}}',
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", GARBAGE)
def test_signed_garbage(source: str, name: str, sender: Sender, runs: InMemoryHotfixRuns) -> None:
    body = GARBAGE[name]
    status, answer = sender.post(source, body, {**JSON, **EVENTS.get(source, {}), **sender.signature(source, body)})
    assert status == 422
    assert answer["error"].startswith("This is not ")
    assert len(answer["error"]) < 2000
    assert runs.runs == []


def test_a_part_is_missing(sender: Sender) -> None:
    for source, path in (
        ("alertmanager", ("alerts", 0, "fingerprint")),
        ("alertmanager", ("alerts", 0, "startsAt")),
        ("pagerduty", ("event", "data", "created_at")),
        ("sentry", ("data", "event", "issue_id")),
        ("github", ("issue", "number")),
        ("generic", ("started_at",)),
    ):
        content: Any = payload(source)
        inner = content
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        status, answer = sender.send(source, content)
        assert status == 422
        assert str(path[-1]) in answer["error"]


def test_an_unknown_version_of_alertmanager(sender: Sender) -> None:
    assert sender.send("alertmanager", {**payload("alertmanager"), "version": "5"})[0] == 422


def test_a_large_body_is_not_read(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    body = body_of("alertmanager")
    padded = body + b" " * (BODY_LIMIT + 1 - len(body))
    headers = {**JSON, **sender.signature("alertmanager", padded)}
    assert sender.post("alertmanager", padded, headers)[0] == 413
    # Without a length that says so beforehand.
    parts = (padded[start : start + 65_536] for start in range(0, len(padded), 65_536))
    assert sender.client.post("/hotfix-intake/alertmanager", content=parts, headers=headers).status_code == 413
    assert runs.runs == []
    assert sender.post("alertmanager", padded[:-1], headers)[0] == 200


@pytest.mark.parametrize("address", ["", "docs", "redoc", "openapi.json", "nagios", "alertmanager/", "../hotfix"])
def test_there_is_nothing_else(address: str, sender: Sender) -> None:
    assert sender.client.get(f"/hotfix-intake/{address}").status_code in (404, 405)
    assert sender.client.post(f"/hotfix-intake/{address}", content=b"{}", headers=JSON).status_code == 404


def test_only_posts(sender: Sender) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert sender.client.request(method, "/hotfix-intake/alertmanager").status_code == 405


class Slow(InMemoryHotfixRuns):
    """An Airflow that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def latest(self, prefix: str) -> str | None:
        self.go_on.wait(10)
        return super().latest(prefix)


class TestSlow:
    @pytest.fixture
    def runs(self) -> Slow:
        return Slow()

    @pytest.fixture
    def answer_within(self) -> float:
        return ANSWER_SECONDS

    def test_the_sender_is_told_in_time_to_come_again(self, sender: Sender, runs: Slow) -> None:
        began = time.monotonic()
        status, _ = sender.send("sentry", payload("sentry"))
        assert status == 503
        assert ANSWER_SECONDS <= time.monotonic() - began < 5
        runs.go_on.set()
        # Nobody tells it again: it is taken all the same.
        while not runs.runs and time.monotonic() - began < 30:
            time.sleep(0.05)
        assert len(runs.runs) == 1


def test_a_dag_that_cannot_run_is_said(sender: Sender, runs: InMemoryHotfixRuns) -> None:
    runs.paused = True
    status, answer = sender.send("alertmanager", payload("alertmanager"))
    assert (status, "paused" in answer["error"]) == (503, True)


def test_the_app_by_itself_has_one_route(desk: Desk) -> None:
    app = intake(desk)
    assert [route.path for route in app.routes] == ["/{source}"]  # type: ignore[attr-defined]
    with TestClient(app) as client:
        assert client.post("/alertmanager", content=b"{}", headers=JSON).status_code == 401
