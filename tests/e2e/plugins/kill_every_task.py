"""An Airflow plugin for the tests: SIGKILL for the process of every task, once, in runs about certain services.

From inside the process, since an observer outside comes too late for tasks that take half a second. Airflow loads it
from the plugins folder that the tests configure.
"""

from __future__ import annotations

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

# Where it notes whom it killed: one empty file a task, named ``<service>/<task id>``.
NOTES = "HOTFIX_TEST_KILLS"
SERVICES = "shop-kills"
# As the work begins; in its middle (seconds); when all is done and Airflow is not yet told.
MOMENTS = (0.0, 0.2, None)


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    dag_run = task_instance.get_template_context()["dag_run"]
    service = str((dag_run.conf or {}).get("service", ""))
    if dag_run.dag_id != "emergency_hotfix" or not service.startswith(SERVICES) or NOTES not in os.environ:
        return
    note = Path(os.environ[NOTES]) / service / task_instance.task_id
    if not note.exists():
        condemn(note, task_instance.task)


def condemn(note: Path, task: Any) -> None:
    """Let the task's work begin, and see that it does not end."""
    execute = task.execute

    def kill() -> None:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    def doomed(*args: Any, **kwargs: Any) -> Any:
        moment = MOMENTS[zlib.crc32(f"{note.parent.name}/{note.name}".encode()) % len(MOMENTS)]
        if moment is not None:
            threading.Timer(moment, kill).start()
        try:
            # A failure of its own must not hide the one that is tested.
            with suppress(Exception):
                execute(*args, **kwargs)
        finally:
            kill()

    # Past the operator's own guard against changes, as nothing of it may notice.
    object.__setattr__(task, "execute", doomed)


class KillEveryTask(AirflowPlugin):
    name = "kill_every_task"
    listeners = [sys.modules[__name__]]
