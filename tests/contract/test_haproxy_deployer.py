"""The haproxy deployer on a real haproxy and real gunicorns, under load, and killed at every point."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotfix.adapters.deployers.haproxy_socket import HaproxyBackend
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from tests.contract.deployer_contract import FIRST, SECOND, DeployerContract
from tests.contract.haproxy_production import BACKEND, HAPROXY, HaproxyProduction, wait_for_port
from tests.contract.killed_haproxy_deployment import POINTS
from tests.contract.production import GUNICORN, Crowd, run_until_it_kills_itself

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and HAPROXY and shutil.which("socat") and Path(GUNICORN).exists()),
    reason="needs Linux, haproxy, socat, and gunicorn beside the interpreter",
)


THIRD = "3" * 40
FAILS_FOR_USERS = """
serve = app

def app(environ, start_response):
    if "HTTP_HOST" in environ and environ.get("HTTP_USER_AGENT") != "emergency-hotfix":
        raise OSError("no database")
    return serve(environ, start_response)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[HaproxyProduction]:
    production = HaproxyProduction(tmp_path / "root", tmp_path / "sources", FIRST)
    try:
        production.start()
        yield production
    finally:
        production.stop()


class TestHaproxyDeployer(DeployerContract):
    pass


def intact(world: HaproxyProduction, version: Sha) -> bool:
    """One slot serves, with ``version``; the other one is shut; and it would be so after a restart of haproxy."""
    assert world.running() == version
    servers = HaproxyBackend(world.root / "haproxy.sock", BACKEND, ("blue", "green")).servers()
    (serving,) = [name for name, server in servers.items() if server.serves]
    assert [name for name, server in servers.items() if server.shut] == [{"blue": "green", "green": "blue"}[serving]]
    assert (world.root / "current").readlink().name == version
    assert (world.root / "slots" / serving).readlink().name == version
    assert not list(world.root.glob("releases/*.partial-*"))
    return True


def test_no_request_is_lost_while_deploying_restoring_and_reloading_haproxy(world: HaproxyProduction) -> None:
    with Crowd(world).at_work() as crowd:
        world.deployer.deploy(SECOND, world.source(SECOND))
        assert intact(world, SECOND)
        world.reload_haproxy()
        assert intact(world, SECOND)
        world.deployer.restore(FIRST)
        world.reload_haproxy()
        world.deployer.deploy(THIRD, world.source(THIRD))
    assert intact(world, THIRD)
    assert crowd.answered >= 300
    assert crowd.failed == []
    assert [release.version for release in world.deployer.history()] == [THIRD, FIRST, SECOND, FIRST]


def test_the_version_before_stays_warm_and_comes_back_without_a_start(world: HaproxyProduction) -> None:
    blue = world.slot_processes("blue")
    world.deployer.deploy(SECOND, world.source(SECOND))
    world.deployer.restore(FIRST)
    assert intact(world, FIRST)
    assert world.slot_processes("blue") == blue != {}


def test_a_restarted_haproxy_goes_on_with_the_slot_that_served(world: HaproxyProduction) -> None:
    world.deployer.deploy(SECOND, world.source(SECOND))
    world.stop_haproxy()
    world.start_haproxy()
    assert intact(world, SECOND)


def test_after_a_restart_without_its_state_the_next_call_puts_haproxy_right(world: HaproxyProduction) -> None:
    deployer = world.new_deployer(state_file=None)
    deployer.deploy(SECOND, world.source(SECOND))
    world.stop_haproxy()
    world.start_haproxy()
    assert world.running() == FIRST, "as its configuration says, and not as it was"
    deployer.deploy(SECOND, world.source(SECOND))
    assert intact(world, SECOND)


def test_a_canary_that_fails_requests_is_taken_back(world: HaproxyProduction) -> None:
    deployer = world.new_deployer(canary=[50], step_seconds=20)
    with (
        Crowd(world).at_work() as crowd,
        pytest.raises(DeploymentFailed, match=r"(?s)at 50 % of the requests the new version failed \d+ of.*with 1111"),
    ):
        deployer.deploy(SECOND, world.source(SECOND, FAILS_FOR_USERS))
    assert 5 <= len(crowd.failed) < crowd.answered
    assert intact(world, FIRST)
    assert world.slot_processes("green") == {}


def die_while_deploying(world: HaproxyProduction, version: Sha, point: str) -> None:
    where = [world.profile().model_dump_json(), world.url, version, str(world.source(version))]
    run_until_it_kills_itself("killed_haproxy_deployment.py", point, *where)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_deployment_is_finished_or_taken_back(world: HaproxyProduction, point: str) -> None:
    with Crowd(world).at_work() as crowd:
        die_while_deploying(world, SECOND, point)
        before = world.slot_processes("green")
        world.deployer.deploy(SECOND, world.source(SECOND))
        assert intact(world, SECOND)
        if point != "starting":
            assert world.slot_processes("green") == before != {}, "it was not started a second time"
        assert [release.version for release in world.deployer.history()] == [SECOND, FIRST]
        world.deployer.restore(FIRST)
    assert intact(world, FIRST)
    assert crowd.failed == []
    (record,) = (world.root / "deploy-interrupted.jsonl").read_text().splitlines()
    assert re.search(rf"process \d+: deployment of {SECOND}, since 20", json.loads(record)["holder"])


@pytest.mark.parametrize("point", ["in_canary", "switched"])
def test_a_killed_deployment_is_taken_back_by_a_restore(world: HaproxyProduction, point: str) -> None:
    with Crowd(world).at_work() as crowd:
        die_while_deploying(world, SECOND, point)
        world.deployer.restore(FIRST)
    assert intact(world, FIRST)
    assert crowd.failed == []


@pytest.mark.parametrize("warm", [True, False])
def test_the_commands_by_hand_work_as_they_are(world: HaproxyProduction, warm: bool) -> None:
    world.deployer.deploy(SECOND, world.source(SECOND))
    if not warm:
        world.deployer.deploy(THIRD, world.source(THIRD))
    commands = world.deployer.by_hand(FIRST)
    assert len(commands) == (4 if warm else 10)
    with Crowd(world).at_work() as crowd:
        for command in commands:
            subprocess.run(["sh", "-c", command], check=True, timeout=60, stdout=subprocess.DEVNULL)
        assert world.running() == FIRST
        world.deployer.restore(FIRST)
    assert crowd.failed == []
    assert intact(world, FIRST)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"socket": "/nonexistent/haproxy.sock"}, "there is no socket /nonexistent/haproxy.sock: haproxy does not run"),
        ({"backend": "shoop"}, "Can't find backend"),
        ({"slots": {"blue": "127.0.0.1:1", "red": "127.0.0.1:2"}}, "has no server red, only blue, green"),
        (
            {"slots": {"blue": "127.0.0.1:1", "green": "127.0.0.1:2"}},
            "says that slot blue is 127.0.0.1:1, haproxy says",
        ),
        ({"state_file": "/nonexistent/state"}, "deployer.state_file, /nonexistent, is not there"),
    ],
)
def test_a_profile_that_does_not_fit_is_said_before_anything_is_touched(
    world: HaproxyProduction, changes: dict[str, object], problem: str
) -> None:
    deployer = world.new_deployer(**changes)
    assert problem in " ".join(deployer.status().problems)
    assert not deployer.can_restore(FIRST)
    with pytest.raises(DeploymentFailed, match=re.escape(problem)) as failure:
        deployer.deploy(SECOND, world.source(SECOND))
    assert "Nothing was touched." in str(failure.value)
    assert not (world.root / "releases" / SECOND).exists()
    with pytest.raises(RollbackFailed, match="By hand:"):
        deployer.restore(SECOND)
    assert world.running() == FIRST


def test_a_balance_that_takes_no_weights_is_said_before_anything_is_started(tmp_path: Path) -> None:
    world = HaproxyProduction(tmp_path / "root", tmp_path / "sources", FIRST, balance="source")
    try:
        world.start()
        with pytest.raises(DeploymentFailed, match="Backend is using a static LB algorithm"):
            world.deployer.deploy(SECOND, world.source(SECOND))
        assert world.running() == FIRST
        assert world.slot_processes("green") == {}
    finally:
        world.stop()


def test_somebody_else_in_the_slot_is_not_driven_out(world: HaproxyProduction) -> None:
    """It was not started as this slot: whose it is cannot be told, so it gets no signal."""
    argv = [GUNICORN, "--chdir", str(world.root / "current"), "--bind", f"127.0.0.1:{world.green}", "app:app"]
    stranger = subprocess.Popen([*argv, "--no-control-socket"], stderr=subprocess.DEVNULL)
    try:
        wait_for_port(world.green)
        with pytest.raises(DeploymentFailed, match="no process there was started as this slot"):
            world.deployer.deploy(SECOND, world.source(SECOND))
        assert stranger.poll() is None
    finally:
        stranger.terminate()
        stranger.wait()
    assert world.running() == FIRST
