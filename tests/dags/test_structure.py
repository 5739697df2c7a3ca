"""What the graph of the workflow promises, whatever its tasks do."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from hotfix.airflow.retries import ByError
from hotfix.domain.incident import IncidentReport
from tests.dags.conftest import DAGS

pytestmark = pytest.mark.airflow

GATES = {
    "assessment.production_impact",
    "validation.tests_pass",
    "validation.security_clear",
    "deployment.approved",
    "follow_up.production_stable",
}
# What comes before anything is shipped; the fifth gate judges what was shipped.
GATES_BEFORE = GATES - {"follow_up.production_stable"}
SHIPPING = {"deployment.commit_hotfix", "deployment.push_hotfix", "deployment.deploy"}
ROLLBACK = "rollback.roll_back_deployment"
RECOVERY = ("roll_back_fix", "verify_rollback", "document_rollback", "another_candidate", "escalate")
START, LEAF = "assessment.open_incident", "hotfix_outcome"


def reachable(dag: Any, start: str, without: str | None = None) -> set[str]:
    """Tasks that a run can come to from ``start``, if ``without`` did not exist."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        task_id = waiting.pop()
        if task_id not in seen and task_id != without:
            seen.add(task_id)
            waiting.extend(dag.get_task(task_id).downstream_task_ids)
    return seen


def test_the_dags_are_all_there(dags: dict[str, Any]) -> None:
    assert set(dags) == {
        "emergency_hotfix",
        "standard_bug_fix",
        "incident_response",
        "hotfix_compliance",
        "hotfix_metrics",
    }


def test_a_dag_file_is_wiring_that_one_can_read() -> None:
    files = sorted(DAGS.glob("*.py"))
    assert len(files) == 5
    for file in files:
        assert len(file.read_text(encoding="utf-8").splitlines()) < 150, file.name


def test_every_dag_explains_itself_and_is_awake(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        assert len(dag.doc_md or "") > 100, dag.dag_id
        assert dag.is_paused_upon_creation is False, f"{dag.dag_id}: an emergency does not wait for a switch"
        assert dag.catchup is False
        assert "hotfix" in dag.tags


def test_every_task_is_tried_again_and_explains_itself(dags: dict[str, Any]) -> None:
    tasks = [task for dag in dags.values() for task in dag.tasks]
    assert len(tasks) > 30
    for task in tasks:
        assert task.retries >= 1, task.task_id
        assert task.retry_delay <= timedelta(minutes=1), f"{task.task_id}: an emergency does not wait for minutes"
    steps = [task for task in tasks if hasattr(task, "python_callable")]
    assert len(steps) > 20
    for task in steps:
        assert task.doc_md or inspect.getdoc(task.python_callable), task.task_id


def test_tasks_are_tried_again_by_what_went_wrong(dags: dict[str, Any]) -> None:
    by_error = {
        f"{name}/{task.task_id.rsplit('.', 1)[-1]}"
        for name, dag in dags.items()
        for task in dag.tasks
        if isinstance(getattr(task, "retry_policy", None), ByError)
    }
    assert {"emergency_hotfix/push_hotfix", "emergency_hotfix/open_follow_up_pr"} <= by_error
    assert {"incident_response/incident_issue", "standard_bug_fix/open_issue_record"} <= by_error


def test_schedules(dags: dict[str, Any]) -> None:
    assert {dag_id for dag_id, dag in dags.items() if dag.schedule is None} == {
        "emergency_hotfix",
        "standard_bug_fix",
        "incident_response",
    }
    assert dags["hotfix_compliance"].max_active_runs == dags["hotfix_metrics"].max_active_runs == 1


def able_to_run(dag: Any, closed: str | None = None) -> set[str]:
    """The tasks that can run when the gate ``closed`` lets nothing through: by default one needs all before it."""
    from airflow.sdk import TriggerRule

    running: set[str] = set()
    for task in dag.topological_sort():
        needs_all = task.trigger_rule == TriggerRule.ALL_SUCCESS
        if task.task_id != closed and (not needs_all or task.upstream_task_ids <= running):
            running.add(task.task_id)
    return running


@pytest.mark.parametrize("gate", sorted(GATES_BEFORE))
def test_nothing_ships_before_every_gate(hotfix: Any, gate: str) -> None:
    assert able_to_run(hotfix) >= SHIPPING, "with open gates there is a way"
    assert not able_to_run(hotfix, closed=gate) & SHIPPING, f"it ships although {gate} is closed"


@pytest.mark.parametrize("gate", sorted(GATES))
def test_behind_a_closed_gate_only_the_rollback_goes_on(hotfix: Any, gate: str) -> None:
    stopped = able_to_run(hotfix) - able_to_run(hotfix, closed=gate) - {gate}
    assert stopped, "the gate stops something"
    assert ROLLBACK not in stopped
    assert LEAF not in stopped
    assert not any(task_id.startswith("rollback.") and task_id != "rollback.try_next_candidate" for task_id in stopped)


def test_a_ship_waits_for_everything_before_it(hotfix: Any) -> None:
    from airflow.sdk import TriggerRule

    for task_id in SHIPPING | GATES:
        assert hotfix.get_task(task_id).trigger_rule == TriggerRule.ALL_SUCCESS, task_id


def test_what_ships_ships_in_this_order(hotfix: Any) -> None:
    order = ["commit_hotfix", "push_hotfix", "deploy", "monitor_deployment"]
    for before, after in pairwise(order):
        assert f"deployment.{after}" in hotfix.get_task(f"deployment.{before}").downstream_task_ids
    assert "follow_up.validate_production" in hotfix.get_task("deployment.monitor_deployment").downstream_task_ids


def test_gates_are_branches_that_lead_to_the_rollback(hotfix: Any) -> None:
    from airflow.providers.standard.operators.python import BranchPythonOperator

    branches = {task.task_id for task in hotfix.tasks if isinstance(task, BranchPythonOperator)}
    assert branches == GATES | {"rollback.another_candidate"}
    for gate in GATES:
        assert ROLLBACK in hotfix.get_task(gate).downstream_task_ids, gate


def test_a_gate_can_only_choose_what_is_right_behind_it(hotfix: Any) -> None:
    """A branch that names a task which is not directly downstream fails when it is needed."""
    from hotfix.airflow import gates

    ways = {
        "assessment.production_impact": {"fix.find_root_cause", "assessment.hand_over_to_standard_fix"},
        "validation.tests_pass": {"validation.review_security"},
        "validation.security_clear": {"deployment.await_approval"},
        "deployment.approved": {"deployment.commit_hotfix"},
        "follow_up.production_stable": {"follow_up.write_post_mortem"},
    }
    source = inspect.getsource(gates)
    assert gates.ROLLBACK == ROLLBACK
    for gate, chosen in ways.items():
        assert hotfix.get_task(gate).downstream_task_ids == chosen | {ROLLBACK}
        for task_id in chosen:
            assert f'"{task_id}"' in source, task_id


def test_one_leaf_has_the_last_word(hotfix: Any) -> None:
    from airflow.sdk import TriggerRule

    assert [task.task_id for task in hotfix.leaves] == [LEAF]
    assert hotfix.get_task(LEAF).trigger_rule == TriggerRule.ALL_DONE
    assert [task.task_id for task in hotfix.roots] == [START]


def test_every_task_can_end_in_the_rollback_or_is_past_the_point_where_it_makes_sense(hotfix: Any) -> None:
    covered = {task.task_id for task in hotfix.tasks if ROLLBACK in reachable(hotfix, task.task_id)}
    behind = {task.task_id for task in hotfix.tasks if task.task_id.startswith("rollback.")}
    bookkeeping = {"follow_up.write_post_mortem", "follow_up.update_bug_database", "follow_up.open_follow_up_pr"}
    left = {task.task_id for task in hotfix.tasks} - covered - behind
    assert left == {*bookkeeping, "assessment.hand_over_to_standard_fix", LEAF}, (
        "failing bookkeeping rolls no production back"
    )


def test_recovery_runs_whatever_went_wrong_before(hotfix: Any) -> None:
    from airflow.sdk import TriggerRule

    assert hotfix.get_task(ROLLBACK).trigger_rule == TriggerRule.ALL_DONE
    for name in RECOVERY:
        assert hotfix.get_task(f"rollback.{name}").trigger_rule == TriggerRule.NONE_SKIPPED, name
    chain = ["roll_back_deployment", *RECOVERY[:4]]
    for before, after in pairwise(chain):
        assert f"rollback.{after}" in hotfix.get_task(f"rollback.{before}").downstream_task_ids


def test_recovery_is_told_nothing_by_other_tasks(hotfix: Any) -> None:
    """An XCom argument is an edge, and its value is missing when the task that gives it has failed."""
    recovery = [task for task in hotfix.tasks if task.task_id.startswith("rollback.")]
    assert len(recovery) == len(RECOVERY) + 2
    for task in [*recovery, hotfix.get_task(LEAF)]:
        assert not getattr(task, "op_args", ()), task.task_id
        assert not getattr(task, "op_kwargs", {}), task.task_id


def test_every_way_out_is_judged_by_the_leaf(hotfix: Any) -> None:
    assert hotfix.get_task(LEAF).upstream_task_ids == {
        "assessment.hand_over_to_standard_fix",
        "follow_up.open_follow_up_pr",
        "rollback.try_next_candidate",
        "rollback.escalate",
    }


# --- the form


def test_the_form_asks_for_two_things_and_offers_the_rest(hotfix: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    def refuses_nothing(name: str) -> bool:
        try:
            _param(hotfix, name).resolve()
        except ParamValidationError:
            return True
        return False

    required = [name for name in hotfix.params if refuses_nothing(name)]
    assert required == ["service", "description"]
    assert list(hotfix.params)[:2] == required, "what is required comes first"


def _param(hotfix: Any, name: str) -> Any:
    return hotfix.params.get_param(name)


def test_the_form_and_the_report_have_the_same_fields(hotfix: Any) -> None:
    assert set(hotfix.params) == set(IncidentReport.model_fields)


def test_every_field_says_what_it_is(hotfix: Any) -> None:
    for name in hotfix.params:
        param = _param(hotfix, name)
        assert param.schema.get("title"), name
        assert param.description or name == "approval_window", name
        assert param.schema.get("section") or name in ("service", "description"), name


def test_the_services_of_the_catalog_are_the_choice(hotfix: Any) -> None:
    assert _param(hotfix, "service").schema["enum"] == ["shop"]


def test_what_the_form_gives_untouched_is_a_report(hotfix: Any) -> None:
    given = {name: _param(hotfix, name).value for name in hotfix.params}
    given.update(service="shop", description="Checkout answers 500")
    report = IncidentReport.parse(given, datetime(2026, 3, 1, tzinfo=timezone.utc))
    assert report == IncidentReport(service="shop", description="Checkout answers 500")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("service", "nowhere"),
        ("service", None),
        ("description", "short"),
        ("description", "x" * 2001),
        ("criteria", ["because"]),
        ("criteria", "production_down"),
        ("failing_request", "http://elsewhere/"),
        ("failing_request", "/a b"),
        ("issue", "OPS 1"),
        ("issue", "../x"),
        ("good", "--all"),
        ("fix_ref", "$(id)"),
        ("suspected_paths", ["x" * 301]),
        ("suspected_paths", ["a"] * 21),
        ("approval", "maybe"),
        ("approval_window", 4),
        ("approval_window", 3601),
        ("approval_window", "300"),
        ("irreversible_change_accepted", "yes"),
        ("attempt", 0),
        ("attempt", 3),
    ],
)
def test_the_form_refuses_what_a_schema_can_see(hotfix: Any, name: str, bad: object) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        _param(hotfix, name).resolve(bad)


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("service", "shop"),
        ("description", "Checkout answers 500"),
        ("criteria", ["production_down", "data_loss_risk"]),
        ("failing_request", "/api/quote?sku=mug&qty=12"),
        ("issue", "OPS-1423"),
        ("good", "v1.4.0"),
        ("approval", "required"),
        ("approval", None),
        ("approval_window", 60),
        ("patch", None),
        ("started_at", "2026-01-31T03:12:00+00:00"),
        ("started_at", None),
    ],
)
def test_the_form_takes_what_is_right(hotfix: Any, name: str, fine: object) -> None:
    assert _param(hotfix, name).resolve(fine) == fine


def test_after_every_task_the_chat_and_the_code_host_are_told(dags: dict[str, Any]) -> None:
    from hotfix.airflow.announcements import announce
    from hotfix.airflow.notifications import TellTheChat

    tasks = dags["emergency_hotfix"].tasks
    assert len(tasks) >= 25
    for task in tasks:
        for callbacks in (task.on_success_callback, task.on_failure_callback, task.on_retry_callback):
            assert announce in callbacks, task.task_id
            assert any(isinstance(each, TellTheChat) for each in callbacks), task.task_id
