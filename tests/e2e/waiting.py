"""Waiting for a run of the workflow."""

from __future__ import annotations

import time

from demo.airflow_api import AirflowApi

ENDED = ("success", "failed")


def wait_for_run(api: AirflowApi, run: str, dag_id: str = "emergency_hotfix", seconds: float = 400) -> str:
    """The final state of a run."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = str(api.run(dag_id, run)["state"])
        if state in ENDED:
            return state
        time.sleep(1)
    raise AssertionError(f"{dag_id} {run} has not ended after {seconds:.0f} s")


def wait_for_task(api: AirflowApi, run: str, task: str, state: str, seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(each["task_id"] == task and each["state"] == state for each in api.tasks("emergency_hotfix", run)):
            return
        time.sleep(1)
    raise AssertionError(f"{task} is not {state} after {seconds:.0f} s")
