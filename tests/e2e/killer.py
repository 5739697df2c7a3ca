"""Kills the process of every task once, in the middle of its first try."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

from demo.airflow_api import AirflowApi

# Seconds after a task was seen running: while it imports, while it reads, while it works.
DELAYS = (0.0, 0.1, 0.25)


class Killer(threading.Thread):
    """Follows a run; ``killed`` are the tasks whose first try was ended by SIGKILL."""

    def __init__(self, api: AirflowApi, spare: frozenset[str] = frozenset()) -> None:
        super().__init__(daemon=True)
        self._api = api
        self._spare = spare
        self._over = threading.Event()
        self._runs: list[str] = []
        self._aimed: set[tuple[str, str]] = set()
        self.killed: set[str] = set()

    def follow(self, run_id: str) -> None:
        self._runs.append(run_id)

    def stop(self) -> None:
        self._over.set()
        self.join()
        for run_id in self._runs:
            tasks = self._api.tasks("emergency_hotfix", run_id)
            self.killed |= {task["task_id"] for task in tasks if task["try_number"] > 1}

    def run(self) -> None:
        while not self._over.wait(0.05):
            for run_id in list(self._runs):
                for task in self._api.tasks("emergency_hotfix", run_id):
                    self._aim(run_id, task["task_id"], task["state"], task["try_number"], task["pid"])

    def _aim(self, run_id: str, task: str, state: str | None, try_number: int, pid: int | None) -> None:
        if state != "running" or try_number != 1 or not pid or (run_id, task) in self._aimed or task in self._spare:
            return
        time.sleep(DELAYS[len(self._aimed) % len(DELAYS)])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self._aimed.add((run_id, task))
