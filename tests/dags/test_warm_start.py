"""A component that forks tasks has the workflow's modules before it does; no other pays for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotfix.airflow.warm_start import forks

REPOSITORY = Path(__file__).resolve().parents[2]
# As Airflow does: the settings first, by the first `import airflow`, then the DAG file.
PROGRAM = """
import json, sys
sys.argv = json.loads(sys.argv[1])
import airflow
before = {name for name in sys.modules if name.startswith("hotfix.")}
sys.path.insert(0, sys.argv[-1])
import emergency_hotfix
after = {name for name in sys.modules if name.startswith("hotfix.")}
print(json.dumps([sorted(before), sorted(after - before)]))
"""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["/usr/bin/airflow", "scheduler", "--skip-serve-logs"], True),
        (["airflow", "celery", "worker"], True),
        (["-m", "dag-processor"], True),
        (["airflow", "api-server"], False),
        (["airflow", "celery", "flower"], False),
        (["airflow", "dags", "list"], False),
        (["airflow"], False),
        ([], False),
    ],
)
def test_which_commands_fork(command: list[str], expected: bool) -> None:
    assert forks(command) is expected


def modules(home: Path, *command: str) -> tuple[list[str], list[str]]:
    """What of the product is loaded when Airflow has read its settings, and what the DAG file adds."""
    (home / "config").mkdir()
    (home / "config/airflow_local_settings.py").write_text("import hotfix.airflow.warm_start\n")
    environment = {**os.environ, "AIRFLOW_HOME": str(home), "PYTHONPATH": str(REPOSITORY / "include")}
    argv = json.dumps(["airflow", *command, str(REPOSITORY / "dags")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, argv], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    before, added = json.loads(done.stdout.splitlines()[-1])
    return before, added


@pytest.mark.airflow
def test_a_scheduler_has_all_that_the_dag_needs(tmp_path: Path) -> None:
    before, added = modules(tmp_path, "scheduler")
    assert "hotfix.airflow.tasks" in before
    assert added == []


@pytest.mark.airflow
def test_an_api_server_loads_nothing(tmp_path: Path) -> None:
    before, added = modules(tmp_path, "api-server")
    assert before == ["hotfix.airflow", "hotfix.airflow.warm_start"]
    assert "hotfix.airflow.tasks" in added
