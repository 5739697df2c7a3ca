"""Bad incident params get a clear error, at the trigger or in the first task, and nothing is touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from demo.airflow_api import AirflowApi, ApiError
from demo.airflow_stack import AirflowStack
from demo.play import ledger
from demo.world import World
from tests.e2e.waiting import wait_for_run

pytestmark = pytest.mark.stack

SERVICE = "shop-params"
GOOD = {"service": SERVICE, "description": "Quotes for ten or more pieces fail"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"service": "shopp"},
        {"description": "broken"},
        {"description": "x" * 2001},
        {"criteria": ["very_urgent"]},
        {"good": "v1; rm -rf /"},
        {"good": "--upload-pack=touch"},
        {"issue": "$(reboot)"},
        {"failing_request": "http://elsewhere/"},
        {"approval": "always"},
        {"approval_window": 0},
        {"attempt": 99},
    ],
    ids=str,
)
def test_the_form_refuses_what_a_schema_can_see(stack: AirflowStack, wrong: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refusal:
        AirflowApi(stack.url, "on-call").trigger("emergency_hotfix", {**GOOD, **wrong})
    assert refusal.value.status == 400


FIRST_TASK = {
    "unknown key": ({"sevrice": "shop"}, "sevrice: there is no such param"),
    "path outside": ({"suspected_paths": ["../../etc/passwd"]}, "leaves the repository"),
    "no such path": ({"suspected_paths": ["no/such/file.py"]}, "is not in production's version"),
    "no time": ({"started_at": "yesterday evening"}, "started_at:"),
    "no timezone": ({"started_at": "2026-01-31T03:12:00"}, "timezone"),
    "future": ({"started_at": "2999-01-31T03:12:00+00:00"}, "lies in the future"),
    "no such ref": ({"good": "v0.0.0"}, "is not a branch, tag or commit"),
    "no patch": ({"patch": "please fix it"}, "not a unified diff"),
    "both fixes": ({"patch": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "fix_ref": "main"}, "one of them, not both"),
}


@pytest.fixture(scope="module")
def refused(stack: AirflowStack, worlds: Mapping[str, World]) -> dict[str, str]:
    """The runs with params that only the first task can refuse, by name; all of them have ended."""
    api = AirflowApi(stack.url, "on-call")
    with worlds[SERVICE]:
        runs = {name: api.trigger("emergency_hotfix", {**GOOD, **wrong}) for name, (wrong, _) in FIRST_TASK.items()}
        assert {wait_for_run(api, run) for run in runs.values()} == {"failed"}
    return runs


@pytest.mark.parametrize("name", FIRST_TASK)
def test_the_first_task_refuses_the_rest(
    name: str, refused: dict[str, str], stack: AirflowStack, worlds: Mapping[str, World]
) -> None:
    api = AirflowApi(stack.url, "viewer")
    run = refused[name]
    assert api.run("emergency_hotfix", run)["state"] == "failed"
    states = {task["task_id"]: task["state"] for task in api.tasks("emergency_hotfix", run)}
    ran = {task for task, state in states.items() if state in ("success", "failed")}
    assert ran == {"assessment.open_incident", "hotfix_outcome"}
    log = api.log("emergency_hotfix", run, "assessment.open_incident")
    assert FIRST_TASK[name][1] in log
    assert ledger(stack).incident_of_run(run) is None
    assert not [ref for ref in worlds[SERVICE].refs() if "hotfix" in ref]
