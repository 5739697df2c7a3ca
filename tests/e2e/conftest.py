"""One Airflow for all end-to-end tests, and a world of its own for each scenario."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

import chaos.play
from chaos.faults import FAULTS
from chaos.outcomes import Outcome
from chaos.stage import Stage, announce, arm, service_of
from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import Played, play, wait_for_dag
from demo.scenarios import SCENARIOS
from demo.world import World
from tests.support.workspace import Workspace

WINDOW = 8
# Worlds of a kind that run at once: each has its gunicorn, its customers and an Airflow run.
AT_ONCE = 2
# Fixtures that play many runs. They begin with the session, and the tests that look at them are the last.
LONG = ("played", "outcomes")
EXTRA_WORLDS = (
    "shop-params",
    "shop-approval",
    "shop-approval-person",
    "shop-twice",
    "shop-slack-button",
    "shop-slack-silence",
    "shop-intake",
    "shop-github-comment",
    "shop-github-review",
    "shop-github-airflow",
)
INTAKE_SECRET = "a-secret-of-the-alertmanager"


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service catalog of the running Airflow."""
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, services: Path) -> Mapping[str, World]:
    """A world for every scenario, described in the catalog; none is running yet."""
    root = tmp_path_factory.mktemp("worlds")
    names = [*(f"shop-{name}" for name in SCENARIOS), *EXTRA_WORLDS]
    found = {name: World(root / name, name) for name in names}
    for world in found.values():
        world.describe(services)
    return found


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Which tasks of which services are to be killed."""
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(scope="session")
def slack(request: pytest.FixtureRequest) -> Workspace | None:
    """Slack as emulate plays it; None where it is not installed, and then Airflow has no Connection to it."""
    try:
        return Workspace(request.getfixturevalue("emulated"))
    except pytest.skip.Exception:
        return None


@pytest.fixture(scope="session")
def stack(
    worlds: Mapping[str, World],
    services: Path,
    plans: Path,
    slack: Workspace | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[AirflowStack]:
    """A running Airflow, with the plugins of the product and the one that kills tasks."""
    running = AirflowStack(tmp_path_factory.mktemp("airflow"), services)
    announce(running, map(service_of, FAULTS))
    arm(running, tmp_path_factory.mktemp("plugins"), plans)
    if slack is not None:
        running.environment["AIRFLOW_CONN_SLACK_DEFAULT"] = slack.connection
    running.environment["AIRFLOW_CONN_HOTFIX_INTAKE_ALERTMANAGER"] = json.dumps(
        {"conn_type": "generic", "password": INTAKE_SECRET}
    )
    with running:
        wait_for_dag(AirflowApi(running.url, "viewer"))
        yield running


@pytest.fixture(scope="session")
def played(stack: AirflowStack, worlds: Mapping[str, World]) -> Iterator[Mapping[str, Future[Played]]]:
    """Every scenario, being played; a test waits for the one that it is about."""

    def one(name: str) -> Played:
        with Path(os.devnull).open("w") as nowhere, worlds[f"shop-{name}"] as world:
            return play(SCENARIOS[name], world, stack, Console(file=nowhere), WINDOW)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        futures = {name: pool.submit(one, name) for name in SCENARIOS}
        yield futures
        for future in futures.values():
            future.cancel()
            with contextlib.suppress(Exception):
                future.result()


@pytest.fixture(scope="session")
def outcomes(
    stack: AirflowStack, plans: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Outcome]]]:
    """What became of each of the quick faults, which are being played."""
    root = tmp_path_factory.mktemp("chaos")

    def one(name: str) -> Outcome:
        service = service_of(name)
        return chaos.play.play(FAULTS[name], Stage(World(root / service, service), stack, plans))

    # Side by side: most of the time a killed task waits for its next try.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(one, name) for name, fault in FAULTS.items() if fault.quick}


@pytest.fixture(scope="session", autouse=True)
def early_start(request: pytest.FixtureRequest) -> None:
    """What takes longest is played from the beginning, beside the tests that come before its own."""
    for long in LONG:
        if any(long in fixtures_of(item) for item in request.session.items):
            request.getfixturevalue(long)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not set(LONG).isdisjoint(fixtures_of(item)))


def fixtures_of(item: pytest.Item) -> tuple[str, ...]:
    return tuple(getattr(item, "fixturenames", ()))
