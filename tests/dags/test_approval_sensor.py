"""The clock of the approval, and how an answer is read, without a running Airflow."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from hotfix.airflow import approval_channels, approval_sensor, approval_trigger
from hotfix.airflow.approval_channels import Channels, Look
from hotfix.airflow.approval_sensor import TIMEOUT, ApprovalSensor
from hotfix.airflow.approval_trigger import ApprovalDeadline
from hotfix.domain.approval import Answer
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import IncidentReport
from tests.contract.fakes.clock import FakeClock
from tests.support.airflow_refusal import refusal
from tests.support.documents import an_approval_request, an_incident

pytestmark = pytest.mark.airflow

TI = uuid4()


def in_seconds(seconds: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat()


class RequiredActions:
    """Airflow's side: a request that can be answered once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.closed_with: list[str] | None = None
        self.closed_at: datetime | None = None
        self.answer: SimpleNamespace | None = None
        self.missing = False
        monkeypatch.setattr(approval_trigger, "update_hitl_detail_response", self._close)
        monkeypatch.setattr(approval_trigger, "get_hitl_detail_content_detail", self._detail)

    def answered(self, option: str | None, user: str | None, at: datetime | None = None) -> None:
        self.answer = SimpleNamespace(
            response_received=True,
            chosen_options=[option] if option else None,
            responded_by_user=SimpleNamespace(id="7", name=user) if user else None,
            responded_at=at,
            params_input={},
        )

    def _close(self, ti_id: UUID, chosen_options: list[str], params_input: dict[str, Any]) -> None:
        assert ti_id == TI
        if self.missing or self.answer is not None:
            raise refusal(404 if self.missing else 409)
        self.closed_with = chosen_options
        self.closed_at = datetime.now(timezone.utc)

    def _detail(self, ti_id: UUID) -> SimpleNamespace:
        assert ti_id == TI
        if self.missing:
            raise refusal(404)
        return self.answer or SimpleNamespace(response_received=False, chosen_options=None, responded_by_user=None)


@pytest.fixture
def required_actions(monkeypatch: pytest.MonkeyPatch) -> RequiredActions:
    return RequiredActions(monkeypatch)


def fired(trigger: ApprovalDeadline, limit: float = 10) -> dict[str, Any]:
    async def first() -> Any:
        async for event in trigger.run():
            return event.payload
        raise AssertionError("the trigger ended without an event")

    payload: dict[str, Any] = asyncio.run(asyncio.wait_for(first(), limit))
    return payload


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_a_deadline_in_the_past_closes_the_request_at_once(required_actions: RequiredActions, option: str) -> None:
    trigger = ApprovalDeadline(str(TI), in_seconds(-3600), option)
    event = fired(trigger, limit=5)
    assert required_actions.closed_with == [option]
    assert approval_sensor._answer(event) is None, "silence is nobody's answer"


def test_the_window_is_waited_out(required_actions: RequiredActions) -> None:
    deadline = datetime.now(timezone.utc) + timedelta(seconds=0.5)
    fired(ApprovalDeadline(str(TI), deadline.isoformat(), "Reject"))
    assert datetime.now(timezone.utc) >= deadline
    with pytest.raises(asyncio.TimeoutError):
        fired(ApprovalDeadline(str(TI), in_seconds(60), "Reject"), limit=0.2)


def test_a_triggerer_that_starts_again_does_not_prolong_the_window(required_actions: RequiredActions) -> None:
    _, arguments = ApprovalDeadline(str(TI), in_seconds(-1), "Reject").serialize()
    fired(ApprovalDeadline(**arguments), limit=5)
    assert required_actions.closed_with == ["Reject"]


def test_an_answer_at_the_very_last_moment_is_passed_on(required_actions: RequiredActions) -> None:
    at = datetime(2026, 3, 1, 3, 4, 59, tzinfo=timezone.utc)
    required_actions.answered("Reject", "eve", at)
    answer = approval_sensor._answer(fired(ApprovalDeadline(str(TI), in_seconds(-1), "Approve")))
    assert required_actions.closed_with is None
    assert answer is not None
    assert (answer.option, answer.user, answer.at) == ("Reject", "eve", at), "their no is not turned into a yes"


def test_an_answer_from_before_the_wait_ends_it_at_once(required_actions: RequiredActions) -> None:
    at = datetime(2026, 3, 1, 3, 1, tzinfo=timezone.utc)
    required_actions.answered("Reject", "eve", at)
    event = fired(ApprovalDeadline(str(TI), in_seconds(600), "Approve"), limit=5)
    answer = approval_sensor._answer(event)
    assert answer is not None
    assert (answer.option, answer.user, answer.at) == ("Reject", "eve", at)
    assert event["ti_id"] == str(TI)


@pytest.mark.parametrize("seconds", [600, -1])
def test_a_request_that_is_not_there_is_told_at_once(required_actions: RequiredActions, seconds: float) -> None:
    required_actions.missing = True
    event = fired(ApprovalDeadline(str(TI), in_seconds(seconds), "Approve"), limit=5)
    assert event["missing"]
    assert approval_sensor._answer(event) is None


@pytest.mark.parametrize("error", [refusal(503), ConnectionError("gone")], ids=["refused", "gone"])
def test_a_request_that_cannot_be_read_is_waited_for(
    required_actions: RequiredActions, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(ti_id: UUID) -> None:
        raise error

    monkeypatch.setattr(approval_trigger, "get_hitl_detail_content_detail", fail)
    deadline = datetime.now(timezone.utc) + timedelta(seconds=0.5)
    fired(ApprovalDeadline(str(TI), deadline.isoformat(), "Reject"))
    assert datetime.now(timezone.utc) >= deadline
    assert required_actions.closed_with == ["Reject"]


@pytest.mark.parametrize(("option", "user"), [(None, "eve"), ("Approve", None), (None, None)])
def test_a_request_that_was_closed_by_nobody_is_silence(
    required_actions: RequiredActions, option: str | None, user: str | None
) -> None:
    required_actions.answered(option, user)
    event = fired(ApprovalDeadline(str(TI), in_seconds(-1), "Reject"))
    assert approval_sensor._answer(event) is None


def test_the_trigger_survives_the_way_through_the_database() -> None:
    trigger = ApprovalDeadline(str(TI), in_seconds(60), "Approve")
    path, arguments = json.loads(json.dumps(trigger.serialize()))
    module, name = path.rsplit(".", 1)
    again = getattr(import_module(module), name)(**arguments)
    assert isinstance(again, ApprovalDeadline)
    assert again.serialize() == trigger.serialize()


def test_what_airflow_resumes_the_sensor_with() -> None:
    user = {"id": "7", "name": "grace"}
    answer = approval_sensor._answer(
        {"chosen_options": ["Approve"], "responded_by_user": user, "responded_at": "2026-03-01T03:02:00+00:00"}
    )
    assert answer is not None
    assert (answer.option, answer.user, answer.channel) == ("Approve", "grace", "Airflow")
    assert answer.at == datetime(2026, 3, 1, 3, 2, tzinfo=timezone.utc)
    for nobody in ({}, {"chosen_options": ["Approve"]}, {"responded_by_user": user, "chosen_options": []}):
        assert approval_sensor._answer(nobody) is None


def test_the_sensor_outlives_the_longest_window_of_the_form() -> None:
    (longest,) = [rule.le for rule in IncidentReport.model_fields["approval_window"].metadata if hasattr(rule, "le")]
    assert timedelta(seconds=longest) < TIMEOUT
    assert ApprovalSensor(task_id="await_approval").timeout == TIMEOUT.total_seconds()


# --- channels that race the clock


class Ears:
    """Channels as the trigger sees them: ``looks`` is what each look finds, the last one again and again."""

    def __init__(self, *looks: Look | Exception, slow: float = 0.0) -> None:
        self.looks, self.slow = list(looks), slow
        self.told = 0
        self.threads: set[int] = set()

    def judged(self) -> Look:
        return Look(None)

    def look(self, everything: bool = False) -> Look:
        self.threads.add(threading.get_ident())
        time.sleep(self.slow)
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(found, Exception):
            raise found
        return found

    def tell_people(self) -> None:
        self.told += 1


NOTHING = Look(None)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Callable[[Ears | Exception | None], None]:
    def listen(ears: Ears | Exception | None) -> None:
        def channels_of(run_id: str) -> Ears | None:
            assert run_id == "run-1"
            if isinstance(ears, Exception):
                raise ears
            return ears

        monkeypatch.setattr(approval_trigger, "channels_of", channels_of)
        monkeypatch.setattr(approval_trigger, "INTERVAL", 0.05)

    return listen


def race(seconds: float, option: str = "Reject") -> ApprovalDeadline:
    return ApprovalDeadline(str(TI), in_seconds(seconds), option, "run-1")


def test_a_channel_that_decides_closes_the_request_at_once(
    required_actions: RequiredActions, listening: Callable[[Ears], None]
) -> None:
    ears = Ears(NOTHING, NOTHING, Look("Approve"))
    listening(ears)
    event = fired(race(60), limit=5)
    assert required_actions.closed_with == ["Approve"]
    assert approval_sensor._answer(event) is None, "who it was is in the ledger"
    assert threading.get_ident() not in ears.threads, "no channel is read on the event loop"
    assert ears.told == 2


def test_the_window_ends_on_time_whatever_a_channel_does(
    required_actions: RequiredActions, listening: Callable[[Ears], None]
) -> None:
    listening(Ears(NOTHING, slow=4))
    trigger = race(0.5)
    event = fired(trigger, limit=5)
    assert required_actions.closed_at is not None
    assert required_actions.closed_at - datetime.fromisoformat(trigger.deadline) < timedelta(seconds=2)
    assert required_actions.closed_with == ["Reject"]
    assert event["unheard"] == ["not every channel could be read within 1.3 s"]


@pytest.mark.parametrize("trouble", [HotfixError("the ledger is away"), RuntimeError("whatever")])
def test_trouble_with_a_channel_is_no_answer_and_on_record(
    required_actions: RequiredActions, listening: Callable[[Ears], None], trouble: Exception
) -> None:
    listening(Ears(trouble))
    event = fired(race(0.3, "Approve"), limit=5)
    assert required_actions.closed_with == ["Approve"]
    assert event["unheard"] == [str(trouble)]


def test_without_a_ledger_the_clock_still_runs(
    required_actions: RequiredActions, listening: Callable[[Exception], None]
) -> None:
    listening(HotfixError("the ledger is away"))
    fired(race(0.3), limit=5)
    assert required_actions.closed_with == ["Reject"]


def test_without_other_channels_nothing_is_watched(
    required_actions: RequiredActions, listening: Callable[[None], None]
) -> None:
    listening(None)
    assert fired(race(0.3), limit=5)["unheard"] == []
    assert required_actions.closed_with == ["Reject"]


def test_a_no_of_the_last_second_is_heard(
    required_actions: RequiredActions, listening: Callable[[Ears], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    listening(Ears(NOTHING, Look("Reject")))
    monkeypatch.setattr(approval_trigger, "INTERVAL", 30)
    fired(race(0.5, "Approve"), limit=5)
    assert required_actions.closed_with == ["Reject"]


class Warned:
    """Channels of a real request, with a chat that only counts warnings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, window: float) -> None:
        self.clock = FakeClock()
        begun = self.clock.now()
        request = an_approval_request(requested_at=begun, deadline=begun + timedelta(seconds=window))
        self.warnings, self.shown, self.busy = 0, 0, False
        self.given: list[Answer] = []
        self.bug_database = self
        self.channels = Channels(an_incident(), request)
        monkeypatch.setattr(approval_channels, "toolbox", lambda: self)
        monkeypatch.setattr(approval_channels, "conversation", lambda incident, budget: self)
        monkeypatch.setattr(approval_channels, "announce_incident", self.show)

    def warn(self, request: Any) -> None:
        self.warnings += 1

    def answers(self, incident: Any) -> tuple[Answer, ...]:
        return tuple(self.given)

    def show(self, incident: Any, step: str, patience: float) -> bool:
        self.shown += 1
        return not self.busy

    def after(self, seconds: float) -> int:
        self.clock.sleep(seconds)
        self.channels.tell_people()
        return self.warnings


def test_people_are_warned_a_minute_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Warned(monkeypatch, 300)
    assert [room.after(seconds) for seconds in (0, 239)] == [0, 0]
    assert room.shown == 1, "where the sensor could not"
    assert room.after(1) == 1
    assert room.shown == 2, "on the code host too"
    assert room.after(3) == 2, "the chat knows by itself that it has said it"
    assert room.shown == 2


def test_where_another_task_is_shown_just_now_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Warned(monkeypatch, 300)
    room.busy = True
    assert [room.after(3), room.after(3), room.shown] == [0, 0, 2]
    room.busy = False
    assert [room.after(3), room.after(3), room.shown] == [0, 0, 3]


def test_an_answer_that_does_not_count_is_shown_on_the_code_host_once(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Warned(monkeypatch, 300)
    nobody = Answer(option="Approve", user="", channel="GitHub", at=room.clock.now(), account="stranger")
    room.given.append(nobody)
    assert (room.after(3), room.shown) == (0, 1)
    room.given.append(nobody.model_copy(update={"reference": "another"}))
    assert (room.after(3), room.shown) == (0, 2)
    assert (room.after(3), room.shown) == (0, 2)


def test_a_warning_that_would_come_late_or_at_once_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Warned(monkeypatch, 300).after(280) == 0
    short = Warned(monkeypatch, 80)
    assert [short.after(20), short.after(1)] == [0, 0]
