"""Approval in Slack, on a running Airflow: by a signed button, and by silence over a restart of the triggerer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import ledger
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.incident import Incident
from tests.e2e.waiting import wait_for_run, wait_for_task
from tests.support.emulated import TOKENS
from tests.support.workspace import SIGNING_SECRET, Workspace

pytestmark = pytest.mark.stack

SENSOR = "deployment.await_approval"
GROUP = "S0ONCALL"
SILENCE = 60
PATIENCE = 900


@dataclass(frozen=True)
class Ended:
    """A run that is over: its incident, the decision, and what was said about it in Slack."""

    state: str
    incident: Incident
    approval: Approval
    messages: Mapping[str, dict[str, Any]]
    closed_at: datetime
    chosen: list[str]

    def text(self, key: str) -> str:
        return str(self.messages[key]["blocks"])


class People:
    """Runs of the workflow whose people are in Slack."""

    def __init__(self, stack: AirflowStack, worlds: Mapping[str, World], services: Path, slack: Workspace) -> None:
        self.stack, self.worlds, self.services, self.slack = stack, worlds, services, slack

    def run(self, name: str, window: int, answer: Callable[[Incident], None], **policy: Any) -> Ended:
        world = self.worlds[name]
        profile = world.profile()
        profile["chat"] = {"channel": self.slack.channel, "on_call_group": GROUP}
        profile["identities"] = {
            user: {"slack": self.slack.ids[login]}
            for user, login in (("approver", "approver"), ("on-call", "on-call"), ("admin", "reviewer"))
        }
        profile["policy"] = {**profile["policy"], **policy}
        (self.services / f"{name}.yaml").write_text(yaml.safe_dump(profile))
        on_call = AirflowApi(self.stack.url, "on-call")
        with world:
            world.release_regression()
            run = on_call.trigger("emergency_hotfix", SCENARIOS["fixed"].incident(name, window), name)
            wait_for_task(on_call, run, SENSOR, "deferred", PATIENCE)
            incident = ledger(self.stack).incident_of_run(run)
            assert incident is not None
            answer(incident)
            state = wait_for_run(on_call, run, seconds=PATIENCE)
        approval = ledger(self.stack).find(incident, Approval)
        assert approval is not None
        (detail,) = on_call.call("GET", f"/dags/emergency_hotfix/dagRuns/{run}/hitlDetails")["hitl_details"]
        self._settle(on_call, incident, state)
        return Ended(
            state, incident, approval, self.slack.messages(incident.id),
            datetime.fromisoformat(detail["responded_at"].replace("Z", "+00:00")), detail["chosen_options"],
        )  # fmt: skip

    def asked(self, incident: Incident) -> dict[str, Any]:
        return self.slack.messages(incident.id)[f"{incident.attempt}/approval"]

    def react(self, incident: Incident, login: str, name: str) -> None:
        self.slack.ask(
            "reactions.add", login, channel=self.slack.channel, timestamp=self.asked(incident)["ts"], name=name
        )

    def _settle(self, api: AirflowApi, incident: Incident, state: str) -> None:
        """The last message goes out when the last task is over; the incident response after that."""
        if state == "failed":
            wait_for_run(api, f"{incident.id}__{incident.attempt}", "incident_response", PATIENCE)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and ":rotating_light:" in str(self.slack.messages(incident.id)["incident"]):
            time.sleep(0.5)


@pytest.fixture(scope="module")
def ended(
    stack: AirflowStack, worlds: Mapping[str, World], services: Path, slack: Workspace | None
) -> Iterator[Mapping[str, Future[Ended]]]:
    """Two runs at once; a test waits for the one that it is about."""
    if slack is None:
        pytest.skip("emulate is not installed: tools/install-rig")
    people = People(stack, worlds, services, slack)

    def press(incident: Incident) -> None:
        thread = slack.messages(incident.id)["incident"]["ts"]
        slack.ask("chat.postMessage", "on-call", channel=slack.channel, thread_ts=thread, text="approve")
        people.react(incident, "stranger", "white_check_mark")
        heard = time.monotonic() + 60
        while len(ledger(stack).answers(incident)) < 2 and time.monotonic() < heard:
            time.sleep(0.5)
        assert len(ledger(stack).answers(incident)) == 2
        assert ledger(stack).find(incident, Approval) is None, "neither of them may"
        assert slack.press(f"{stack.url}/hotfix-slack/interactions", people.asked(incident), "Approve") == 200

    def restart(incident: Incident) -> None:
        people.react(incident, "reviewer", "white_check_mark")
        time.sleep(4)
        stack.stop_component("triggerer")
        stack.start_component("triggerer")

    with ThreadPoolExecutor(max_workers=2) as pool:
        yield {
            "silence": pool.submit(people.run, "shop-slack-silence", SILENCE, restart, approvals_needed=2),
            "button": pool.submit(people.run, "shop-slack-button", 600, press),
        }


def test_an_approvers_button_ships_it(ended: Mapping[str, Future[Ended]], slack: Workspace) -> None:
    run = ended["button"].result(PATIENCE)
    assert run.state == "success"
    assert (run.approval.decision, run.approval.granted_by) == (ApprovalDecision.APPROVED, "approver")
    (answer,) = run.approval.answers
    assert (answer.channel, answer.account) == ("Slack", slack.ids["approver"])
    assert answer.reference.startswith("button/")
    assert run.chosen == ["Approve"], "closed in Airflow too"
    assert any("on-call started the hotfix" in each for each in run.approval.ignored_answers)
    assert any(slack.ids["stranger"] in each for each in run.approval.ignored_answers)
    assert "Approved by approver on Slack" in run.text("1/approval")
    assert "hotfix_approve" not in run.text("1/approval"), "nothing is left to press"
    assert ":white_check_mark:" in run.text("incident")
    assert "The problem is gone and production is stable" in run.text("incident")
    told = {"cause", "fix", "tests", "security", "decision", "deployment", "stability", "follow-up"}
    assert {f"1/{name}" for name in told} <= set(run.messages)


def test_the_window_ends_on_time_although_the_triggerer_restarts(ended: Mapping[str, Future[Ended]]) -> None:
    run = ended["silence"].result(PATIENCE)
    assert run.state == "failed"
    assert run.approval.decision is ApprovalDecision.ESCALATED
    assert "admin approved, and 2 people have to" in run.approval.why
    waited = run.closed_at - run.approval.requested_at
    assert abs(waited - timedelta(seconds=SILENCE)) <= timedelta(seconds=2)
    assert run.chosen == ["Reject"]
    assert f"<!subteam^{GROUP}>" in run.text("1/escalation"), "and people are called"
    assert "NOT fixed" in run.text("incident")


def command_lines() -> list[bytes]:
    """Of all processes of this machine, so far as we may see them."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(process.read_bytes())
    assert found
    return found


def test_no_secret_is_written_anywhere(stack: AirflowStack, ended: Mapping[str, Future[Ended]]) -> None:
    for each in ended.values():
        each.result(PATIENCE)
    secrets = [value.encode() for value in (*TOKENS.values(), SIGNING_SECRET)]
    files = [path for path in stack.home.rglob("*") if path.is_file()]
    assert [path for path in files if path.name == "airflow.db"]
    assert [path for path in files if "await_approval" in str(path) and path.suffix == ".log"]
    assert not any(secret in line for secret in secrets for line in command_lines())
    leaks = [path for path in files if any(secret in path.read_bytes() for secret in secrets)]
    assert leaks == []
