"""The command deployer with a tool that is a little Python script and keeps its state in a file."""

from __future__ import annotations

import multiprocessing
import subprocess
import time
from pathlib import Path

import pytest

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.deployers.command import CommandDeployer
from hotfix.adapters.deployers.machine_lock import exclusive
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, InvalidCatalog, RollbackFailed
from hotfix.domain.service import CommandDeployerProfile
from tests.contract.deployer_contract import BROKEN, FIRST, SECOND, UNKNOWN, DeployerContract

TOOL = """
import os, pathlib, sys, time

state, verb, *rest = sys.argv[1:]
log = pathlib.Path(state)
versions = log.read_text().split()
if verb == "status":
    print("asking the cluster")
    print(versions[-1])
elif verb == "history":
    print("\\n".join(["# newest first", *reversed(versions)]))
elif verb == "hang":
    time.sleep(60)
else:
    version = rest[0]
    print("using token", os.environ.get("DEPLOY_TOKEN"), "in", os.environ.get("REGION"), os.environ.get("UNRELATED"))
    if version == "b" * 40:
        sys.exit("image pull failed")
    if verb == "rollback" and version not in versions:
        sys.exit("no such revision")
    if verb == "deploy" and not pathlib.Path(rest[1]).is_dir():
        sys.exit("no source")
    if verb != "pretend":
        log.write_text("\\n".join([*versions, version]) + "\\n")
"""


class CommandWorld:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.write_text(f"{FIRST}\n")
        (folder / "tool.py").write_text(TOOL)
        self.deployer = self.new_deployer()

    def command(self, *words: str) -> tuple[str, ...]:
        return ("{python}", str(self.folder / "tool.py"), str(self.state), *words)

    def new_deployer(self, **changes: object) -> CommandDeployer:
        profile = {
            "kind": "command",
            "deploy": self.command("deploy", "{version}", "{source}"),
            "status": self.command("status"),
            "rollback": self.command("rollback", "{version}"),
            "history": self.command("history"),
            "environment": {"REGION": "eu-1"},
            "pass_environment": ("DEPLOY_TOKEN",),
        }
        described = CommandDeployerProfile.model_validate({**profile, **changes})
        return CommandDeployer(described, self.folder, SystemClock())

    def source(self, version: Sha) -> Path:
        return self.folder

    def running(self) -> Sha | None:
        return self.state.read_text().split()[-1]


@pytest.fixture
def world(tmp_path: Path) -> CommandWorld:
    return CommandWorld(tmp_path)


class TestCommandDeployer(DeployerContract):
    pass


def test_the_tool_gets_what_the_profile_names_and_its_secrets_never_reach_the_message(
    world: CommandWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "s3cr3t-value")
    monkeypatch.setenv("UNRELATED", "airflow-connection")
    with pytest.raises(DeploymentFailed) as failure:
        world.deployer.deploy(BROKEN, world.source(BROKEN))
    text = str(failure.value)
    assert "using token *** in eu-1 None" in text
    assert "image pull failed" in text
    assert f"Live now: {FIRST}" in text
    assert "s3cr3t" not in text


def test_a_tool_that_says_all_is_well_is_not_believed_without_its_status(world: CommandWorld) -> None:
    deployer = world.new_deployer(deploy=world.command("pretend", "{version}"))
    with pytest.raises(DeploymentFailed, match="ended well, but the version is not live"):
        deployer.deploy(SECOND, world.source(SECOND))


def test_a_tool_that_hangs_is_ended(world: CommandWorld) -> None:
    deployer = world.new_deployer(rollback=world.command("hang"), time_limit=5)
    world.deployer.deploy(SECOND, world.source(SECOND))
    with pytest.raises(RollbackFailed, match=rf"did not end within 5 s. Live now: {SECOND}"):
        deployer.restore(FIRST)


@pytest.mark.parametrize("status", [("no-such-program-anywhere",), ("{python}", "-c", "print('v1.2')"), ("false",)])
def test_a_status_that_names_no_commit_means_that_nothing_is_known(
    world: CommandWorld, status: tuple[str, ...]
) -> None:
    deployer = world.new_deployer(status=status)
    assert deployer.live() is None
    with pytest.raises(DeploymentFailed, match="Live now: unknown"):
        deployer.deploy(SECOND, world.source(SECOND))


def test_a_missing_tool_is_named(world: CommandWorld) -> None:
    deployer = world.new_deployer(deploy=("no-such-program-anywhere", "{version}"))
    with pytest.raises(DeploymentFailed, match=r"no-such-program-anywhere.*Nothing was changed"):
        deployer.deploy(SECOND, world.source(SECOND))


def test_without_history_or_can_restore_no_way_back_is_proved(world: CommandWorld) -> None:
    deployer = world.new_deployer(history=None)
    assert deployer.history() == ()
    assert not deployer.can_restore(FIRST)
    assert "no way back can be proved" in deployer.status().problems[0]
    with pytest.raises(RollbackFailed, match="no such revision"):
        deployer.restore(UNKNOWN)


def test_the_commands_by_hand_are_quoted_for_a_shell(world: CommandWorld) -> None:
    deployer = world.new_deployer(rollback=("kubectl", "rollout", "undo", "a b", "{version}"))
    assert deployer.by_hand(FIRST)[0] == f"env REGION=eu-1 kubectl rollout undo 'a b' {FIRST}"


def test_a_placeholder_that_cannot_be_filled_is_refused_at_once(world: CommandWorld) -> None:
    with pytest.raises(InvalidCatalog, match=r"\{source\}"):
        world.new_deployer(rollback=world.command("rollback", "{version}", "{source}"))


JOBS = """
import pathlib, subprocess, sys, time

state, jobs, verb, version = (*sys.argv[1:], "")[:4]
log, begun = pathlib.Path(state), pathlib.Path(jobs)
if verb == "begin":
    with begun.open("a") as file:
        file.write(version + "\\n")
    work = "import sys, time; time.sleep(3); open(sys.argv[1], 'a').write(sys.argv[2] + chr(10))"
    subprocess.Popen([sys.executable, "-c", work, state, version], start_new_session=True)
    if version != "3" * 40:
        time.sleep(60)
elif verb == "progress":
    if version in log.read_text().split():
        print("succeeded")
    elif begun.exists() and version in begun.read_text().split():
        print("running")
    else:
        print("none")
"""


def with_jobs(world: CommandWorld, **changes: object) -> CommandDeployer:
    """A tool whose work goes on by itself: for 3 s, and ``begin`` waits on for a minute."""
    (world.folder / "jobs.py").write_text(JOBS)

    def jobs(*words: str) -> tuple[str, ...]:
        return ("{python}", str(world.folder / "jobs.py"), str(world.state), str(world.folder / "begun"), *words)

    return world.new_deployer(
        **{"deploy": jobs("begin", "{version}"), "progress": jobs("progress", "{version}"), **changes}
    )


def test_a_tool_that_goes_on_by_itself_is_waited_for(world: CommandWorld) -> None:
    with_jobs(world, time_limit=20).deploy("3" * 40, world.folder)
    assert world.running() == "3" * 40


def test_a_killed_deployment_is_waited_for_and_not_begun_again(world: CommandWorld) -> None:
    deployer = with_jobs(world)
    victim = multiprocessing.get_context("fork").Process(target=deployer.deploy, args=(SECOND, world.folder))
    victim.start()
    while not (world.folder / "begun").exists():
        time.sleep(0.05)
    victim.kill()
    victim.join()
    assert world.running() == FIRST, "it was killed on the way"
    deployer.deploy(SECOND, world.folder)
    assert world.running() == SECOND
    assert (world.folder / "begun").read_text().split() == [SECOND]
    (record,) = (world.folder / "deploy-interrupted.jsonl").read_text().splitlines()
    assert f"process {victim.pid}: deployment of {SECOND}, since" in record


def test_a_tool_that_does_not_say_whether_it_is_at_it_is_not_begun_with(world: CommandWorld) -> None:
    deployer = with_jobs(world, progress=("{python}", "-c", "print('rolling')"))
    with pytest.raises(DeploymentFailed, match="says 'rolling' and none of running"):
        deployer.deploy(SECOND, world.folder)
    assert not (world.folder / "begun").exists()


@pytest.mark.parametrize(("answer", "can"), [("true", True), ("false", False), ("no-such-program-anywhere", False)])
def test_the_tool_is_asked_whether_a_version_can_be_brought_back(world: CommandWorld, answer: str, can: bool) -> None:
    assert world.new_deployer(history=None, can_restore=(answer, "{version}")).can_restore(FIRST) is can


def test_a_second_deployment_waits_for_the_first_and_says_whose_it_is(world: CommandWorld) -> None:
    with exclusive(world.folder / "deploy.lock", "deployment of something else", SystemClock(), 1):
        assert "deployment of something else" in world.deployer.status().busy
        with pytest.raises(DeploymentFailed, match="deployment of something else"):
            world.new_deployer(time_limit=5).deploy(SECOND, world.source(SECOND))
    assert world.deployer.status().busy == ""


def test_the_commands_by_hand_work_as_they_are(world: CommandWorld) -> None:
    world.deployer.deploy(SECOND, world.source(SECOND))
    for command in world.deployer.by_hand(FIRST):
        subprocess.run(["sh", "-c", command], check=True, timeout=30, capture_output=True)
    assert world.running() == FIRST
