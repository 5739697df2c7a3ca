"""One hotfix a service at a time, and one run an incident."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import ledger
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.ports.bug_database import IncidentStatus
from tests.e2e.test_approval import SENSOR
from tests.e2e.waiting import wait_for_run, wait_for_task

pytestmark = pytest.mark.stack


def test_a_second_run_is_told_who_is_at_it_and_touches_nothing(
    stack: AirflowStack, worlds: Mapping[str, World]
) -> None:
    on_call, approver = AirflowApi(stack.url, "on-call"), AirflowApi(stack.url, "approver")
    world = worlds["shop-twice"]
    params = SCENARIOS["fixed"].incident(world.name, 600)
    with world:
        world.release_regression()
        first = on_call.trigger("emergency_hotfix", {**params, "issue": "OPS-7"}, "twice-1")
        wait_for_task(on_call, first, SENSOR, "deferred")
        before = dict(world.refs())
        again = on_call.trigger("emergency_hotfix", {**params, "issue": "OPS-7"}, "twice-2")
        other = on_call.trigger("emergency_hotfix", {**params, "issue": "OPS-8"}, "twice-3")
        for run in (again, other):
            assert wait_for_run(on_call, run) == "failed"
        assert "is being handled by run twice-1" in on_call.log("emergency_hotfix", again, "assessment.open_incident")
        assert "is locked by incident OPS-7" in on_call.log("emergency_hotfix", other, "assessment.open_incident")
        assert dict(world.refs()) == before
        approver.answer("emergency_hotfix", first, SENSOR, "Reject")
        assert wait_for_run(on_call, first) == "failed"
        assert world.version() == world.history.bad
    records = ledger(stack)
    assert [row.status for row in records.attempts("OPS-7")] == [IncidentStatus.ROLLED_BACK]
    assert [row.status for row in records.attempts("OPS-8")] == [IncidentStatus.FAILED]
    assert not [ref for ref in world.refs() if "lock" in ref]
