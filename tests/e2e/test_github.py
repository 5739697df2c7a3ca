"""A hotfix with GitHub, on a running Airflow: what is found there afterwards, and where the token is not."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import Played, ledger, play
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.domain.incident import Incident
from hotfix.ports.bug_database import IncidentStatus
from hotfix.steps.record import read_record
from tests.contract.github_world import SLUG, GithubWorld, github_world
from tests.support.emulated import TOKENS
from tests.support.git_over_http import GitServer, git_over_http

pytestmark = pytest.mark.stack

TOKEN, NAME, WINDOW = TOKENS["hotfix-bot"], "shop-github", 60


class HostedWorld(World):
    """Its repository is reached over HTTP, on the host that is GitHub."""

    address = ""

    def profile(self) -> dict[str, Any]:
        return {
            **super().profile(),
            "repository": f"{self.address}/{SLUG}.git",
            "identities": {"approver": {"github": "approver"}},
            "github": {"reviewers": ["reviewer"], "environment": "production"},
        }


@dataclass
class Aftermath:
    played: Played
    github: GithubWorld
    git: GitServer
    world: World
    incident: Incident
    processes: list[bytes] = field(default_factory=list)


@pytest.fixture(scope="module")
def aftermath(stack: AirflowStack, services: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """One scenario from the report to the end; the approver answers by a comment on the incident's issue."""
    with (
        tempfile.TemporaryDirectory(prefix="git-") as folder,
        git_over_http(Path(folder), "x-access-token", TOKEN) as git,
        github_world(git=git.address) as github,
        HostedWorld(tmp_path_factory.mktemp("worlds") / NAME, NAME) as world,
    ):
        git.serve(f"{SLUG}.git", world.root / "shop.git")
        world.address = github.front.address
        world.describe(services)
        connection = {"connection_id": "github_default", "conn_type": "github", "password": TOKEN}
        AirflowApi(stack.url, "admin").call("POST", "/connections", {**connection, "host": github.front.address})
        seen: list[bytes] = []
        over = threading.Event()
        watching = [
            threading.Thread(target=approve_by_comment, args=(github, over), daemon=True),
            threading.Thread(target=look_at_processes, args=(seen, over), daemon=True),
        ]
        for thread in watching:
            thread.start()
        try:
            with Path(os.devnull).open("w") as nowhere:
                played = play(SCENARIOS["fixed"], world, stack, Console(file=nowhere), WINDOW)
        finally:
            over.set()
            AirflowApi(stack.url, "admin").call("DELETE", "/connections/github_default")
        row = next(row for row in ledger(stack).incidents() if row.service == NAME)
        assert row.status is IncidentStatus.RESOLVED, row
        incident = ledger(stack).incident_of_run(row.run_id)
        assert incident is not None
        yield Aftermath(played, github, git, world, incident, seen)


def approve_by_comment(github: GithubWorld, over: threading.Event) -> None:
    while not over.wait(1):
        for issue in github.ask("GET", "/issues?state=open&labels=emergency-hotfix"):
            comments = github.ask("GET", f"/issues/{issue['number']}/comments")
            if any("approval of " in comment["body"] for comment in comments):
                github.ask("POST", f"/issues/{issue['number']}/comments", {"body": "/approve"}, "approver")
                return


def look_at_processes(seen: list[bytes], over: threading.Event) -> None:
    """Arguments of every process, and the environment of git's."""
    while not over.wait(0.2):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (folder / "cmdline").read_bytes()
                seen.append(arguments)
                if arguments.startswith(b"git"):
                    seen.append((folder / "environ").read_bytes())
            except OSError:
                continue


def test_it_ends_as_without_github(aftermath: Aftermath) -> None:
    assert aftermath.played.ending.problems == ()


def test_the_comment_on_the_issue_approved_it(aftermath: Aftermath, stack: AirflowStack) -> None:
    approval = read_record(aftermath.incident, ledger(stack)).approval
    assert approval is not None
    assert (approval.granted_by, approval.channel) == ("approver", "GitHub")


def test_everything_is_found_on_the_other_side_and_once(aftermath: Aftermath, stack: AirflowStack) -> None:
    record = read_record(aftermath.incident, ledger(stack))
    assert record.push is not None
    assert record.follow_up is not None
    front, ask, commit = aftermath.github.front, aftermath.github.ask, record.push.commit
    (issue,) = ask("GET", "/issues?state=all&labels=emergency-hotfix")
    ours = [
        each for each in ask("GET", f"/issues/{issue['number']}/comments") if "emergency-hotfix:status" in each["body"]
    ]
    checks = ask("GET", f"/commits/{commit}/check-runs")["check_runs"]
    (deployment,) = front.deployments
    (release,) = ask("GET", "/releases")
    pulls = ask("GET", "/pulls?state=all")
    assert (issue["state"], len(ours)) == ("closed", 1)
    assert "Fixed in production." in ours[0]["body"]
    assert {each["name"]: each["conclusion"] for each in checks} == {
        f"hotfix: {name}": "success" for name in ("critical tests", "security review", "approval", "production stable")
    }
    assert len(checks) == 4
    assert (deployment["sha"], front.deployment_statuses[deployment["id"]][-1]["state"]) == (commit, "success")
    assert [each["commit_sha"] for each in front.sarif] == [commit]
    assert release["target_commitish"] == commit
    assert record.follow_up.pull_request.url in [each["html_url"] for each in pulls]
    assert any(each["draft"] for each in pulls)
    assert len({each["head"]["ref"] for each in pulls}) == len(pulls)


def test_the_token_is_nowhere(aftermath: Aftermath, stack: AirflowStack) -> None:
    secret = TOKEN.encode()
    files = [path for path in stack.home.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".log"]) >= 10
    assert [str(path) for path in files if secret in path.read_bytes()] == []
    assert any(b"git" in each for each in aftermath.processes)
    assert [each for each in aftermath.processes if secret in each] == []
    api = AirflowApi(stack.url, "admin")
    texts: list[str] = []
    for task in api.tasks("emergency_hotfix", aftermath.incident.run_id):
        texts.append(json.dumps(task))
        texts.append(json.dumps(api.xcom("emergency_hotfix", aftermath.incident.run_id, task["task_id"])))
    assert len(texts) >= 40
    assert [text for text in texts if TOKEN in text] == []
    assert TOKEN not in aftermath.git.log()
