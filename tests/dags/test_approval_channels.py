"""An approval over all channels: the real sensor and trigger, a real ledger, Slack as emulate plays it.

Airflow itself is played by ``Office``: it keeps the required action and resumes the sensor. The same on a running
Airflow is in tests/e2e/test_slack.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.exceptions import TaskDeferred

from hotfix.adapters.bug_database import SqlBugDatabase, upgrade
from hotfix.adapters.clock import SystemClock
from hotfix.airflow import approval_channels, approval_sensor, approval_trigger, chat
from hotfix.airflow.approval_channels import channels_of
from hotfix.airflow.approval_sensor import ApprovalSensor
from hotfix.airflow.approval_trigger import ApprovalDeadline
from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.errors import HotfixError
from hotfix.domain.incident import ApprovalMode
from hotfix.ports.code_host import HostAnswer
from hotfix.steps.press import Press, keep_press
from tests.contract.fakes.clock import FakeClock
from tests.contract.fakes.deployer import FakeDeployer
from tests.support.airflow_refusal import refusal
from tests.support.artefacts import InMemoryArtefacts
from tests.support.documents import BASE, FIX, a_fix, a_profile, a_security_report, a_test_report, an_incident
from tests.support.emulated import Emulated
from tests.support.workspace import Workspace

pytestmark = pytest.mark.airflow

TASK = SimpleNamespace(id=uuid4(), task_id="deployment.await_approval")


class Host:
    """A code host on which people answer, or which does not answer itself."""

    name, listens = "GitHub", True

    def __init__(self) -> None:
        self.given: list[HostAnswer] = []
        self.broken: HotfixError | None = None
        self.asked = 0

    def answers(self, incident: Any, commit: str, since: datetime) -> tuple[HostAnswer, ...]:
        self.asked += 1
        if self.broken:
            raise self.broken
        return tuple(self.given)

    def comment(self, user: str, approve: bool) -> None:
        now, where = datetime.now(timezone.utc), f"https://github.example.com/acme/shop/issues/1#{user}"
        text = "/approve" if approve else "/reject"
        self.given.append(HostAnswer(approve=approve, user=user, where=where, at=now, text=text, commit=None))


class Office:
    """One incident that waits for approval, and the people who may give it."""

    def __init__(self, workspace: Workspace, folder: Path, patch: pytest.MonkeyPatch, **changes: Any) -> None:
        self.slack = workspace
        url = f"sqlite:///{folder / 'bugs.db'}"
        upgrade(url)
        self.clock, self.bug_database, self.store = SystemClock(), SqlBugDatabase(url), InMemoryArtefacts()
        people = {"grace": "approver", "linus": "reviewer", "ada": "on-call"}
        self.profile = a_profile(
            chat={"channel": workspace.channel},
            identities={name: {"slack": workspace.ids[login], "github": login} for name, login in people.items()},
            policy={"approvals_needed": changes.pop("needed", 1)},
        )
        self.catalog = SimpleNamespace(profile=lambda name: self.profile)
        name = f"OPS-{uuid4().hex[:8]}"
        self.incident = self.bug_database.open_incident(
            an_incident(**{"id": name, "run_id": name, "approval_window": 60, **changes})
        )
        for document in (a_fix(diff=self.store.put("fix.diff", "-a\n+b\n")), a_test_report(), a_security_report()):
            self.bug_database.record(self.incident, document)
        self.host = Host()
        self.required_action: dict[str, Any] = {}
        self.closed_at: datetime | None = None
        self.logs: list[str] = []
        self._play_airflow(patch)

    def service(self, name: str) -> Any:
        return SimpleNamespace(profile=self.profile, deployer=FakeDeployer(BASE, FakeClock()))

    def artefacts(self, incident: Any) -> InMemoryArtefacts:
        return self.store

    def code_host(self, service: str, patience: float) -> Any:
        return self.host

    def ask(self) -> ApprovalDeadline:
        """The sensor asks and defers to this trigger."""
        return self._deferred(lambda sensor, context: sensor.execute(context))

    def wait(self, trigger: ApprovalDeadline, meanwhile: Callable[[], Any] = lambda: None) -> dict[str, Any]:
        """What the trigger fires, while somebody does something."""

        async def first() -> dict[str, Any]:
            async for event in trigger.run():
                return dict(event.payload)
            raise AssertionError("the trigger ended without an event")

        doing = threading.Thread(target=meanwhile)
        doing.start()
        event = asyncio.run(asyncio.wait_for(first(), 30))
        doing.join()
        return event

    def resume(self, event: dict[str, Any]) -> Approval:
        sensor = ApprovalSensor(task_id="await_approval")
        return Approval.model_validate(sensor.execute_complete({"ti": TASK}, event))  # type: ignore[typeddict-item]

    def resumed_and_waiting(self, event: dict[str, Any]) -> ApprovalDeadline:
        return self._deferred(lambda sensor, context: sensor.execute_complete(context, event))

    def said(self, key: str) -> dict[str, Any]:
        return self.slack.messages(self.incident.id)[key]

    def react(self, login: str, name: str) -> None:
        where = {"channel": self.slack.channel, "timestamp": self.said("1/approval")["ts"]}
        self.slack.ask("reactions.add", login, name=name, **where)

    def reply(self, login: str, text: str) -> None:
        thread = self.said("incident")["ts"]
        self.slack.ask("chat.postMessage", login, channel=self.slack.channel, thread_ts=thread, text=text)

    @property
    def record(self) -> str:
        return "\n".join(event.what for event in self.bug_database.timeline(self.incident))

    def _deferred(self, run: Callable[[ApprovalSensor, Any], Any]) -> ApprovalDeadline:
        with pytest.raises(TaskDeferred) as deferred:
            run(ApprovalSensor(task_id="await_approval"), {"ti": TASK})
        trigger = deferred.value.trigger
        assert isinstance(trigger, ApprovalDeadline)
        return trigger

    def _play_airflow(self, patch: pytest.MonkeyPatch) -> None:
        for module in (chat, approval_channels, approval_sensor):
            patch.setattr(module, "toolbox", lambda: self)
        patch.setattr(approval_sensor, "current_incident", lambda: self.incident)
        patch.setattr(approval_sensor, "noted", lambda step: contextlib.nullcontext(SimpleNamespace()))
        patch.setattr(approval_sensor, "announce", lambda *_: None)
        patch.setattr(approval_sensor, "progress", self.logs.append)
        patch.setattr(approval_sensor, "upsert_hitl_detail", self._open)
        patch.setattr(approval_trigger, "update_hitl_detail_response", self._close)
        patch.setattr(approval_trigger, "get_hitl_detail_content_detail", self._read)
        patch.setattr(approval_trigger, "INTERVAL", 0.3)
        patch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", self.slack.connection)

    def answer(self, name: str, option: str) -> None:
        """In Airflow, while the sensor does not wait: nothing resumes it."""
        self.required_action |= {"chosen": [option], "by": name, "at": datetime.now(timezone.utc)}

    def _open(self, **detail: Any) -> None:
        self.required_action = detail

    def _read(self, ti_id: Any) -> SimpleNamespace:
        assert ti_id == TASK.id
        action = self.required_action
        if not action:
            raise refusal(404)
        user = SimpleNamespace(id=action["by"], name=action["by"]) if "by" in action else None
        return SimpleNamespace(
            chosen_options=action.get("chosen"), responded_by_user=user, responded_at=action.get("at")
        )

    def _close(self, ti_id: Any, chosen_options: list[str], params_input: dict[str, Any]) -> None:
        assert ti_id == TASK.id
        if not self.required_action or "chosen" in self.required_action:
            raise refusal(409 if self.required_action else 404)
        self.required_action["chosen"] = chosen_options
        self.closed_at = datetime.now(timezone.utc)


@pytest.fixture(scope="module")
def workspace(emulated: Emulated) -> Workspace:
    return Workspace(emulated)


@pytest.fixture
def office(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Office]:
    return lambda **changes: Office(workspace, tmp_path, monkeypatch, **changes)


def by_user(name: str, option: str = "Approve") -> dict[str, Any]:
    """What Airflow resumes the sensor with when somebody answers there."""
    now = datetime.now(timezone.utc).isoformat()
    return {"chosen_options": [option], "responded_by_user": {"id": name, "name": name}, "responded_at": now}


def test_a_reaction_in_slack_approves_and_closes_it_everywhere(office: Callable[..., Office]) -> None:
    room = office()
    trigger = room.ask()
    assert "asked on Airflow, Slack" in room.record

    def people() -> None:
        room.react("on-call", "white_check_mark")
        room.react("stranger", "white_check_mark")
        room.reply("approver", "looks fine, I will approve it in a minute")
        time.sleep(1)
        room.react("approver", "white_check_mark")

    event = room.wait(trigger, people)
    assert room.required_action["chosen"] == ["Approve"]
    approval = room.resume(event)
    assert (approval.decision, approval.granted_by, approval.channel) == (ApprovalDecision.APPROVED, "grace", "Slack")
    assert approval.commit == FIX
    (answer,) = approval.answers
    assert (answer.account, answer.reference) == (
        room.slack.ids["approver"], f"{room.slack.ids['approver']}/:white_check_mark:",
    )  # fmt: skip
    assert len(approval.ignored_answers) == 2
    assert "Approved by grace on Slack" in str(room.said("1/approval")["blocks"])
    assert "hotfix_approve" not in str(room.said("1/approval")["blocks"])
    before = room.slack.messages(room.incident.id)
    assert room.resume(event).decision is ApprovalDecision.APPROVED
    assert ApprovalSensor(task_id="await_approval").execute({"ti": TASK})["granted_by"] == "grace"  # type: ignore[typeddict-item]
    assert room.slack.messages(room.incident.id) == before, "run again, nothing is doubled"


def test_a_reply_in_slack_rejects_with_its_reason(office: Callable[..., Office]) -> None:
    room = office()
    event = room.wait(room.ask(), lambda: room.reply("reviewer", "Reject: it breaks the tax"))
    assert room.required_action["chosen"] == ["Reject"]
    assert room.resume(event).why == "rejected by linus: it breaks the tax"


def test_a_pressed_button_is_found_in_the_ledger(office: Callable[..., Office]) -> None:
    room = office()

    def press() -> None:
        account, now = room.slack.ids["approver"], datetime.now(timezone.utc)
        pressed = Press(action="hotfix_approve", value=room.incident.run_id, account=account, at=now, id="1")
        assert keep_press(pressed, room.incident, room.profile, "Slack", room.bug_database)

    approval = room.resume(room.wait(room.ask(), press))
    assert (approval.granted_by, approval.answers[0].reference) == ("grace", "button/1")


def test_an_answer_in_airflow_closes_the_request_in_slack(office: Callable[..., Office]) -> None:
    room = office()
    room.ask()
    approval = room.resume(by_user("grace"))
    assert (approval.granted_by, approval.channel) == ("grace", "Airflow")
    assert "Approved by grace on Airflow" in str(room.said("1/approval")["blocks"])


def test_an_earlier_no_in_slack_wins_over_a_yes_in_airflow(office: Callable[..., Office]) -> None:
    room = office()
    room.ask()
    room.reply("reviewer", "reject")
    time.sleep(1.1)
    approval = room.resume(by_user("grace"))
    assert (approval.decision, approval.why) == (ApprovalDecision.REJECTED, "rejected by linus")


def test_a_comment_on_the_code_host_closes_the_request_in_slack(office: Callable[..., Office]) -> None:
    room = office()
    trigger = room.ask()
    room.host.comment("on-call", approve=True)
    room.host.comment("stranger", approve=False)
    room.host.comment("approver", approve=True)
    approval = room.resume(room.wait(trigger))
    assert (approval.granted_by, approval.channel) == ("grace", "GitHub")
    assert len(approval.ignored_answers) == 2
    assert "Approved by grace on GitHub" in str(room.said("1/approval")["blocks"])


def test_the_code_host_is_asked_now_and_then_and_at_the_end(
    office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = office()
    room.ask()
    channels = channels_of(room.incident.run_id)
    assert channels is not None
    monkeypatch.setattr(room, "clock", FakeClock())
    before = room.host.asked
    for _ in range(5):
        channels.look()
        room.clock.sleep(3)
    assert room.host.asked - before == 2
    channels.look(True)
    assert room.host.asked - before == 3


def test_a_channel_that_is_away_is_unheard_and_the_others_count(office: Callable[..., Office]) -> None:
    room = office()
    trigger = room.ask()
    room.host.broken = HotfixError("GitHub did not answer.")
    channels = channels_of(room.incident.run_id)
    assert channels is not None
    assert channels.look().unheard == ("the code host: GitHub did not answer.",)
    approval = room.resume(room.wait(trigger, lambda: room.reply("approver", "approve")))
    assert approval.channel == "Slack"


def test_two_people_on_two_channels(office: Callable[..., Office]) -> None:
    room = office(needed=2)
    room.ask()
    again = room.resumed_and_waiting(by_user("grace"))
    assert room.bug_database.find(room.incident, Approval) is None, "one is not enough"
    event = room.wait(again, lambda: room.react("reviewer", "white_check_mark"))
    approval = room.resume(event)
    assert (approval.granted_by, approval.channel) == ("grace, linus", "Airflow, Slack")
    assert len(room.slack.messages(room.incident.id)) == 2, "asked twice, posted once"


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_answer_survives_a_worker_that_dies_with_it(office: Callable[..., Office], option: str) -> None:
    """Airflow takes the answer, the task that is resumed with it dies, and another try begins from the start."""
    room = office()
    room.ask()
    room.answer("grace", option)
    approval = room.resume(room.wait(room.ask()))
    wanted = ApprovalDecision.APPROVED if option == "Approve" else ApprovalDecision.REJECTED
    assert (approval.decision, approval.channel) == (wanted, "Airflow")


def test_an_answer_survives_also_beyond_the_window(office: Callable[..., Office]) -> None:
    room = office(approval_window=1)
    room.ask()
    room.answer("grace", "Reject")
    time.sleep(1)
    assert room.resume(room.wait(room.ask())).decision is ApprovalDecision.REJECTED


def test_a_worker_that_dies_before_it_asks_is_made_up_for(office: Callable[..., Office]) -> None:
    room = office()
    room.ask()
    room.required_action = {}
    again = room.resumed_and_waiting(room.wait(room.ask()))
    assert room.required_action["options"] == ["Approve", "Reject"]
    event = room.wait(again, lambda: room.reply("approver", "approve"))
    assert room.resume(event).granted_by == "grace"


def test_silence_after_a_window_in_which_nothing_was_asked_approves_nothing(office: Callable[..., Office]) -> None:
    room = office(approval_window=1)
    room.ask()
    room.required_action = {}
    time.sleep(1)
    approval = room.resume(room.wait(room.ask()))
    assert approval.decision is ApprovalDecision.ESCALATED
    assert "the request was delivered (on no channel)" in approval.why


@pytest.mark.parametrize("foreign", [{**by_user("grace"), "ti_id": str(uuid4())}, "2026-03-01T03:04:00+00:00"])
@pytest.mark.parametrize("window", [60, 1])
def test_the_event_of_another_task_is_no_answer(office: Callable[..., Office], window: int, foreign: Any) -> None:
    """SQLite gives the number of a trigger that is gone to the next one, and the event of the former arrives there."""
    room = office(approval_window=window)
    room.ask()
    room.answer("linus", "Reject")
    time.sleep(min(window, 1))
    again = room.resumed_and_waiting(foreign)
    assert room.bug_database.answers(room.incident) == ()
    approval = room.resume(room.wait(again))
    assert (approval.decision, approval.why) == (ApprovalDecision.REJECTED, "rejected by linus")


def test_a_triggerer_that_starts_again_keeps_time_and_answers(office: Callable[..., Office]) -> None:
    room = office(needed=2, approval_window=6)
    trigger = room.ask()
    _, arguments = json.loads(json.dumps(trigger.serialize()))

    async def killed() -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(trigger.run().__anext__(), 2)

    room.react("approver", "white_check_mark")
    asyncio.run(killed())
    assert [each.user for each in room.bug_database.answers(room.incident)] == ["grace"]
    approval = room.resume(room.wait(ApprovalDeadline(**arguments)))
    assert room.closed_at is not None
    waited = room.closed_at - approval.requested_at
    assert abs(waited - timedelta(seconds=6)) <= timedelta(seconds=2)
    assert approval.decision is ApprovalDecision.ESCALATED
    assert "grace approved, and 2 people have to" in approval.why


def test_without_slack_silence_decides_on_time_and_says_what_was_not_done(
    office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = office(approval_window=5)
    dead = {"conn_type": "slack", "password": room.slack.token, "extra": {"base_url": "http://127.0.0.1:9/api/"}}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps(dead))
    approval = room.resume(room.wait(room.ask()))
    assert (approval.decision, approval.granted_by) == (ApprovalDecision.APPROVED, "silence")
    assert room.closed_at is not None
    assert abs(room.closed_at - approval.requested_at - timedelta(seconds=5)) <= timedelta(seconds=2)
    assert "asked on Airflow, until" in room.record
    assert "asking for approval: not done. Slack did not answer" in room.record
    assert room.slack.token not in room.record


def test_a_person_required_and_nobody_there_escalates(office: Callable[..., Office]) -> None:
    room = office(approval_window=3, approval=ApprovalMode.REQUIRED)
    approval = room.resume(room.wait(room.ask()))
    assert room.required_action["chosen"] == ["Reject"]
    assert approval.decision is ApprovalDecision.ESCALATED
    assert "a person's approval is required" in str(room.said("1/approval")["blocks"])
