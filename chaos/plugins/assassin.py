"""An Airflow plugin: SIGKILL for the processes of tasks, as a plan says.

From inside the process, since an observer outside comes too late for tasks that take half a second. The plan of a
service is the file ``<HOTFIX_CHAOS>/<service>.json``; ``<HOTFIX_CHAOS>/<service>/<task>/<n>`` notes the n-th kill.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

PLANS = "HOTFIX_CHAOS"
MOMENTS = ("begin", "middle", "end")
MIDDLE_SECONDS = 0.2


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    dag_run = task_instance.get_template_context()["dag_run"]
    service = str((dag_run.conf or {}).get("service", ""))
    plan_file = Path(os.environ.get(PLANS, "/nonexistent")) / f"{service}.json"
    if dag_run.dag_id != "emergency_hotfix" or not plan_file.is_file():
        return
    plan = json.loads(plan_file.read_text())
    task = task_instance.task
    victims, notes = plan["tasks"], plan_file.with_suffix("") / task.task_id
    killed = len(list(notes.iterdir())) if notes.is_dir() else 0
    if killed < plan["times"] and ("*" in victims or task.task_id.rsplit(".", 1)[-1] in victims):
        condemn(task, plan, notes / str(killed + 1))


def condemn(task: Any, plan: dict[str, Any], note: Path) -> None:
    """Let the task's work begin, or its work when it is resumed, and see that it does not end."""
    method = "execute_complete" if plan["resumed"] else "execute"
    execute = getattr(task, method)
    mixed = MOMENTS[zlib.crc32(task.task_id.encode()) % len(MOMENTS)]
    moment = mixed if plan["moment"] == "mixed" else plan["moment"]

    def kill() -> None:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
        if plan["worker"]:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def doomed(*args: Any, **kwargs: Any) -> Any:
        if moment != "end":
            threading.Timer(0 if moment == "begin" else MIDDLE_SECONDS, kill).start()
        try:
            # A failure of its own must not hide the one that is tested.
            with suppress(Exception):
                execute(*args, **kwargs)
        finally:
            kill()

    # Past the operator's own guard against changes, as nothing of it may notice.
    object.__setattr__(task, method, doomed)


if "scheduler" in sys.argv:
    # Task processes are forks of the scheduler's: what is here already, a thousand of them need not import again.
    import hotfix.adapters.bug_database
    import hotfix.adapters.deployers
    import hotfix.adapters.git
    import hotfix.airflow.artefact_store
    import hotfix.airflow.recovery_tasks
    import hotfix.airflow.tasks  # noqa: F401


class Assassin(AirflowPlugin):
    name = "assassin"
    listeners = [sys.modules[__name__]]
