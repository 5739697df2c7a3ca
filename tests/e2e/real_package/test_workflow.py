"""The whole workflow on a real package: found, fixed, tested, shipped and validated by the DAG."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.airflow_api import AirflowApi, ApiError
from demo.airflow_stack import AirflowStack
from demo.loopback import free_port
from demo.play import ledger
from demo.sample_service.git import git
from hotfix.domain.diagnosis import Diagnosis
from hotfix.domain.fix import Fix
from hotfix.domain.incident import Incident
from hotfix.domain.stability import StabilityReport, StabilityVerdict
from hotfix.domain.testing import TestReport
from hotfix.ports.bug_database import IncidentStatus
from tests.e2e.real_package.history import RealHistory
from tests.e2e.waiting import wait_for_run

pytestmark = [pytest.mark.stack, pytest.mark.network, pytest.mark.xdist_group("real-package")]

HERE = Path(__file__).parent
SERVICE = "pages"
SYMPTOM = "/render?theme=seasonal&page=welcome"
HEALTHY = "/render?theme=plain&page=welcome"


@dataclass(frozen=True)
class Production:
    root: Path
    url: str
    history: RealHistory


@pytest.fixture
def production(
    history: RealHistory, production_root: Path, python: str, services: Path, tmp_path: Path
) -> Iterator[Production]:
    """Runs the bad release under requests, and is described in the catalog of the running Airflow."""
    port = free_port()
    log = tmp_path / "access.jsonl"
    source = tmp_path / "bad"
    git(tmp_path, "clone", "--quiet", str(history.repository), str(source))
    git(source, "checkout", "--quiet", history.bad)
    deploy = [sys.executable, str(HERE / "deploy" / "deploy.py"), "--root", str(production_root)]
    subprocess.run([*deploy, "--source", str(source), "--version", history.bad], check=True)
    url = f"http://127.0.0.1:{port}"
    text = yaml.safe_dump(profile(history, production_root, python, url, log), sort_keys=False)
    (services / f"{SERVICE}.yaml").write_text(text)
    command = [sys.executable, str(HERE / "server.py"), "--root", str(production_root), "--port", str(port)]
    over = threading.Event()
    customers = threading.Thread(target=request_pages, args=(url, over))
    with subprocess.Popen([*command, "--access-log", str(log)], stderr=subprocess.DEVNULL) as server:
        customers.start()
        try:
            wait_until_it_answers(url)
            yield Production(production_root, url, history)
        finally:
            over.set()
            customers.join()
            server.terminate()


def profile(history: RealHistory, root: Path, python: str, url: str, log: Path) -> dict[str, Any]:
    tests = "importlib_resources/tests"
    pytest_command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    def at_root(script: str) -> list[str]:
        return ["{python}", str(HERE / "deploy" / f"{script}.py"), "--root", str(root)]

    return {
        "name": SERVICE,
        "repository": history.repository.as_uri(),
        "approvers": ["approver"],
        "commands": {
            "test": [*pytest_command, "--junitxml={junit}", "{tests}"],
            "reproduce_test": [*pytest_command, "{reproducer}"],
        },
        "tests": {
            "critical": [f"{tests}/test_files.py", f"{tests}/test_read.py", f"{tests}/test_custom.py"],
            "paths": [tests],
            "reproducer_path": f"{tests}/test_hotfix_reproducer.py",
        },
        "deployer": {
            "kind": "command",
            "deploy": [*at_root("deploy"), "--source", "{source}", "--version", "{version}"],
            "status": at_root("status"),
            "rollback": [*at_root("rollback"), "--version", "{version}"],
            "can_restore": ["test", "-e", f"{root}/venvs/{{version}}/.complete"],
        },
        "monitoring": {
            "url": url,
            "probes": [HEALTHY],
            "access_log": str(log),
            "window": 5,
            "limit": 90,
            "tolerated_error_rate": 0.05,
        },
    }


def wait_until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}{HEALTHY}", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError("production does not answer")


def request_pages(url: str, over: threading.Event) -> None:
    """Customers: every other request is for the page that the regression broke."""
    while not over.wait(0.05):
        for path in (HEALTHY, SYMPTOM):
            try:
                urllib.request.urlopen(f"{url}{path}", timeout=5).close()
            except (urllib.error.URLError, ConnectionError):
                continue


def trigger(api: AirflowApi, conf: dict[str, Any]) -> str:
    """A new profile is known to the form as soon as the DAG has been read again."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return api.trigger("emergency_hotfix", conf)
        except ApiError as error:
            if error.status != 400 or time.monotonic() > deadline:
                raise
        time.sleep(2)


def test_a_regression_of_a_real_package_is_found_and_fixed(production: Production, stack: AirflowStack) -> None:
    on_call = AirflowApi(stack.url, "on-call")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{production.url}{SYMPTOM}", timeout=5)
    run = trigger(
        on_call,
        {
            "service": SERVICE,
            "description": "Seasonal pages are gone since the last release of importlib_resources",
            "criteria": ["critical_business_impact"],
            "failing_request": SYMPTOM,
            "reproducer": (HERE / "reproducer_test.py.txt").read_text(),
            "good": "5.10.4",
            "approval_window": 8,
        },
    )
    assert wait_for_run(on_call, run) == "success", on_call.log("emergency_hotfix", run, "hotfix_outcome")

    records = ledger(stack)
    incident = records.incident_of_run(run)
    assert isinstance(incident, Incident)
    diagnosis, fix = records.find(incident, Diagnosis), records.find(incident, Fix)
    tests, stability = records.find(incident, TestReport), records.find(incident, StabilityReport)
    assert diagnosis is not None
    assert diagnosis.culprit is not None
    assert (diagnosis.culprit.sha, diagnosis.proved) == (production.history.culprit, True)
    assert fix is not None
    assert fix.proved
    assert tests is not None
    assert tests.passed >= 55
    # Beside each other: its own environment has pytest-xdist.
    assert tests.remarks == ()
    assert stability is not None
    assert stability.verdict is StabilityVerdict.STABLE
    assert stability.incident.error_rate is not None
    assert stability.incident.error_rate > 0.2
    assert [row.status for row in records.attempts(incident.id)] == [IncidentStatus.RESOLVED]
    with urllib.request.urlopen(f"{production.url}/version", timeout=5) as answer:
        assert fix.commit in answer.read().decode()
    with urllib.request.urlopen(f"{production.url}{SYMPTOM}", timeout=5) as answer:
        assert answer.read() == b"Welcome to the winter sale.\n"
