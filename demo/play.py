"""One scenario from the report to the end, on a running Airflow and a running world."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console

from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.scenarios import Scenario
from demo.verdict import Ending, inspect
from demo.watch import watch
from demo.world import World
from hotfix.adapters.bug_database import SqlBugDatabase
from hotfix.ports.bug_database import BugDatabase

# Long enough for the failures to show, and for customers to notice the fix.
FAILING_SECONDS, AFTER_SECONDS = 6, 4
PATIENCE = 90.0


@dataclass(frozen=True)
class Played:
    """``rates`` are (requests, errors) that customers saw before, during and after the incident."""

    ending: Ending
    rates: Mapping[str, tuple[int, int]]


def play(
    scenario: Scenario,
    world: World,
    stack: AirflowStack,
    console: Console,
    window: int,
    on_run: Callable[[str], None] = lambda run_id: None,
) -> Played:
    """Let production fail, report it, watch the run (and the next attempt), and look at what has become of it.

    ``window`` is the approval window in seconds; ``on_run`` hears of every run that is watched.
    """
    on_call, approver = AirflowApi(stack.url, "on-call"), AirflowApi(stack.url, "approver")
    bug_database = ledger(stack)
    healthy_since, broken_since = world.started_at, time.time()
    if scenario.regression:
        console.print("a release goes out, with a regression hidden in it …")
        world.release_regression()
        broken_for = time.time()
    else:
        broken_for = broken_since
    time.sleep(FAILING_SECONDS)
    reported = time.time()
    params = scenario.incident(world.name, window)
    console.print(f"the on-call engineer reports: {params['description']}\n")
    run_id: str | None = on_call.trigger("emergency_hotfix", params)
    first = str(run_id)

    answered: set[str] = set()

    def answer(task: str, state: str) -> None:
        """Once a run: a task that is tried again waits again, with the answer that it has."""
        if task == "deployment.await_approval" and state == "deferred" and scenario.answer:
            if str(run_id) not in answered:
                approver.answer("emergency_hotfix", str(run_id), task, scenario.answer)
            answered.add(str(run_id))

    waits = {"await_approval": float(window), "validate_production": float(world.profile()["monitoring"]["window"])}
    while run_id:
        on_run(run_id)
        watch(on_call, console, run_id, waits, answer)
        run_id = next_attempt(bug_database, run_id)
        if run_id:
            console.print("\nthe next candidate is tried:")
    ended = time.time()
    wait_for_successor(on_call, scenario, bug_database, first)
    time.sleep(AFTER_SECONDS)
    now = time.time()
    rates = {
        "before": world.error_rate(healthy_since, broken_since),
        "during": world.error_rate(broken_for, reported),
        "after": world.error_rate(ended, now),
    }
    return Played(inspect(scenario, world, first, bug_database, on_call, rates["after"]), rates)


def ledger(stack: AirflowStack) -> SqlBugDatabase:
    """The bug database of a stack."""
    return SqlBugDatabase(f"sqlite:///{stack.home / 'hotfix' / 'bugs.db'}")


def next_attempt(bug_database: BugDatabase, run_id: str) -> str | None:
    """The run of the next attempt at the same incident, if the run has started one."""
    incident = bug_database.incident_of_run(run_id)
    if incident is None:
        return None
    steps = {event.step for event in bug_database.timeline(incident)}
    return f"{incident.id}__attempt_{incident.attempt + 1}" if "try_next_candidate" in steps else None


def wait_for_successor(api: AirflowApi, scenario: Scenario, bug_database: BugDatabase, run_id: str) -> None:
    """Wait until the DAG that takes over has done its work."""
    incident = bug_database.incident_of_run(run_id)
    deadline = time.monotonic() + PATIENCE
    while scenario.successor and incident and time.monotonic() < deadline:
        ours = [run for run in api.runs(scenario.successor) if run["dag_run_id"].startswith(f"{incident.id}__")]
        if ours and all(run["state"] in ("success", "failed") for run in ours):
            return
        time.sleep(0.5)


def wait_for_dag(api: AirflowApi) -> None:
    """Wait until Airflow has read the DAG.

    Raises:
        RuntimeError: it cannot be imported, or is not there in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not any(dag["dag_id"] == "emergency_hotfix" for dag in api.call("GET", "/dags")["dags"]):
        errors = api.call("GET", "/importErrors")["import_errors"]
        if errors or time.monotonic() > deadline:
            raise RuntimeError(f"Airflow does not show the DAG: {[error['stack_trace'] for error in errors]}")
        time.sleep(0.5)
