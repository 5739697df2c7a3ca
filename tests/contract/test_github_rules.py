"""No request of ours breaks GitHub's own description of its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotfix.adapters.deployers.github import GithubDeployer
from hotfix.domain.errors import CodeHostFailed, DeploymentFailed
from hotfix.domain.service import GithubDeployerProfile
from tests.contract.fakes.clock import FakeClock
from tests.contract.github_world import (
    SARIF,
    SLUG,
    GithubWorld,
    a_state,
    an_approval_state,
    before_the_request,
    github_world,
    the_end,
)
from tests.support.documents import an_incident
from tests.support.github_front import REPO_PATH

pytestmark = pytest.mark.xdist_group("github rules")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GithubWorld]:
    with github_world(rules=tmp_path_factory.mktemp("rules")) as world:
        yield world


@pytest.fixture
def world(shared: GithubWorld) -> GithubWorld:
    shared.front.forget()
    return shared


def test_the_judge_sees_what_is_wrong(world: GithubWorld) -> None:
    unknown = {"name": "hotfix: tests", "head_sha": world.head(), "status": "finished"}
    with pytest.raises(CodeHostFailed):
        world.api().post(f"{REPO_PATH}/check-runs", unknown)
    (violation,) = world.front.violations
    assert "status" in violation


def test_every_request_of_a_run_is_as_github_describes_it(world: GithubWorld) -> None:
    commit = world.branch("hotfix/RULES-1")
    incident = an_incident(id="RULES-1")
    host = world.code_host(reviewers=("reviewer",))
    asked = an_approval_state(commit, last_minute=True)
    decided = asked.model_copy(update={"decision": "approved", "last_minute": False})
    assert host.show(a_state("RULES-1", fix_commit=commit, approval=asked), None) == ()
    assert host.show(a_state("RULES-1", fix_commit=commit, approval=decided), None) == ()
    assert host.show(the_end("RULES-1", commit), SARIF) == ()
    world.front.token_is_an_apps = False
    assert host.show(a_state("RULES-1", fix_commit=commit), None) == ()
    world.front.token_is_an_apps = True
    pull = host.open_pull(incident, "hotfix/RULES-1", commit, "Follow up", "- [ ] review", reviewers=("approver",))
    assert host.pull_for(incident, "hotfix/RULES-1") == pull
    world.ask(
        "POST", f"/pulls/{pull.url.rsplit('/', 1)[1]}/reviews", {"event": "APPROVE", "commit_id": commit}, "reviewer"
    )
    assert [answer.user for answer in host.answers(incident, commit, before_the_request())] == ["reviewer"]
    assert {each.method for each in world.front.seen} == {"GET", "POST", "PATCH", "DELETE"}
    assert len(world.front.seen) >= 40
    assert world.front.violations == []


@pytest.mark.parametrize("workflow", ["", "deploy.yml"])
def test_every_request_of_a_deployment_is_as_github_describes_it(world: GithubWorld, workflow: str) -> None:
    version = ("d" if workflow else "e") * 40
    clock = FakeClock()
    profile = GithubDeployerProfile(kind="github", workflow=workflow, time_limit=5, interval=1)
    deployer = GithubDeployer(profile, world.api(clock=clock), SLUG, "rules", "main", clock)
    with pytest.raises(DeploymentFailed, match="may yet go live"):
        deployer.deploy(version, Path("/nonexistent"))
    world.front.finish_deployment(len(world.front.deployments), "success")
    assert deployer.status().live == version
    assert deployer.can_restore(version)
    assert len(world.front.seen) >= 8
    assert world.front.violations == []
