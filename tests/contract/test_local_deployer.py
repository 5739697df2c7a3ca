"""The local deployer on a real gunicorn, under load, and killed at every point."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers.machine_lock import exclusive
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from tests.contract.deployer_contract import BROKEN, FIRST, SECOND, DeployerContract
from tests.contract.killed_deployment import POINTS
from tests.contract.production import GUNICORN, OPTIONS, Crowd, Production, run_until_it_kills_itself

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and Path(GUNICORN).exists()),
    reason="needs Linux and gunicorn beside the interpreter",
)
THIRD = "3" * 40
BOOTS_ONLY_IN_TRIAL = "\nif 'TRIAL' not in os.environ:\n    raise RuntimeError('production differs')\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Production]:
    production = Production(tmp_path / "root", tmp_path / "sources", FIRST)
    try:
        production.start()
        yield production
    finally:
        production.stop()


class TestLocalDeployer(DeployerContract):
    pass


def intact(world: Production, version: Sha) -> bool:
    """One master, nothing half-done, and ``version`` is what runs and what is meant to."""
    assert world.running() == version
    assert world.masters() == [int(world.pid_file.read_text())]
    assert not world.pid_file.with_name("gunicorn.pid.2").exists()
    assert (world.root / "current").readlink().name == version
    assert not list(world.root.glob("releases/*.partial-*"))
    return True


def test_no_request_is_lost_while_deploying_and_restoring(world: Production) -> None:
    with Crowd(world).at_work() as crowd:
        world.deployer.deploy(SECOND, world.source(SECOND))
        assert intact(world, SECOND)
        world.deployer.restore(FIRST)
        world.deployer.deploy(THIRD, world.source(THIRD))
    assert intact(world, THIRD)
    assert crowd.answered >= 300
    assert crowd.failed == []
    assert [release.version for release in world.deployer.history()] == [THIRD, FIRST, SECOND, FIRST]


def test_a_release_is_dated_to_its_first_answer_and_not_to_the_end_of_the_deployment(world: Production) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(first_answer, world, SECOND)
        world.deployer.deploy(SECOND, world.source(SECOND))
    newest = world.deployer.history()[0]
    assert newest.version == SECOND
    assert newest.deployed_at is not None
    assert newest.deployed_at <= asked.result()


def first_answer(world: Production, version: str) -> datetime:
    """When production says for the first time that it is this version."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(world.url, timeout=5) as answer:
            if version in answer.read().decode():
                return datetime.now(timezone.utc)
    raise AssertionError(f"{version} never answered")


def test_a_failed_trial_never_touches_production_and_shows_the_output(world: Production) -> None:
    before = world.processes()
    with pytest.raises(DeploymentFailed, match=r"(?s)not touched.*no database at db\.internal.*answers with 1111"):
        world.deployer.deploy(BROKEN, world.source(BROKEN))
    assert world.processes() == before
    assert intact(world, FIRST)


def test_a_version_that_boots_only_in_the_trial_is_taken_back(world: Production) -> None:
    master = int(world.pid_file.read_text())
    with (
        Crowd(world).at_work() as crowd,
        pytest.raises(DeploymentFailed, match=r"(?s)ended while it started.*answers with 1111"),
    ):
        world.deployer.deploy(SECOND, world.source(SECOND, BOOTS_ONLY_IN_TRIAL))
    assert crowd.failed == []
    assert world.masters() == [master]
    assert intact(world, FIRST)
    with pytest.raises(RollbackFailed, match="By hand:"):
        world.deployer.restore(SECOND)
    assert intact(world, FIRST)


def test_a_new_master_that_hangs_is_stopped_and_the_old_one_stays(world: Production) -> None:
    master = int(world.pid_file.read_text())
    hangs = "\nif 'TRIAL' not in os.environ:\n    time.sleep(300)\n"
    with (
        Crowd(world).at_work() as crowd,
        pytest.raises(DeploymentFailed, match=r"did not answer with 2222\w+ within 5 s"),
    ):
        world.new_deployer(time_limit=5).deploy(SECOND, world.source(SECOND, hangs))
    assert crowd.failed == []
    assert world.masters() == [master]
    assert intact(world, FIRST)


def test_a_gunicorn_that_does_not_follow_the_current_link_is_told_so(world: Production) -> None:
    world.stop()
    world.start(folder=f"releases/{FIRST}")
    with pytest.raises(DeploymentFailed, match=rf"runs release {FIRST}: gunicorn must be started with --chdir"):
        world.new_deployer(time_limit=5).deploy(SECOND, world.source(SECOND))
    assert intact(world, FIRST)


def die_while_deploying(world: Production, version: Sha, point: str) -> None:
    where = [str(world.root), str(world.pid_file), world.url, version, str(world.source(version))]
    trial = ["{python}", "-m", "gunicorn", "--chdir", "{release}", "--bind", "127.0.0.1:{port}", *OPTIONS]
    run_until_it_kills_itself("killed_deployment.py", point, *where, *trial)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_deployment_is_finished_by_the_next_one(world: Production, point: str) -> None:
    with Crowd(world).at_work() as crowd:
        die_while_deploying(world, SECOND, point)
        world.deployer.deploy(SECOND, world.source(SECOND))
    assert intact(world, SECOND)
    assert crowd.failed == []
    assert [release.version for release in world.deployer.history()] == [SECOND, FIRST]


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_deployment_is_taken_back_by_a_restore(world: Production, point: str) -> None:
    with Crowd(world).at_work() as crowd:
        die_while_deploying(world, SECOND, point)
        world.deployer.restore(FIRST)
    assert intact(world, FIRST)
    assert crowd.failed == []
    assert world.deployer.history()[0].version == FIRST


def test_the_leftovers_of_a_killed_build_are_removed(world: Production) -> None:
    leftover = world.root / "releases" / f"{SECOND}.partial-4711"
    leftover.mkdir()
    (leftover / "half.py").write_text("half")
    world.deployer.deploy(SECOND, world.source(SECOND))
    release = world.root / "releases" / SECOND
    assert intact(world, SECOND)
    assert not (release / "half.py").exists()
    assert not (release / ".git").exists()
    assert (release / "REVISION").read_text().strip() == SECOND


def test_without_a_gunicorn_the_error_says_how_to_start_one_and_starting_it_completes_the_deployment(
    world: Production,
) -> None:
    world.stop()
    assert world.pid_file.exists()
    with pytest.raises(DeploymentFailed, match=r"(?s)no gunicorn runs.*start gunicorn.*does not answer"):
        world.deployer.deploy(SECOND, world.source(SECOND))
    world.start()
    world.deployer.deploy(SECOND, world.source(SECOND))
    assert intact(world, SECOND)


def test_a_stranger_with_the_masters_number_gets_no_signal(world: Production) -> None:
    world.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        world.pid_file.write_text(f"{stranger.pid}\n")
        with pytest.raises(DeploymentFailed, match="no gunicorn runs"):
            world.deployer.deploy(SECOND, world.source(SECOND))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_commands_by_hand_work_as_they_are(world: Production) -> None:
    world.deployer.deploy(SECOND, world.source(SECOND))
    with Crowd(world).at_work() as crowd:
        for command in world.deployer.by_hand(FIRST):
            subprocess.run(["sh", "-c", command], check=True, timeout=30, capture_output=True)
    assert crowd.failed == []
    assert world.deployer.history()[0].version == FIRST
    world.deployer.restore(FIRST)
    assert intact(world, FIRST)


def test_two_deployments_at_once_happen_one_after_the_other(world: Production) -> None:
    forked = multiprocessing.get_context("fork")
    others = [
        forked.Process(target=lambda v=version: world.new_deployer().deploy(v, world.source(v)))
        for version in (SECOND, THIRD)
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0]
    versions = [release.version for release in world.deployer.history()]
    assert sorted(versions[:2]) == [SECOND, THIRD]
    assert intact(world, versions[0])


def test_a_deployment_that_finds_the_lock_held_names_the_holder(world: Production) -> None:
    with (
        exclusive(world.root / "deploy.lock", "deployment of something else", SystemClock(), 1),
        pytest.raises(DeploymentFailed, match=rf"process {os.getpid()}: deployment of something else, since"),
    ):
        world.new_deployer(time_limit=5).deploy(SECOND, world.source(SECOND))
    assert intact(world, FIRST)


def test_the_history_survives_a_line_that_was_cut_short(world: Production) -> None:
    history = world.root / "history.jsonl"
    history.write_text(json.dumps({"version": FIRST, "deployed_at": None}) + '\n{"version": "22')
    world.deployer.deploy(THIRD, world.source(THIRD))
    assert [release.version for release in world.deployer.history()] == [THIRD, FIRST]
