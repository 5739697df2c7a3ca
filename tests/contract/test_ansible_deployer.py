"""The ansible deployer with the shipped playbook, over a real ssh to a real gunicorn."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hotfix.adapters.deployers import playbook
from hotfix.adapters.deployers.playbook import SshIdentity
from hotfix.adapters.processes import Completed
from hotfix.domain.errors import DeploymentFailed
from tests.contract.ansible_production import ANSIBLE, SSHD, AnsibleProduction, Sshd
from tests.contract.deployer_contract import FIRST, SECOND, DeployerContract
from tests.contract.production import GUNICORN, Crowd

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and SSHD and ANSIBLE.exists() and Path(GUNICORN).exists()),
    reason="needs Linux, sshd, and ansible-core and gunicorn beside the interpreter",
)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("ssh") / "keys")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def world(tmp_path: Path, sshd: Sshd) -> Iterator[AnsibleProduction]:
    production = AnsibleProduction(tmp_path / "root", tmp_path / "sources", FIRST, sshd)
    try:
        production.start()
        yield production
    finally:
        production.stop()


class TestAnsibleDeployer(DeployerContract):
    pass


def test_no_request_is_lost_and_the_commands_by_hand_work_as_they_are(world: AnsibleProduction) -> None:
    with Crowd(world).at_work() as crowd:
        world.deployer.deploy(SECOND, world.source(SECOND))
        assert world.running() == SECOND
        for command in world.deployer.by_hand(FIRST):
            subprocess.run(["sh", "-c", command], check=True, timeout=120, stdout=subprocess.DEVNULL)
    assert world.running() == FIRST
    assert world.deployer.can_restore(SECOND)
    assert crowd.answered >= 100
    assert crowd.failed == []


def sleepers() -> list[int]:
    """What the reload of the test below is at, on the host."""
    return [int(line) for line in subprocess.run(["pgrep", "-fx", "sleep 61"], capture_output=True).stdout.split()]


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_killed_deployment_is_finished_once_and_its_stale_lock_released_with_a_record(
    world: AnsibleProduction,
) -> None:
    """Killed when the link is switched and the service does not run it yet, with the lock on the host still taken."""
    world.describe_host(service_reload="exec sleep 61")
    victim = multiprocessing.get_context("fork").Process(
        target=world.deployer.deploy, args=(SECOND, world.source(SECOND))
    )
    victim.start()
    while (world.root / "current").readlink().name != SECOND:
        assert victim.is_alive()
        time.sleep(0.05)
    assert victim.pid is not None
    wait_for(lambda: sleepers() != [])
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    wait_for(lambda: sleepers() == [])
    assert world.running() == FIRST
    world.describe_host()
    world.deployer.deploy(SECOND, world.source(SECOND))
    assert world.running() == SECOND
    assert [release.version for release in world.deployer.history()] == [SECOND, FIRST]
    stale = (world.root / "deploy-interrupted.log").read_text()
    assert re.search(rf"^20\S+: the lock of deploy of {SECOND}, since 20\S+ was stale, released by deploy of", stale)
    assert f"process {victim.pid}: deployment of {SECOND}" in (world.folder / "deploy-interrupted.jsonl").read_text()


def test_another_workers_deployment_is_waited_for_by_nobody_and_named(world: AnsibleProduction) -> None:
    until = int(time.time()) + 600
    (world.root / "deploy.lock").write_text(f"another-worker\n{until}\ndeploy of something else, since 2026\n")
    assert "deploy of something else" in world.deployer.status().busy
    with pytest.raises(DeploymentFailed, match=r"(?s)another deployment is under way: deploy of something else"):
        world.deployer.deploy(SECOND, world.source(SECOND))
    assert world.running() == FIRST
    assert not (world.root / "releases" / SECOND).exists()


@pytest.mark.parametrize("switched", [False, True])
def test_all_hosts_or_none(world: AnsibleProduction, switched: bool) -> None:
    """A second host whose release cannot run, or whose service goes on with the first version."""
    second = world.root.parent / "second"
    shutil.copytree(world.root / "releases", second / "releases")
    (second / "current").symlink_to(f"releases/{FIRST}")
    (second / "says").write_text(FIRST)
    there = {"service_root": str(second), "service_url": f"file://{second}/says", "service_seconds": 1}
    there |= {"service_check": "true" if switched else "false", "service_reload": "true"}
    world.describe_host(second=there)
    with pytest.raises(DeploymentFailed) as failure:
        world.deployer.deploy(SECOND, world.source(SECOND))
    expected = f"Every host was put back to {FIRST}." if switched else "The hosts were left as they were."
    assert expected in str(failure.value)
    assert world.running() == FIRST
    for root in (world.root, second):
        assert (root / "current").readlink().name == FIRST
        assert ((root / "history").exists() and SECOND in (root / "history").read_text()) is switched


@pytest.mark.parametrize("wrong", ["port", "host key", "user key", "inventory"])
def test_a_host_that_cannot_be_trusted_or_reached_is_said_and_nothing_touched(
    world: AnsibleProduction, wrong: str, tmp_path: Path
) -> None:
    deployer, expected = world.deployer, "UNREACHABLE"
    if wrong == "port":
        world.describe_host(ansible_port=1)
    elif wrong == "host key":
        (tmp_path / "strangers").write_text("")
        deployer, expected = world.new_deployer(known_hosts=str(tmp_path / "strangers")), "Host key verification failed"
    elif wrong == "user key":
        deployer, expected = world.new_deployer(SshIdentity(key_file="/nonexistent/key")), "/nonexistent/key, is not"
    else:
        deployer, expected = (
            world.new_deployer(inventory="/nonexistent/hosts"),
            "deployer.inventory, /nonexistent/hosts",
        )
    assert expected in deployer.status().problems[0]
    assert not deployer.can_restore(FIRST)
    with pytest.raises(DeploymentFailed, match=expected):
        deployer.deploy(SECOND, world.source(SECOND))
    assert world.running() == FIRST
    assert not (world.root / "releases" / SECOND).exists()


def test_the_key_never_leaves_its_file(world: AnsibleProduction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither it nor anything of this process's environment is handed to the playbook's process."""
    monkeypatch.setenv("AIRFLOW_CONN_SECRET", "s3cr3t")
    seen: list[tuple[list[str], dict[str, str]]] = []
    real = playbook.run

    def watched(argv: list[str], **options: Any) -> Completed:
        seen.append((list(argv), dict(options["environment"])))
        return real(argv, **options)

    monkeypatch.setattr(playbook, "run", watched)
    assert world.deployer.can_restore(FIRST)
    ((argv, environment),) = seen
    key = world.sshd.key_file.read_text().splitlines()[1]
    assert key not in " ".join([*argv, *environment.values()])
    assert "s3cr3t" not in environment.values()
    assert str(world.sshd.key_file) not in argv
