"""Tasks that wait without a worker: the trigger, and how the task goes on."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta, timezone
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from hotfix.airflow import patient_task
from hotfix.airflow.patient_task import LATE, Moment, PatientOperator, wait_until
from hotfix.domain.outcome import Ending, RunOutcome
from hotfix.domain.rollback import RollbackReport
from hotfix.domain.stability import NextLook, StabilityVerdict
from hotfix.steps.what_went_wrong import TAKEN_OVER
from tests.contract.fakes.deployer import FakeDeployer
from tests.support.documents import BASE, a_profile
from tests.support.looks import to_the_end

pytestmark = pytest.mark.airflow


def in_seconds(seconds: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)


def fired(trigger: Moment, limit: float = 5) -> Any:
    async def first() -> Any:
        async for event in trigger.run():
            return event.payload
        raise AssertionError("the trigger ended without an event")

    return asyncio.run(asyncio.wait_for(first(), limit))


def test_a_moment_is_waited_for_and_one_that_is_over_is_not() -> None:
    moment = in_seconds(0.4)
    assert fired(Moment(moment.isoformat())) == moment.isoformat()
    assert datetime.now(timezone.utc) >= moment
    fired(Moment(in_seconds(-3600).isoformat()), limit=0.5)
    with pytest.raises(asyncio.TimeoutError):
        fired(Moment(in_seconds(60).isoformat()), limit=0.2)


def test_waiting_blocks_no_other_trigger() -> None:
    async def together() -> float:
        began = asyncio.get_running_loop().time()
        moments = [Moment(in_seconds(0.5).isoformat()) for _ in range(50)]

        async def one(trigger: Moment) -> None:
            async for _ in trigger.run():
                return

        await asyncio.gather(*map(one, moments))
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(together()) < 3


def test_a_clock_that_jumps_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine slept: what is left is asked of the clock again, and not of how long was slept."""
    monkeypatch.setattr(patient_task, "LONGEST_SLEEP", 0.05)
    moments = iter([in_seconds(0), in_seconds(0), in_seconds(3600)])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return next(moments)

    monkeypatch.setattr(patient_task, "datetime", Clock)
    fired(Moment(in_seconds(1800).isoformat()), limit=2)


def test_the_trigger_survives_the_way_through_the_database() -> None:
    """A restarted triggerer makes it anew, and prolongs nothing."""
    trigger = Moment(in_seconds(60).isoformat())
    path, arguments = json.loads(json.dumps(trigger.serialize()))
    module, name = path.rsplit(".", 1)
    assert getattr(import_module(module), name)(**arguments).serialize() == trigger.serialize()


def test_a_task_gives_its_worker_back_and_is_called_again() -> None:
    moment = in_seconds(20)
    with pytest.raises(TaskDeferred) as caught:
        wait_until(moment)
    assert caught.value.trigger.at == moment.isoformat()
    assert caught.value.method_name == "look_again"
    assert callable(getattr(PatientOperator, caught.value.method_name))
    assert LATE < caught.value.timeout <= LATE + timedelta(seconds=20), "a triggerer that is gone is not waited for"


def test_the_tasks_that_watch_are_patient(hotfix: Any) -> None:
    patient = {task.task_id for task in hotfix.tasks if isinstance(task, PatientOperator)}
    assert patient == {"deployment.monitor_deployment", "follow_up.validate_production", "rollback.verify_rollback"}


def test_dead_runs_are_recovered_without_a_worker_while_production_is_watched(dags: dict[str, Any]) -> None:
    recover = dags["hotfix_compliance"].get_task("recover")
    assert recover.is_mapped
    assert recover.operator_class is PatientOperator


def test_a_recovery_waits_and_goes_on_and_takes_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from hotfix.airflow import recovery_tasks
    from tests.contract.fakes.bug_database import InMemoryBugDatabase
    from tests.contract.fakes.clock import FakeClock
    from tests.support.documents import an_incident

    incident, clock, bug_database = an_incident(), FakeClock(), InMemoryBugDatabase()
    bug_database.open_incident(incident)
    answers = iter([NextLook(at=in_seconds(20), why="not yet"), None, None])
    recovered = iter([NextLook(at=in_seconds(20), why="watched"), ("all done",)])
    closed = RunOutcome(ending=Ending.FIXED, summary="fixed", criteria=())
    tools = SimpleNamespace(
        bug_database=bug_database, clock=clock, service=lambda name: SimpleNamespace(repository=None)
    )
    monkeypatch.setattr(recovery_tasks, "toolbox", lambda: tools)
    monkeypatch.setattr(recovery_tasks, "recovery_tools", lambda incident: None)
    monkeypatch.setattr(recovery_tasks, "judge_dead_run", lambda incident, tools: next(answers))
    monkeypatch.setattr(recovery_tasks, "recover_run", lambda incident, tools, patient: next(recovered))
    monkeypatch.setattr(recovery_tasks, "close_run", lambda incident, **_: closed)
    monkeypatch.setattr(recovery_tasks, "get_current_context", lambda: {"dag_run": SimpleNamespace(run_id="hourly-1")})
    run = {"incident": incident.id, "attempt": 1, "run_id": incident.run_id, "why": "gone"}
    body = recovery_tasks.recover.function
    for _ in range(2):
        with pytest.raises(TaskDeferred):
            body(run)
        monkeypatch.setattr(recovery_tasks, "is_resumed", lambda: True)
        clock.sleep(20)
    assert body(run)["steps"] == ["all done"]
    taken = [event for event in bug_database.timeline(incident) if event.key == TAKEN_OVER]
    assert [event.at for event in taken] == [FakeClock().now()], "when it was taken over, and not when it went on"


def test_the_rollback_is_verified_and_watched_by_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    from hotfix.airflow import tasks
    from tests.unit.steps.test_watch_rollback import Scene

    scene = Scene(failing=5)
    scene.traffic(0, 60, 5)
    report = RollbackReport(verified=True, production=BASE, expected=BASE, checks=("yes: back",), at=scene.clock.now())
    service = SimpleNamespace(
        profile=a_profile(),
        repository=None,
        deployer=FakeDeployer(BASE, scene.clock),
        monitoring=scene.monitoring,
    )
    tools = SimpleNamespace(
        service=lambda name: service,
        bug_database=scene.bug_database,
        clock=scene.clock,
        artefacts=lambda incident: scene.artefacts,
    )
    monkeypatch.setattr(tasks, "incident_to_recover", lambda: scene.incident)
    monkeypatch.setattr(tasks, "toolbox", lambda: tools)
    monkeypatch.setattr(tasks, "verify_rollback_step", lambda *_, **__: report)
    step = tasks.verify_rollback.function.__wrapped__
    assert isinstance(step(), NextLook)
    found = to_the_end(step, scene.clock)
    assert (found.health, len(found.checks)) == (StabilityVerdict.STABLE, 2)
