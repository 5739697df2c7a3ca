"""A real Prometheus sees a real metric rise; Alertmanager tells a running Airflow; one run takes care of it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.intake.alert import notification
from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import ledger
from demo.world import World
from tests.e2e.conftest import INTAKE_SECRET
from tests.e2e.waiting import wait_for_run
from tests.support.alerting import Alerting, needs_alerting

pytestmark = pytest.mark.stack

SERVICE = "shop-intake"
TRIES = 10
RULE: dict[str, Any] = {
    "source": "alertmanager",
    "match": {"labels.service": SERVICE, "labels.severity": "critical"},
    "began_before": 120,
    "params": {"failing_request": "{annotations.failing_request}", "approval": "required"},
}


@pytest.fixture(scope="module")
def service(stack: AirflowStack, worlds: Mapping[str, World], services: Path) -> Iterator[World]:
    """A healthy service whose profile has an intake rule."""
    file = services / f"{SERVICE}.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "intake": [RULE]}))
    with worlds[SERVICE] as world:
        yield world


@pytest.fixture
def alerting(stack: AirflowStack, service: World, tmp_path: Path) -> Iterator[Alerting]:
    with Alerting(tmp_path, f"{stack.url}/hotfix-intake/alertmanager", INTAKE_SECRET, SERVICE) as running:
        yield running


def runs_of_alerts(stack: AirflowStack) -> list[dict[str, Any]]:
    return [run for run in AirflowApi(stack.url, "viewer").runs("emergency_hotfix") if "intake__" in run["dag_run_id"]]


def wait_until(true: Callable[[], Any], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what}: not after {seconds:.0f} s"
        time.sleep(0.3)


@needs_alerting
def test_one_alert_is_one_run_however_often_it_is_told(stack: AirflowStack, alerting: Alerting) -> None:
    api = AirflowApi(stack.url, "viewer")
    assert runs_of_alerts(stack) == []
    alerting.error_rate = 0.12
    wait_until(lambda: runs_of_alerts(stack), "a run")
    (run,) = runs_of_alerts(stack)
    run_id = run["dag_run_id"]
    assert run["conf"].pop("started_at") < run["queued_at"]
    assert run["conf"] == {
        "service": SERVICE,
        "description": "12% of the quotes fail",
        "criteria": [],
        "failing_request": "/api/quote?sku=mug&qty=12",
        "approval": "required",
    }
    assert run["triggering_user_name"] == "alertmanager"
    assert run["note"].startswith("Started by an alert: alertmanager: 12% of the quotes fail http://")

    wait_until(lambda: alerting.told() >= 3, "three notifications")
    assert [each["dag_run_id"] for each in runs_of_alerts(stack)] == [run_id]
    wait_until(lambda: ledger_of(stack, run_id), "an incident")

    alerting.error_rate = 0.0
    noted = "alert resolved: alertmanager: "
    wait_until(lambda: noted in api.run("emergency_hotfix", run_id)["note"], "the end of the alert in the run's note")
    wait_until(lambda: any(noted in what for what in ledger_of(stack, run_id)), "the end of the alert in the ledger")
    assert len(runs_of_alerts(stack)) == 1
    assert wait_for_run(api, run_id) == "success", "a healthy service is no emergency, resolved or not"
    assert INTAKE_SECRET not in "".join(log.read_text(errors="replace") for log in stack.home.rglob("*.log"))


def ledger_of(stack: AirflowStack, run_id: str) -> list[str]:
    """The timeline of the incident that the run has opened."""
    try:
        incident = ledger(stack).incident_of_run(run_id)
    except Exception:  # no run has made the ledger's tables yet
        return []
    return [event.what for event in ledger(stack).timeline(incident)] if incident else []


@pytest.mark.parametrize(
    ("headers", "fingerprint", "service_name", "expected"),
    [
        ({}, "a", SERVICE, HTTPStatus.UNAUTHORIZED),
        ({"Authorization": "Bearer wrong"}, "a", SERVICE, HTTPStatus.UNAUTHORIZED),
        ({"Authorization": f"Bearer {INTAKE_SECRET}"}, "a", "nobody-s", HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"Authorization": f"Bearer {INTAKE_SECRET}", "Content-Type": "text/plain"}, "a", SERVICE, 415),
    ],
)
def test_a_running_airflow_refuses_the_rest(
    stack: AirflowStack, service: World, headers: dict[str, str], fingerprint: str, service_name: str, expected: int
) -> None:
    before = runs_of_alerts(stack)
    assert post(stack, "alertmanager", notification(service_name, fingerprint), headers) == expected
    assert runs_of_alerts(stack) == before


@pytest.mark.parametrize("source", ["pagerduty", "sentry", "github", "generic"])
def test_a_source_without_a_secret_is_closed(stack: AirflowStack, source: str) -> None:
    assert post(stack, source, b"{}", {"Authorization": f"Bearer {INTAKE_SECRET}"}) == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("address", ["", "docs", "redoc", "openapi.json"])
def test_nothing_describes_the_intake(stack: AirflowStack, address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{stack.url}/hotfix-intake/{address}", timeout=30)
    assert refusal.value.code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


def post(stack: AirflowStack, source: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(
        f"{stack.url}/hotfix-intake/{source}", body, {"Content-Type": "application/json", **headers}
    )
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            # A busy machine: to be told again, as every source is told.
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                return int(error.code)
        time.sleep(1)
    raise AssertionError(f"{source} is still answered 503 after {TRIES} tries")
