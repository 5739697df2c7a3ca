"""The github deployer: GitHub's deployments with somebody who listens to them, and with a workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotfix.adapters.deployers.github import GithubDeployer
from hotfix.adapters.github import GithubApi
from hotfix.domain.document import Sha
from hotfix.domain.errors import DeploymentFailed, RollbackFailed
from hotfix.domain.service import GithubDeployerProfile
from tests.contract.deployer_contract import BROKEN, FIRST, SECOND, DeployerContract
from tests.contract.fakes.clock import FakeClock
from tests.support.emulated import OWNER, REPOSITORY, TOKENS
from tests.support.github_front import Fault, GithubFront, github_front
from tests.support.rig import free_ports


class PassingTime(FakeClock):
    """While the deployer waits, the world goes on."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = happens

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._happens()


class GithubDeployments:
    """``FIRST`` is live. Whoever deploys takes what is newest, one step a look: queued, in progress, done."""

    workflow = ""

    def __init__(self, front: GithubFront) -> None:
        self.front = front
        self.production: Sha = ""
        self.stuck = False
        self.clock = PassingTime(self.go_on)
        self.deployer = self.new_deployer()
        self.deployer.deploy(FIRST, self.source(FIRST))

    def new_deployer(self, **changes: object) -> GithubDeployer:
        settings = {"kind": "github", "workflow": self.workflow, "interval": 1, "time_limit": 60, **changes}
        api = GithubApi(lambda: TOKENS["hotfix-bot"], self.clock, address=self.front.address)
        profile = GithubDeployerProfile.model_validate(settings)
        return GithubDeployer(profile, api, f"{OWNER}/{REPOSITORY}", "production", "main", self.clock)

    def go_on(self) -> None:
        for deployment in self.front.deployments:
            states = [each["state"] for each in self.front.deployment_statuses[deployment["id"]]]
            if self.stuck or (states and states[-1] in ("success", "failure", "inactive")):
                continue
            if not states:
                self.front.finish_deployment(deployment["id"], "in_progress")
            elif deployment["sha"] == BROKEN:
                self.front.finish_deployment(deployment["id"], "failure", "image pull failed")
            else:
                self.production = deployment["sha"]
                self.front.finish_deployment(deployment["id"], "success")

    def source(self, version: Sha) -> Path:
        return Path("/nonexistent")

    def running(self) -> Sha | None:
        return self.production

    def deployments_of(self, version: Sha) -> int:
        return len([each for each in self.front.deployments if each["sha"] == version])


class GithubWorkflow(GithubDeployments):
    """A workflow's runs do the work, and post nothing about deployments."""

    workflow = "deploy.yml"

    def go_on(self) -> None:
        for run in self.front.runs:
            if self.stuck or run["status"] == "completed":
                continue
            if run["status"] == "queued":
                run["status"] = "in_progress"
            else:
                version = run["inputs"]["version"]
                run.update(status="completed", conclusion="failure" if version == BROKEN else "success")
                if version != BROKEN:
                    self.production = version


@pytest.fixture(scope="module")
def front() -> Iterator[GithubFront]:
    # Deployments are not among what the emulator knows: it is not needed.
    with github_front(free_ports(1), "") as running:
        yield running


@pytest.fixture(params=[GithubDeployments, GithubWorkflow], ids=["deployments", "workflow"])
def world(request: pytest.FixtureRequest, front: GithubFront) -> GithubDeployments:
    front.forget()
    for kept in (front.deployments, front.deployment_statuses, front.runs):
        kept.clear()
    made: GithubDeployments = request.param(front)
    return made


class TestGithubDeployer(DeployerContract):
    pass


def test_a_deployment_that_was_begun_before_a_crash_is_watched_on_and_not_made_again(world: GithubDeployments) -> None:
    world.stuck = True
    with pytest.raises(DeploymentFailed, match=rf"after 10 s.*may yet go live. Live now: {FIRST}"):
        world.new_deployer(time_limit=10).deploy(SECOND, world.source(SECOND))
    world.stuck = False
    world.new_deployer().deploy(SECOND, world.source(SECOND))
    assert world.running() == SECOND
    assert world.deployments_of(SECOND) == 1
    assert len([run for run in world.front.runs if run["inputs"]["version"] == SECOND]) == bool(world.workflow)


@pytest.mark.parametrize("path", [r"/deployments$", r"/dispatches$"])
def test_an_answer_that_is_lost_on_the_way_deploys_once(world: GithubDeployments, path: str) -> None:
    if path == r"/dispatches$" and not world.workflow:
        path = r"/deployments$"
    world.front.faults.append(Fault("POST", path, reset=True, after=True))
    world.deployer.deploy(SECOND, world.source(SECOND))
    assert world.running() == SECOND
    assert world.deployments_of(SECOND) == 1
    assert len([run for run in world.front.runs if run["inputs"]["version"] == SECOND]) == bool(world.workflow)


def test_github_away_while_it_deploys_is_waited_out(world: GithubDeployments) -> None:
    world.front.faults.append(Fault("GET", r"/deployments/2/statuses$|/runs/2$", 502, times=12))
    world.deployer.deploy(SECOND, world.source(SECOND))
    assert world.running() == SECOND


def test_a_failed_version_may_be_tried_again(world: GithubDeployments) -> None:
    for _ in range(2):
        with pytest.raises(DeploymentFailed, match="failure"):
            world.deployer.deploy(BROKEN, world.source(BROKEN))
    assert world.deployments_of(BROKEN) == 2


def test_a_deployment_that_is_forbidden_is_a_failure_that_says_what_is_missing(world: GithubDeployments) -> None:
    needs = {"x-accepted-github-permissions": "deployments=write"}
    world.front.faults.append(Fault("POST", r"/deployments$", 403, headers=needs, times=9))
    with pytest.raises(DeploymentFailed, match="it needs deployments=write"):
        world.deployer.deploy(SECOND, world.source(SECOND))
    world.front.finish_deployment(1, "inactive")
    with pytest.raises(RollbackFailed, match="By hand"):
        world.deployer.restore(FIRST)
    assert world.deployments_of(SECOND) == 0


def test_a_run_that_does_not_carry_the_request_in_its_name_is_said_so(front: GithubFront) -> None:
    for kept in (front.deployments, front.deployment_statuses, front.runs):
        kept.clear()
    front.forget()
    front.run_name = "Deploy"
    clock = FakeClock()
    settings = GithubDeployerProfile(kind="github", workflow="deploy.yml", interval=1, time_limit=10)
    api = GithubApi(lambda: TOKENS["hotfix-bot"], clock, address=front.address)
    deployer = GithubDeployer(settings, api, f"{OWNER}/{REPOSITORY}", "production", "main", clock)
    try:
        with pytest.raises(DeploymentFailed, match="run-name must hold"):
            deployer.deploy(SECOND, Path("/nonexistent"))
    finally:
        front.run_name = "Deploy {request}"
