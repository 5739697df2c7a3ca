"""What a task imports, imported once, in the process that is forked for each task.

``import hotfix.airflow.warm_start`` in Airflow's ``config/airflow_local_settings.py``: every component reads that file
when it starts. Scheduler (with LocalExecutor) and Celery worker fork a process for each task, the DAG processor for
each file that it reads; these then find the modules in memory instead of loading them again. Other commands are left
as they are. The price: a new release of the product needs these components restarted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

FORK = (["scheduler"], ["celery", "worker"], ["dag-processor"])
# What the DAG file and the tasks' own late imports lead to; these bring everything below them.
MODULES = (
    "hotfix.airflow.approval_sensor",
    "hotfix.airflow.artefact_store",
    "hotfix.airflow.edges",
    "hotfix.airflow.follow_up_tasks",
    "hotfix.airflow.form",
    "hotfix.airflow.gates",
    "hotfix.airflow.github",
    "hotfix.airflow.hand_over",
    "hotfix.airflow.notifications",
    "hotfix.airflow.tasks",
    "hotfix.adapters.bug_database",
    "hotfix.adapters.catalog",
    "hotfix.adapters.deployers",
    "hotfix.adapters.git",
    "hotfix.adapters.github",
    "hotfix.adapters.local_code_host",
    "hotfix.adapters.monitoring",
    "hotfix.adapters.scanners",
    "hotfix.adapters.slack",
    "hotfix.adapters.test_runner",
)


def forks(command: Sequence[str]) -> bool:
    """Is this the command line (``sys.argv``) of a component that forks a process for each piece of work?"""
    return any(list(command[1 : 1 + len(words)]) == words for words in FORK)


if forks(sys.argv):
    for module in MODULES:
        import_module(module)
