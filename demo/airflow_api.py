"""The few calls of Airflow's REST API that the demo and the tests make."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from typing import Any

TRIES = 5
# Triggers at the same moment lock each other out of SQLite.
_ONE_AT_A_TIME = threading.Lock()


class ApiError(Exception):
    """Airflow answered with an error; ``status`` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class AirflowApi:
    """Calls as ``user``, whose password is the user name."""

    def __init__(self, url: str, user: str) -> None:
        self._url = url
        self._token: str = self._send("POST", "/auth/token", {"username": user, "password": user}, None)["access_token"]

    def trigger(self, dag_id: str, conf: dict[str, Any], run_id: str | None = None) -> str:
        """Start a run and return its id.

        Airflow on SQLite answers 500 when the database is locked: named beforehand, a run is safe to ask for again.
        """
        name = run_id or f"manual__{datetime.now(timezone.utc).isoformat()}"
        self._once("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf, "dag_run_id": name})
        return name

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return self.call("GET", f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}")

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/dags/{dag_id}/dagRuns?limit=100")["dag_runs"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        path = f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances?limit=100"
        return list(self.call("GET", path)["task_instances"])

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """The task's result; None when it has none."""
        path = f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances/{task_id}/xcomEntries/return_value"
        try:
            return self.call("GET", f"{path}?deserialize=true")["value"]
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        path = f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances/{task_id}/logs/{try_number}"
        content = self.call("GET", path)["content"]
        return "\n".join(str(line.get("event", line)) if isinstance(line, dict) else str(line) for line in content)

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        """Answer a required action."""
        path = f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances/{task_id}/-1/hitlDetails"
        self._once("PATCH", path, {"chosen_options": [option], "params_input": {}})

    def connect(self, connection_id: str, **connection: str) -> None:
        """Create a Connection."""
        self._once("POST", "/connections", {"connection_id": connection_id, **connection})

    def clear(self, dag_id: str, run_id: str, task_id: str) -> list[dict[str, Any]]:
        """Have a task and all that come after it run again; which ones those are."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "only_failed": False}
        cleared = self._once("POST", f"/dags/{dag_id}/clearTaskInstances", {**body, "include_downstream": True})
        return list(cleared["task_instances"])

    def forget(self, dag_id: str, run_id: str) -> None:
        """End a run and delete it; Airflow deletes none that is running."""
        path = f"/dags/{dag_id}/dagRuns/{_quoted(run_id)}"
        self._once("PATCH", path, {"state": "failed"})
        self._once("DELETE", path)

    def _once(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A change that can be asked for again: made before, it changes nothing or is refused (404, 409)."""
        for attempt in range(1, TRIES + 1):
            try:
                with _ONE_AT_A_TIME:
                    return self.call(method, path, body)
            except ApiError as error:
                if error.status in (404, 409) and attempt > 1:
                    break
                if error.status < 500 or attempt == TRIES:
                    raise
            except OSError:
                if attempt == TRIES:
                    raise
            time.sleep(1)
        return {}

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any call below /api/v2; one that only reads is repeated when Airflow is too busy to answer.

        Raises:
            ApiError: Airflow refused it.
        """
        for _ in range(TRIES - 1 if method == "GET" else 0):
            try:
                return self._send(method, f"/api/v2{path}", body, self._token)
            except ApiError as error:
                if error.status < 500:
                    raise
            except OSError:
                pass
            time.sleep(1)
        return self._send(method, f"/api/v2{path}", body, self._token)

    def _send(self, method: str, path: str, body: dict[str, Any] | None, token: str | None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                # A deletion answers nothing.
                content: dict[str, Any] = json.loads(answer.read() or "{}")
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read().decode("utf-8", "replace")) from error
        return content


def _quoted(run_id: str) -> str:
    return urllib.parse.quote(run_id, safe="")
