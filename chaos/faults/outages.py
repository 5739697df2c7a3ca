"""A component goes down under runs that are at three different points."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.airflow_stack import AirflowStack

PLACES = ("await_approval", "deploy", "validate_production")


@dataclass(frozen=True)
class Outage:
    """``strike`` breaks something that all runs need, and mends it again."""

    name: str
    about: str
    strike: Callable[[AirflowStack], None]


def restarted(component: str) -> Callable[[AirflowStack], None]:
    def strike(stack: AirflowStack) -> None:
        stack.kill_component(component)
        time.sleep(3)
        stack.start_component(component)

    return strike


def ledger_locked(seconds: float) -> Callable[[AirflowStack], None]:
    def strike(stack: AirflowStack) -> None:
        holder = sqlite3.connect(stack.home / "hotfix" / "bugs.db", isolation_level=None, timeout=30)
        holder.execute("BEGIN EXCLUSIVE")
        time.sleep(seconds)
        holder.execute("ROLLBACK")
        holder.close()

    return strike


OUTAGES: dict[str, Outage] = {
    outage.name: outage
    for outage in (
        Outage("triggerer", "the triggerer is killed, and started again", restarted("triggerer")),
        Outage("scheduler", "the scheduler is killed with all its workers, and started again", restarted("scheduler")),
        Outage("ledger", "the bug database is locked for 40 s, longer than a task waits", ledger_locked(40)),
    )
}
