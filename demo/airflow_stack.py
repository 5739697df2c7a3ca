"""An Airflow of our own: SQLite, LocalExecutor, the four components started and stopped by pid."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from demo.loopback import free_port

REPOSITORY = Path(__file__).resolve().parents[1]
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# One triggers, one approves, one only looks.
USERS = {"admin": "admin", "on-call": "op", "approver": "op", "viewer": "viewer"}
START_LIMIT = 180.0
STOP_LIMIT = 15.0
# Seconds that a component waits for another one's write to Airflow's SQLite. The scheduler ends when they are over. The
# api-server stands still: the write that it waits for may be one of its own requests, which then goes on.
LOCK_LIMIT, LOCK_LIMIT_API = 60, 3


class AirflowStack:
    """``home`` holds everything: configuration, database, logs, the hotfix state. Passwords equal the user names."""

    def __init__(self, home: Path, services: Path) -> None:
        self.home = home.resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self.services = services
        self._database = self.home / "airflow.db"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = self._environment()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Migrate the database, start the components, and wait until they are healthy.

        Raises:
            RuntimeError: a component died or is not healthy in time; the text has the end of its log.
        """
        passwords = {user: user for user in USERS}
        (self.home / "passwords.json").write_text(json.dumps(passwords))
        (self.home / "config").mkdir(exist_ok=True)
        (self.home / "config" / "airflow_local_settings.py").write_text("import hotfix.airflow.warm_start\n")
        with (self.home / "migrate.log").open("wb") as log:
            done = subprocess.run(
                self._airflow("db", "migrate"), env=self.environment, stdout=log, stderr=log, check=False
            )
        if done.returncode != 0:
            raise RuntimeError(f"airflow db migrate failed:\n{self._tail('migrate')}")
        # Kept in the file: who reads does not wait for who writes.
        with contextlib.closing(sqlite3.connect(self._database)) as database:
            database.execute("PRAGMA journal_mode = WAL")
        for component in COMPONENTS:
            self.start_component(component)

    def start_component(self, component: str) -> None:
        arguments = [component, *(["--skip-serve-logs"] if component in ("scheduler", "triggerer") else [])]
        with (self.home / f"{component}.log").open("ab") as log:
            self._processes[component] = subprocess.Popen(
                self._airflow(*arguments),
                cwd=self.home,
                env=self.environment | (self._connection(LOCK_LIMIT_API) if component == "api-server" else {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_healthy(self) -> None:
        """See ``start``; apart from it, so that other work can go on while Airflow starts."""
        deadline = time.monotonic() + START_LIMIT
        while not self._healthy():
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"airflow {name} ended with {process.returncode}:\n{self._tail(name)}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Airflow is not healthy after {START_LIMIT:.0f} s:\n{self._tail('api-server')}")
            time.sleep(0.5)

    def kill_component(self, component: str) -> None:
        """SIGKILL a component and everything that it started."""
        process = self._processes.pop(component)
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def stop_component(self, component: str) -> None:
        """End a component as an operator does, and wait for it."""
        process = self._processes.pop(component)
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT)
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self._processes.values():
            _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_LIMIT
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            # Children of a component may outlive it: the group goes as a whole.
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def __enter__(self) -> AirflowStack:
        self.start()
        self.wait_until_healthy()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _airflow(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "airflow", *arguments]

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=5) as answer:
                health: Mapping[str, Mapping[str, str]] = json.load(answer)
        except (OSError, urllib.error.URLError, ValueError):
            return False
        needed = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all(health.get(name, {}).get("status") == "healthy" for name in needed)

    def _tail(self, name: str) -> str:
        log = self.home / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-25:]) if log.exists() else ""

    def _connection(self, lock_limit: int) -> dict[str, str]:
        return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._database}?timeout={lock_limit}"}

    def _environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW_", "HOTFIX_"))}
        scripts = str(Path(sys.executable).parent)
        return {
            **inherited,
            "PATH": f"{scripts}{os.pathsep}{inherited.get('PATH', os.defpath)}",
            "PYTHONPATH": str(REPOSITORY / "include"),
            "AIRFLOW_HOME": str(self.home),
            "HOTFIX_HOME": str(self.home / "hotfix"),
            "HOTFIX_SERVICES": str(self.services.resolve()),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            **self._connection(LOCK_LIMIT),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
