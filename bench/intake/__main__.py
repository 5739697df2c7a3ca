"""How long the intake of a real api-server takes to answer, over HTTP on loopback, one request after the other.

A catalog of 100 services; Airflow's and the bug database on SQLite; no scheduler, so that the runs that are started
take no time of the processors. Prints a table: median and worst, in milliseconds, and how
many were not done in time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from bench.intake.alert import notification
from demo.airflow_stack import REPOSITORY, START_LIMIT, AirflowStack

SECRET = "a-secret-of-the-benchmark"  # noqa: S105  # of a server that lives as long as this program
EXAMPLE = REPOSITORY / "include" / "services" / "_example.yaml"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.intake", description=__doc__)
    parser.add_argument("--requests", type=int, default=100, help="of each kind, and services in the catalog")
    number = parser.parse_args().requests
    with tempfile.TemporaryDirectory(prefix="bench-intake-") as folder:
        services = Path(folder) / "services"
        services.mkdir()
        describe(services, number)
        stack = AirflowStack(Path(folder) / "airflow", services)
        connection = {"conn_type": "generic", "password": SECRET}
        stack.environment["AIRFLOW_CONN_HOTFIX_INTAKE_ALERTMANAGER"] = json.dumps(connection)
        for command in (["db", "migrate"], ["dags", "reserialize"]):
            subprocess.run(
                [sys.executable, "-m", "airflow", *command], env=stack.environment, check=True, capture_output=True
            )
        try:
            stack.start_component("api-server")
            wait_for(stack)
            measure(stack, number)
        finally:
            stack.stop()
    return 0


def describe(services: Path, number: int) -> None:
    profile: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    for index in range(number):
        name = f"service-{index}"
        rule = {"source": "alertmanager", "match": {"labels.service": name}}
        content = yaml.safe_dump({**profile, "name": name, "intake": [rule]})
        (services / f"{name}.yaml").write_text(content, encoding="utf-8")


def wait_for(stack: AirflowStack) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        try:
            if post(stack, b"{}", "nobody")[0] == HTTPStatus.UNAUTHORIZED:
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"{stack.url} does not answer")


def measure(stack: AirflowStack, number: int) -> None:
    kinds: tuple[tuple[str, int, str, Callable[[int], bytes]], ...] = (
        ("starts a run", 200, SECRET, lambda index: notification(f"service-{index}", f"first-{index}")),
        ("the same alert again", 200, SECRET, lambda index: notification(f"service-{index}", f"first-{index}")),
        ("joins the run of its service", 200, SECRET, lambda index: notification(f"service-{index}", f"more-{index}")),
        ("of no service", 422, SECRET, lambda index: notification("nobody-s", f"unknown-{index}")),
        ("not signed", 401, "wrong", lambda index: notification(f"service-{index}", f"first-{index}")),
    )
    print(f"{number} requests of each kind, {number} services; milliseconds\n")
    print("| alert | median | worst | told to come again (503) |\n|---|---|---|---|")
    for name, expected, secret, body in kinds:
        taken, later = [], 0
        for index in range(number):
            status, seconds = post(stack, body(index), secret)
            if status not in (expected, HTTPStatus.SERVICE_UNAVAILABLE):
                raise AssertionError(f"{name}: {status} instead of {expected}")
            later += status != expected
            taken.append(seconds * 1000)
        print(f"| {name} | {statistics.median(taken):.0f} | {max(taken):.0f} | {later} |", flush=True)


def post(stack: AirflowStack, body: bytes, secret: str) -> tuple[int, float]:
    """(status, seconds), with a connection of its own, as Alertmanager's first notification has."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
        connection.request("POST", "/hotfix-intake/alertmanager", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - began
    finally:
        connection.close()


if __name__ == "__main__":
    raise SystemExit(main())
