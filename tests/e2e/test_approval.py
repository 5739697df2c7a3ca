"""Who may approve, on a running Airflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

import pytest

from demo.airflow_api import AirflowApi, ApiError
from demo.airflow_stack import AirflowStack
from demo.play import ledger
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.incident import Incident

pytestmark = pytest.mark.stack

SENSOR = "deployment.await_approval"
WINDOW = 25


def wait_for(api: AirflowApi, run: str, task: str, states: set[str], seconds: float = 180) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for each in api.tasks("emergency_hotfix", run):
            if each["task_id"] == task and each["state"] in states:
                return str(each["state"])
        time.sleep(0.3)
    raise AssertionError(f"{task} did not become {states}")


def open_question(api: AirflowApi, run: str) -> bool:
    details = api.call("GET", f"/dags/emergency_hotfix/dagRuns/{run}/hitlDetails")["hitl_details"]
    return any(not detail["response_received"] for detail in details)


def test_the_reporter_cannot_approve_and_silence_then_decides_on_time(
    stack: AirflowStack, worlds: Mapping[str, World]
) -> None:
    on_call, viewer = AirflowApi(stack.url, "on-call"), AirflowApi(stack.url, "viewer")
    world = worlds["shop-approval"]
    with world:
        world.release_regression()
        run = on_call.trigger("emergency_hotfix", SCENARIOS["fixed"].incident(world.name, WINDOW), "approval-1")
        wait_for(on_call, run, SENSOR, {"deferred"})
        with pytest.raises(ApiError) as refusal:
            viewer.answer("emergency_hotfix", run, SENSOR, "Approve")
        assert refusal.value.status == 403
        on_call.answer("emergency_hotfix", run, SENSOR, "Approve")
        wait_for(on_call, run, "deployment.approved", {"success"})
        wait_for(on_call, run, "hotfix_outcome", {"success", "failed"})
        assert on_call.run("emergency_hotfix", run)["state"] == "success"
    incident = ledger(stack).incident_of_run(run)
    assert isinstance(incident, Incident)
    approval = ledger(stack).find(incident, Approval)
    assert approval is not None
    assert approval.granted_by == "silence"
    assert "on-call started the hotfix and cannot approve it" in approval.ignored_answers[0]
    assert abs(approval.at - approval.requested_at - timedelta(seconds=WINDOW)) <= timedelta(seconds=2)
    assert not open_question(viewer, run)


def test_an_approver_approves_and_ends_the_wait_at_once(stack: AirflowStack, worlds: Mapping[str, World]) -> None:
    on_call, approver = AirflowApi(stack.url, "on-call"), AirflowApi(stack.url, "approver")
    world = worlds["shop-approval-person"]
    with world:
        world.release_regression()
        run = on_call.trigger("emergency_hotfix", SCENARIOS["fixed"].incident(world.name, 600), "approval-2")
        wait_for(on_call, run, SENSOR, {"deferred"})
        approver.answer("emergency_hotfix", run, SENSOR, "Approve")
        with pytest.raises(ApiError) as second:
            approver.answer("emergency_hotfix", run, SENSOR, "Reject")
        assert second.value.status == 409
        wait_for(on_call, run, "hotfix_outcome", {"success", "failed"})
        assert on_call.run("emergency_hotfix", run)["state"] == "success"
    incident = ledger(stack).incident_of_run(run)
    assert isinstance(incident, Incident)
    approval = ledger(stack).find(incident, Approval)
    assert approval is not None
    assert (approval.decision, approval.granted_by) == (ApprovalDecision.APPROVED, "approver")
    assert not approval.needs_approval_after_the_fact
