"""The runs in a real Airflow database with the real DAG; no scheduler takes them up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from demo.airflow_stack import REPOSITORY, AirflowStack
from hotfix.domain import errors
from tests.contract.hotfix_runs_contract import GOOD, SERVICES, HotfixRunsContract

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow-runs")]

WORKER = Path(__file__).with_name("hotfix_runs_worker.py")


class AirflowProcess:
    """``AirflowHotfixRuns`` in a process whose Airflow has the database of these tests."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def stop(self) -> None:
        self._process.communicate(timeout=30)

    def start(self, run_id: str, params: Mapping[str, Any], started_by: str, note: str) -> bool:
        return bool(self._call("start", run_id, dict(params), started_by, note))

    def rehearse(self, params: Mapping[str, Any]) -> None:
        self._call("rehearse", dict(params))

    def latest(self, prefix: str) -> str | None:
        found: str | None = self._call("latest", prefix)
        return found

    def active(self, service: str) -> str | None:
        found: str | None = self._call("active", service)
        return found

    def note(self, run_id: str, text: str) -> None:
        self._call("note", run_id, text)

    def noted(self, run_id: str) -> str:
        return str(self._call("noted", run_id))

    def finish(self, run_id: str) -> None:
        self._call("finish", run_id)

    def pause(self, paused: bool) -> None:
        self._call("pause", paused)

    def described(self, run_id: str) -> dict[str, Any]:
        return dict(self._call("described", run_id))

    def _call(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([method, arguments]) + "\n")
        for line in self._process.stdout:
            if line.startswith("ANSWER "):
                answer = json.loads(line.removeprefix("ANSWER "))
                if "error" in answer:
                    raise _error(answer["error"], answer["text"])
                return answer["result"]
        raise AssertionError("the process with Airflow has died")


def _error(name: str, text: str) -> errors.HotfixError:
    return errors.InvalidIncident((text,)) if name == "InvalidIncident" else getattr(errors, name)(text)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowProcess]:
    services = tmp_path_factory.mktemp("services")
    for name in SERVICES:
        (services / f"{name}.yaml").write_text(f"name: {name}\n")
    environment = AirflowStack(tmp_path_factory.mktemp("airflow"), services).environment
    environment["PYTHONPATH"] = f"{REPOSITORY}:{environment['PYTHONPATH']}"
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        subprocess.run(
            [sys.executable, "-m", "airflow", *command], env=environment, check=True, capture_output=True, timeout=180
        )
    process = AirflowProcess(environment)
    yield process
    process.stop()


class TestAirflowHotfixRuns(HotfixRunsContract):
    @pytest.fixture
    def runs(self, airflow: AirflowProcess) -> AirflowProcess:
        return airflow

    def test_the_dag_s_own_schema_is_asked(self, runs: AirflowProcess) -> None:
        with pytest.raises(errors.InvalidIncident, match="nobody-s"):
            runs.start("intake__unknown__1", {"service": "nobody-s", **GOOD}, "test", "a note")
        assert runs.latest("intake__unknown__") is None

    def test_the_run_is_one_as_people_start_it(self, runs: AirflowProcess) -> None:
        params = {"service": "once", **GOOD}
        assert runs.start("intake__described__1", params, "alertmanager", "a note")
        assert runs.described("intake__described__1") == {
            "type": "manual",
            "conf": params,
            "by": "alertmanager",
            "state": "queued",
        }
