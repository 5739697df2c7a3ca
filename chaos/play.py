"""One fault, or one outage, from the report to the verdict."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from chaos.fault import Fault
from chaos.faults.outages import PLACES, Outage
from chaos.invariants import broken_invariants
from chaos.outcomes import Outcome, now
from chaos.stage import DAG, ENDED, Stage, set_up, wait_until
from demo.airflow_api import ApiError

LIMIT = 1500.0


def play(fault: Fault, stage: Stage) -> Outcome:
    """The workflow under one fault."""
    began = time.monotonic()
    try:
        fault.prepare(stage)
        with set_up(stage):
            fault.report(stage)
            watch(stage, fault.at)
            fault.after(stage)
            _wait_for_people(stage)
            problems = [*broken_invariants(stage, fault.expected), *fault.problems(stage)]
    except Exception as error:
        # Whatever it is: the other faults go on, and this one has not passed.
        problems = [f"{type(error).__name__}: {error}"]
    return _outcome(fault, stage, time.monotonic() - began, problems)


def watch(stage: Stage, at: Callable[[Stage, str, str], None]) -> None:
    """Tell every change of a task's state (short name, state) until no run of the stage goes on.

    Raises:
        TimeoutError: after ``LIMIT`` seconds, or when all is to stop.
    """
    going = list(stage.runs)

    def over() -> bool:
        for run in going:
            for task in _tasks(stage, run):
                short, state = task["task_id"].rsplit(".", 1)[-1], task["state"] or "waiting"
                if f"{run}:{short}:{state}" not in stage.seen:
                    stage.seen |= {f"{run}:{short}:{state}", f"{short}:{state}"}
                    at(stage, short, state)
        going[:] = [run for run in going if stage.state(run) not in (*ENDED, "gone")]
        return not going

    wait_until(over, LIMIT, "the end of the runs")


def play_outage(outage: Outage, stages: Mapping[str, Stage]) -> list[Outcome]:
    """Three runs, one at each of ``PLACES`` when the outage strikes: an outcome for each."""
    held = {place: Held(f"{outage.name}-{place}", f"{outage.about}, during {place}", place=place) for place in PLACES}
    stack = stages["deploy"].stack
    with ThreadPoolExecutor(len(PLACES)) as pool:
        futures = [pool.submit(play, held[place], stages[place]) for place in PLACES]
        wait_until(lambda: all(map(_is_there, held.values())) or any(map(Future.done, futures)), LIMIT, "the outage")
        outage.strike(stack)
        stack.wait_until_healthy()
        for place in PLACES:
            held[place].let_go(stages[place])
        return [future.result() for future in futures]


@dataclass(frozen=True)
class Held(Fault):
    """A run that stays at ``place`` until it is let go."""

    place: str = ""
    arrived: threading.Event = field(default_factory=threading.Event)

    def prepare(self, stage: Stage) -> None:
        if self.place == "deploy":
            stage.profile["deployer"]["time_limit"] = 240
        if self.place == "validate_production":
            stage.profile["monitoring"] |= {"window": 60, "limit": 120}

    def report(self, stage: Stage) -> None:
        stage.trigger(approval_window=900 if self.place == "await_approval" else 8, **self.params())

    def at(self, stage: Stage, task: str, state: str) -> None:
        if self.place == "deploy" and task == "await_approval" and state == "deferred":
            stage.trial("wait")
        if task == self.place and state in ("running", "deferred"):
            threading.Timer(3, self.arrived.set).start()

    def let_go(self, stage: Stage) -> None:
        stage.trial("")
        if self.place == "await_approval":
            stage.api("approver").answer(DAG, stage.runs[0], "deployment.await_approval", "Approve")


def _is_there(held: Held) -> bool:
    return held.arrived.is_set()


def _tasks(stage: Stage, run: str) -> list[dict[str, Any]]:
    try:
        return stage.api("viewer").tasks(DAG, run)
    except ApiError as error:
        if error.status == 404:
            return []
        raise


def _wait_for_people(stage: Stage) -> None:
    """Until the incident responses of the stage have ended."""
    api = stage.api("viewer")

    def ended() -> bool:
        runs = [run for run in api.runs("incident_response") if run["dag_run_id"].startswith(f"{stage.issue}")]
        return all(run["state"] in ENDED for run in runs)

    wait_until(ended, 300, "the incident response")


def _outcome(fault: Fault, stage: Stage, seconds: float, problems: list[str]) -> Outcome:
    rows = [
        row for issue in (stage.issue, f"{stage.issue}-0", f"{stage.issue}-1") for row in stage.records.attempts(issue)
    ]
    status = ", ".join(row.status.value.replace("_", " ") for row in rows) or "no record"
    return Outcome(
        name=fault.name, about=fault.about, ended=status, seconds=round(seconds), problems=tuple(problems), at=now()
    )
