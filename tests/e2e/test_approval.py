"""Who may approve, on a running Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from demo.airflow_api import AirflowApi, ApiError
from demo.airflow_stack import AirflowStack
from demo.play import ledger
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.incident import Incident
from tests.e2e.waiting import wait_for_run, wait_for_task

pytestmark = pytest.mark.stack

SENSOR = "deployment.await_approval"
WINDOW = 25


def closed_at(api: AirflowApi, run: str) -> datetime:
    """When the required action was closed."""
    (detail,) = api.call("GET", f"/dags/emergency_hotfix/dagRuns/{run}/hitlDetails")["hitl_details"]
    return datetime.fromisoformat(detail["responded_at"].replace("Z", "+00:00"))


def test_the_reporter_cannot_approve_and_silence_then_decides_on_time(
    stack: AirflowStack, worlds: Mapping[str, World]
) -> None:
    on_call, viewer = AirflowApi(stack.url, "on-call"), AirflowApi(stack.url, "viewer")
    world = worlds["shop-approval"]
    with world:
        world.release_regression()
        run = on_call.trigger("emergency_hotfix", SCENARIOS["fixed"].incident(world.name, WINDOW), "approval-1")
        wait_for_task(on_call, run, SENSOR, "deferred")
        with pytest.raises(ApiError) as refusal:
            viewer.answer("emergency_hotfix", run, SENSOR, "Approve")
        assert refusal.value.status == 403
        on_call.answer("emergency_hotfix", run, SENSOR, "Approve")
        assert wait_for_run(on_call, run) == "success"
    incident = ledger(stack).incident_of_run(run)
    assert isinstance(incident, Incident)
    approval = ledger(stack).find(incident, Approval)
    assert approval is not None
    assert approval.granted_by == "silence"
    assert "on-call started the hotfix and cannot approve it" in approval.ignored_answers[0]
    waited = closed_at(viewer, run) - approval.requested_at
    assert abs(waited - timedelta(seconds=WINDOW)) <= timedelta(seconds=2)


def test_an_approver_approves_and_ends_the_wait_at_once(stack: AirflowStack, worlds: Mapping[str, World]) -> None:
    on_call, approver = AirflowApi(stack.url, "on-call"), AirflowApi(stack.url, "approver")
    world = worlds["shop-approval-person"]
    with world:
        world.release_regression()
        run = on_call.trigger("emergency_hotfix", SCENARIOS["fixed"].incident(world.name, 600), "approval-2")
        wait_for_task(on_call, run, SENSOR, "deferred")
        approver.answer("emergency_hotfix", run, SENSOR, "Approve")
        with pytest.raises(ApiError) as second:
            approver.answer("emergency_hotfix", run, SENSOR, "Reject")
        assert second.value.status == 409
        assert wait_for_run(on_call, run) == "success"
    incident = ledger(stack).incident_of_run(run)
    assert isinstance(incident, Incident)
    approval = ledger(stack).find(incident, Approval)
    assert approval is not None
    assert (approval.decision, approval.granted_by) == (ApprovalDecision.APPROVED, "approver")
    assert not approval.needs_approval_after_the_fact
