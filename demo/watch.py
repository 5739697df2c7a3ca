"""The run as it goes, on the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from demo.airflow_api import AirflowApi

MARKS = {"success": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[dim]–[/]", "upstream_failed": "[dim]·[/]"}
DONE = ("success", "failed", "skipped", "upstream_failed", "removed")
LONG_WAITS = {"await_approval": "waiting for approval", "validate_production": "watching production"}
RUN_LIMIT = 900.0
# Each look costs the api-server a tenth of a second of processor.
LOOK_EVERY = 1.5


def watch(
    api: AirflowApi,
    console: Console,
    run_id: str,
    waits: dict[str, float],
    on_state: Callable[[str, str], None],
) -> str:
    """Print every task of an emergency_hotfix run as it ends, with a bar in the long waits; returns the run's state.

    ``waits`` are their expected lengths (seconds) by task; ``on_state`` hears of every change (task, state).

    Raises:
        RuntimeError: the run has not ended after ``RUN_LIMIT`` seconds.
    """
    seen: dict[str, str] = {}
    started = time.monotonic()
    columns = (TextColumn("    {task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f} s"))
    with Progress(*columns, console=console, transient=True) as bars:
        bar: tuple[str, Any, float] | None = None
        while time.monotonic() - started < RUN_LIMIT:
            for task in sorted(api.tasks("emergency_hotfix", run_id), key=_order):
                name, state = task["task_id"], task["state"] or "waiting"
                if seen.get(name) == state:
                    continue
                seen[name] = state
                on_state(name, state)
                short = name.rsplit(".", 1)[-1]
                if state in DONE:
                    console.print(_line(task, name, state))
                    if bar and bar[0] == name:
                        bars.remove_task(bar[1])
                        bar = None
                elif short in LONG_WAITS and state in ("running", "deferred") and bar is None:
                    bar = (name, bars.add_task(LONG_WAITS[short], total=waits.get(short, 60)), time.monotonic())
            if bar:
                bars.update(bar[1], completed=time.monotonic() - bar[2])
            run = api.run("emergency_hotfix", run_id)
            if run["state"] in ("success", "failed"):
                return str(run["state"])
            time.sleep(LOOK_EVERY)
    raise RuntimeError(f"run {run_id} has not ended after {RUN_LIMIT:.0f} s")


def _order(task: dict[str, Any]) -> str:
    return str(task["end_date"] or task["start_date"] or "9")


def _line(task: dict[str, Any], name: str, state: str) -> str:
    phase, _, short = name.rpartition(".")
    took = f"{task['duration']:.1f} s" if task["duration"] else ""
    colour = "dim" if state in ("skipped", "upstream_failed") else "default"
    now = f"{datetime.now(timezone.utc):%H:%M:%S}"
    return f"  {MARKS.get(state, state)} [{colour}]{now}  {phase:<11} {short:<28} {took:>8}[/]"
