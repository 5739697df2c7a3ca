"""The github deployer with a workflow that really runs: the one that the documentation shows, by act."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hotfix.adapters.deployers.github import GithubDeployer
from hotfix.adapters.github import GithubApi
from hotfix.domain.errors import DeploymentFailed
from hotfix.domain.service import GithubDeployerProfile
from tests.contract.fakes.clock import FakeClock
from tests.support.emulated import OWNER, REPOSITORY, TOKENS
from tests.support.git_history import GitHistory
from tests.support.github_front import GithubFront, github_front
from tests.support.rig import ROOT, free_ports, program

# GitHub's own checkout needs GitHub; this one needs the repository that the workflow lies in.
STEPS = """\
- run: git -C "$REPOSITORY" show "${{ inputs.version }}:shop.txt" > release
- run: grep -q well release && cp release "$LIVE"
"""


def documented_workflow() -> dict[Any, Any]:
    text = (ROOT / "docs" / "github.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(name: Deploy\n.*?)```", text, re.DOTALL)
    workflow: dict[Any, Any] = yaml.safe_load(block)
    # YAML 1.1 takes "on" for true.
    workflow["on"] = workflow.pop(True)
    workflow["jobs"]["deploy"] |= {"runs-on": "self", "steps": yaml.safe_load(STEPS)}
    return workflow


class Runner:
    """Runs the workflow of a repository at once when it is dispatched, and names the run as GitHub would."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.act = program("act")
        self.folder = folder
        self.live = folder / "live"
        self.workflow = documented_workflow()
        (folder / "deploy.yml").write_text(yaml.safe_dump(self.workflow))
        self.environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(folder / "cache")}
        self.settings = [f"REPOSITORY={repository}", f"LIVE={self.live}"]

    def run(self, run: dict[str, Any]) -> None:
        inputs = [part for name, value in run["inputs"].items() for part in ("--input", f"{name}={value}")]
        settings = [part for each in self.settings for part in ("--env", each)]
        command = [
            str(self.act),
            "workflow_dispatch",
            "-P",
            "self=-self-hosted",
            "-W",
            "deploy.yml",
            *inputs,
            *settings,
        ]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, timeout=60, check=False
        )
        run["display_title"] = re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda name: run["inputs"][name[1]], self.run_name)
        run.update(status="completed", conclusion="failure" if done.returncode else "success")

    @property
    def run_name(self) -> str:
        return str(self.workflow["run-name"])


@pytest.fixture
def front() -> Iterator[GithubFront]:
    with github_front(free_ports(1), "") as running:
        yield running


def test_the_documented_workflow_deploys_and_its_failure_is_a_failed_deployment(
    front: GithubFront, tmp_path: Path
) -> None:
    history = GitHistory(tmp_path / "shop.git")
    first, second = (history.commit(f"Shop {each}", {"shop.txt": f"well {each}\n"}) for each in (1, 2))
    broken = history.commit("Shop 3", {"shop.txt": "broken\n"})
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    runner = Runner(tmp_path, tmp_path / "shop.git")
    front.on_dispatch = runner.run
    clock = FakeClock()
    profile = GithubDeployerProfile(kind="github", workflow="deploy.yml", interval=1, time_limit=30)
    api = GithubApi(lambda: TOKENS["hotfix-bot"], clock, address=front.address)
    deployer = GithubDeployer(profile, api, f"{OWNER}/{REPOSITORY}", "production", "main", clock)
    for version, content in ((first, "well 1\n"), (second, "well 2\n")):
        deployer.deploy(version, tmp_path)
        assert (deployer.live(), runner.live.read_text()) == (version, content)
    with pytest.raises(DeploymentFailed, match=rf"the workflow's run 3: failure.*Live now: {second}"):
        deployer.deploy(broken, tmp_path)
    deployer.restore(first)
    assert (deployer.live(), runner.live.read_text()) == (first, "well 1\n")
    assert len(front.runs) == 4
