"""One Airflow for all end-to-end tests, and a world of its own for each scenario."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from demo.airflow_api import AirflowApi
from demo.airflow_stack import REPOSITORY, AirflowStack
from demo.play import Played, play, wait_for_dag
from demo.scenarios import SCENARIOS
from demo.world import World

WINDOW = 8
# Worlds that run at once: each has its gunicorn, its customers and an Airflow run.
AT_ONCE = 3
EXTRA_WORLDS = (
    "shop-params",
    "shop-approval",
    "shop-approval-person",
    "shop-kills",
    "shop-kills-rollback",
    "shop-twice",
)


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
def kills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Which tasks the plugin of the tests has killed: a folder a service, an empty file a task."""
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="session")
def stack(
    worlds: Mapping[str, World], services: Path, kills: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowStack]:
    """A running Airflow, with the plugins of the product and those of the tests."""
    plugins = tmp_path_factory.mktemp("plugins")
    for source in (*(REPOSITORY / "plugins").glob("*.py"), *Path(__file__).with_name("plugins").glob("*.py")):
        shutil.copy(source, plugins)
    running = AirflowStack(tmp_path_factory.mktemp("airflow"), services)
    running.environment |= {"AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins), "HOTFIX_TEST_KILLS": str(kills)}
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
