"""Whole runs on a running Airflow with GitHub and Slack connected: what is found on the other side afterwards.

Three services of one repository, side by side. Each needs two approvals, so that every channel is the one that counts
somewhere. GitHub is the emulator with what it lacks in front of it; git goes over HTTP with the Connection's token.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.airflow_api import AirflowApi
from demo.airflow_stack import AirflowStack
from demo.play import ledger
from demo.sample_service.git import git
from demo.scenarios import SCENARIOS
from demo.world import World
from hotfix.domain.approval import Approval, ApprovalDecision
from hotfix.domain.incident import Incident
from tests.contract.github_world import SLUG, GithubWorld, github_world
from tests.e2e.conftest import INTAKE_SECRET
from tests.e2e.waiting import wait_for_run, wait_for_task
from tests.support.emulated import TOKENS
from tests.support.git_over_http import GitServer, git_over_http
from tests.support.github_mirror import GithubMirror
from tests.support.secret_hunt import Watch, in_files, watched_processes
from tests.support.workspace import SIGNING_SECRET, Workspace

pytestmark = pytest.mark.stack

DAG, SENSOR = "emergency_hotfix", "deployment.await_approval"
CONNECTION = "github_shop"
SERVICES = ("shop-github-comment", "shop-github-review", "shop-github-airflow")
GATES = ("critical-tests", "security-review", "approval", "production-stable")
WINDOW, PATIENCE = 600, 900
SECRETS = (*TOKENS.values(), SIGNING_SECRET, INTAKE_SECRET)
# User in Airflow: login on GitHub and on Slack.
PEOPLE = {"approver": "approver", "admin": "reviewer", "on-call": "on-call"}


@dataclass(frozen=True)
class Ended:
    """A run that is over; ``began`` is when it was asked for."""

    run: str
    state: str
    incident: Incident
    approval: Approval
    began: datetime


class Company:
    """Where people work: Airflow, GitHub, Slack, and the services in production."""

    def __init__(
        self,
        stack: AirflowStack,
        worlds: Mapping[str, World],
        services: Path,
        slack: Workspace,
        github: GithubWorld,
        server: GitServer,
    ) -> None:
        self.stack, self.worlds, self.services, self.slack, self.github = stack, worlds, services, slack, github
        self.server = server

    def describe(self, name: str) -> None:
        profile = self.worlds[name].profile()
        profile["repository"] = f"{self.github.front.address}/{SLUG}.git"
        profile["github"] = {"connection": CONNECTION, "reviewers": ["approver"]}
        profile["chat"] = {"channel": self.slack.channel}
        profile["identities"] = {
            user: {"slack": self.slack.ids[login], "github": login} for user, login in PEOPLE.items()
        }
        profile["policy"] = {**profile["policy"], "approvals_needed": 2}
        (self.services / f"{name}.yaml").write_text(yaml.safe_dump(profile))

    def play(self, name: str, answer: Callable[[str, Incident], None]) -> Ended:
        began = datetime.now(timezone.utc)
        on_call = AirflowApi(self.stack.url, "on-call")
        self.worlds[name].release_regression()
        run = on_call.trigger(DAG, SCENARIOS["fixed"].incident(name, WINDOW), name)
        wait_for_task(on_call, run, SENSOR, "deferred", PATIENCE)
        incident = ledger(self.stack).incident_of_run(run)
        assert incident is not None
        answer(run, incident)
        state = wait_for_run(on_call, run, seconds=PATIENCE)
        # The last announcement comes when the last task is over.
        self.wait(lambda: self.issue(incident)["state"] == "closed" and self.slack_says_so(incident), "the last word")
        approval = ledger(self.stack).find(incident, Approval)
        assert approval is not None
        return Ended(run, state, incident, approval, began)

    def slack_says_so(self, incident: Incident) -> bool:
        return ":white_check_mark:" in str(self.slack.messages(incident.id)["incident"])

    def wait(self, true: Callable[[], Any], what: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{what}: not after {seconds:.0f} s"
            time.sleep(0.5)

    def issue(self, incident: Incident) -> Any:
        found = self.github.ask("GET", "/issues?state=all&per_page=100")
        (issue,) = [each for each in found if f":issue:{incident.service}:{incident.id} " in (each["body"] or "")]
        return issue

    def comments(self, incident: Incident) -> list[Any]:
        return list(self.github.ask("GET", f"/issues/{self.issue(incident)['number']}/comments?per_page=100"))

    def comment(self, incident: Incident, text: str, login: str) -> None:
        self.github.ask("POST", f"/issues/{self.issue(incident)['number']}/comments", {"body": text}, login)

    def pulls(self, branch: str) -> list[Any]:
        found = self.github.ask("GET", "/pulls?state=all&per_page=100")
        return [each for each in found if each["head"]["ref"].startswith(branch)]

    def pull(self, branch: str) -> Any:
        (pull,) = self.pulls(branch)
        return self.github.ask("GET", f"/pulls/{pull['number']}")

    def asked_in_slack(self, incident: Incident) -> Any:
        return self.slack.messages(incident.id)[f"{incident.attempt}/approval"]

    def heard(self, incident: Incident, count: int) -> None:
        self.wait(lambda: len(ledger(self.stack).answers(incident)) >= count, f"{count} answers")

    def other_side(self, ended: Ended) -> dict[str, Any]:
        """How much of everything there is of a run."""
        incident, commit = ended.incident, ended.approval.commit
        front = self.github.front
        releases = self.github.ask("GET", "/releases?per_page=100")
        pulls = self.github.ask("GET", "/pulls?state=all&per_page=100")
        deployments = [each for each in front.deployments if each["sha"] == commit]
        return {
            "issue": self.issue(incident)["state"],
            "comments": len(self.comments(incident)),
            "statuses": len(front.statuses[commit]),
            "pulls": sorted(each["head"]["ref"] for each in pulls if incident.id in each["head"]["ref"]),
            "deployments": [[s["state"] for s in front.deployment_statuses[each["id"]]] for each in deployments],
            "findings": len([each for each in front.sarif if each["commit_sha"] == commit]),
            "releases": [each["tag_name"] for each in releases if each["target_commitish"] == commit],
            "slack": sorted(self.slack.messages(incident.id)),
            "refs": {ref: sha for ref, sha in self.worlds[SERVICES[0]].refs().items() if incident.id in ref},
            "answers": len(ledger(self.stack).answers(incident)),
        }


@pytest.fixture(scope="module")
def company(
    stack: AirflowStack, worlds: Mapping[str, World], services: Path, slack: Workspace | None
) -> Iterator[Company]:
    if slack is None:
        pytest.skip("emulate is not installed: tools/install-rig")
    with ExitStack() as running:
        # Not pytest's own folder: the path of a socket is short.
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="git-")))
        server = running.enter_context(git_over_http(folder, "x-access-token", TOKENS["hotfix-bot"]))
        github = running.enter_context(github_world(git=server.address))
        github.front.token_is_an_apps = False
        repository = server.serve(f"{SLUG}.git", worlds[SERVICES[0]].root / "shop.git")
        give_owners(repository)
        mirror = GithubMirror(repository, lambda method, path, body: github.ask(method, path, body, "hotfix-bot"))
        mirror.update()
        problems: list[str] = []

        def pushed() -> None:
            try:
                mirror.update()
            except Exception as error:
                problems.append(repr(error))
                raise

        github.front.on_push = pushed
        connection = {"conn_type": "github", "host": github.front.address, "password": TOKENS["hotfix-bot"]}
        AirflowApi(stack.url, "admin").connect(CONNECTION, **connection)
        found = Company(stack, worlds, services, slack, github, server)
        for name in SERVICES:
            found.describe(name)
            running.enter_context(worlds[name])
        yield found
        assert problems == [], "the emulator has what was pushed"


def give_owners(repository: Path) -> None:
    """The default branch moves on from what production runs, and says who owns the code."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git(repository, "worktree", "add", "--quiet", str(tree), "main")
        (tree / "CODEOWNERS").write_text("* @reviewer\n")
        git(tree, "add", "CODEOWNERS")
        git(tree, "commit", "--quiet", "--message", "Say who owns the code", date="2026-03-01T00:00:00Z")
        git(repository, "worktree", "remove", "--force", str(tree))


def is_airflow(arguments: list[bytes]) -> bool:
    """A component or a task process: an operator has given them the Connection of Slack in the environment."""
    return b"-m airflow " in b" ".join(arguments) + b" " or Path(arguments[0].decode()).name.startswith("airflow")


@pytest.fixture(scope="module")
def watch(company: Company) -> Iterator[Watch]:
    with watched_processes(SECRETS, is_airflow) as found:
        yield found


@pytest.fixture(scope="module")
def ended(company: Company, watch: Watch) -> Iterator[Mapping[str, Future[Ended]]]:
    """All runs at once; a test waits for the one that it is about."""

    def comment_and_reply(run: str, incident: Incident) -> None:
        company.comment(incident, "/approve", "stranger")
        company.comment(incident, "/approve", "on-call")
        company.wait(lambda: len(company.comments(incident)) >= 6, "two replies that their answers do not count")
        asked = ledger(company.stack).answers(incident)
        assert len(asked) == 2
        company.comment(incident, "/approve", "approver")
        thread = company.slack.messages(incident.id)["incident"]["ts"]
        company.slack.ask(
            "chat.postMessage", "reviewer", channel=company.slack.channel, thread_ts=thread, text="approve"
        )

    def review_and_button(run: str, incident: Incident) -> None:
        company.wait(lambda: company.pulls(f"hotfix-review/{incident.id}/"), "something to review")
        pull = company.pull(f"hotfix-review/{incident.id}/")
        review = {"event": "APPROVE", "commit_id": pull["head"]["sha"], "body": "It is the revert of the culprit."}
        company.github.ask("POST", f"/pulls/{pull['number']}/reviews", review, "reviewer")
        company.heard(incident, 1)
        message = company.asked_in_slack(incident)
        assert company.slack.press(f"{company.stack.url}/hotfix-slack/interactions", message, "Approve") == 200

    def airflow_and_reaction(run: str, incident: Incident) -> None:
        AirflowApi(company.stack.url, "approver").answer(DAG, run, SENSOR, "Approve")
        company.heard(incident, 1)
        place = {"channel": company.slack.channel, "timestamp": company.asked_in_slack(incident)["ts"]}
        company.slack.ask("reactions.add", "reviewer", **place, name="white_check_mark")

    answers = (comment_and_reply, review_and_button, airflow_and_reaction)
    with ThreadPoolExecutor(max_workers=len(SERVICES)) as pool:
        yield {name: pool.submit(company.play, name, answer) for name, answer in zip(SERVICES, answers, strict=True)}


COMMENT, REVIEW, AIRFLOW = SERVICES


@pytest.mark.parametrize(
    ("service", "channels"),
    [
        (COMMENT, {"approver": ("GitHub", "approver"), "admin": ("Slack", "reviewer")}),
        (REVIEW, {"admin": ("GitHub", "reviewer"), "approver": ("Slack", "approver")}),
        (AIRFLOW, {"approver": ("Airflow", ""), "admin": ("Slack", "reviewer")}),
    ],
)
def test_every_channel_approves_and_the_record_says_who_where_when_and_what(
    company: Company,
    ended: Mapping[str, Future[Ended]],
    service: str,
    channels: dict[str, tuple[str, str]],
) -> None:
    run = ended[service].result(PATIENCE)
    approval = run.approval
    assert (run.state, approval.decision) == ("success", ApprovalDecision.APPROVED)
    given = {answer.user: answer for answer in approval.answers}
    assert set(given) == set(channels)
    for user, (channel, login) in channels.items():
        account = company.slack.ids[login] if channel == "Slack" else login
        assert (given[user].channel, given[user].account) == (channel, account)
        assert run.began < given[user].at <= approval.at
        assert given[user].reference or channel == "Airflow"
    assert approval.unheard == ()
    (live,) = {company.worlds[service].version()}
    assert approval.commit == live, "exactly what was approved is in production"
    (detail,) = AirflowApi(company.stack.url, "viewer").call("GET", f"/dags/{DAG}/dagRuns/{run.run}/hitlDetails")[
        "hitl_details"
    ]
    assert detail["chosen_options"] == ["Approve"], "closed in Airflow too"
    assert "hotfix_approve" not in str(company.asked_in_slack(run.incident)), "and in Slack"


@pytest.mark.parametrize("service", SERVICES)
def test_everything_is_on_github(company: Company, ended: Mapping[str, Future[Ended]], service: str) -> None:
    run = ended[service].result(PATIENCE)
    incident, commit = run.incident, run.approval.commit
    issue = company.issue(incident)
    assert {label["name"] for label in issue["labels"]} == {"emergency-hotfix", "incident"}
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    (status,) = [each["body"] for each in company.comments(incident) if ":status:" in each["body"]]
    assert "Fixed in production." in status
    (request,) = [each["body"] for each in company.comments(incident) if ":approval-1:" in each["body"]]
    assert "approved: approved by" in request

    newest: dict[str, str] = {}
    for each in company.github.front.statuses[commit]:
        newest.setdefault(each["context"], each["state"])
    assert newest == {f"hotfix/{gate}": "success" for gate in GATES}

    (deployment,) = [each for each in company.github.front.deployments if each["sha"] == commit]
    assert deployment["environment"] == "production"
    states = [each["state"] for each in company.github.front.deployment_statuses[deployment["id"]]]
    assert states in (["in_progress", "success"], ["in_progress", "success", "inactive"]), (
        "another service's came later"
    )
    (findings,) = [each for each in company.github.front.sarif if each["commit_sha"] == commit]
    assert findings["ref"] == f"refs/heads/hotfix/{incident.id}"
    assert findings["content"]["runs"]
    release = company.github.ask("GET", f"/releases/tags/hotfix-{incident.id}")
    assert release["target_commitish"] == commit
    assert incident.description in release["body"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_pull_requests_are_there(company: Company, ended: Mapping[str, Future[Ended]], service: str) -> None:
    run = ended[service].result(PATIENCE)
    incident, commit = run.incident, run.approval.commit
    follow_up = company.pull(f"follow-up/{incident.id}")
    assert (follow_up["draft"], follow_up["state"], follow_up["base"]["ref"]) == (True, "open", "main")
    assert follow_up["head"]["sha"] == commit
    assert [each["name"] for each in follow_up["labels"]] == ["hotfix-follow-up"]
    assert {each["login"] for each in follow_up["requested_reviewers"]} == {"approver", "reviewer"}
    assert follow_up["body"].startswith(f"Incident: {company.issue(incident)['html_url']}")
    assert "- [ ] the full test suite" in follow_up["body"]
    assert "# Post-mortem" in follow_up["body"]
    back = company.pull(f"hotfix/{incident.id}")
    assert (back["draft"], back["state"], back["base"]["ref"]) == (False, "open", "main")
    assert "merges into it without conflicts" in back["body"]
    review = company.pull(f"hotfix-review/{incident.id}/")
    assert (review["state"], review["merged_at"], review["head"]["sha"]) == ("closed", None, commit)
    refs = company.worlds[COMMENT].refs()
    assert refs[f"refs/heads/hotfix/{incident.id}"] == refs[f"refs/heads/follow-up/{incident.id}"] == commit
    assert not [ref for ref in refs if ref == f"refs/hotfix-locks/{service}"]
    assert company.server.log().count(" x-access-token ") > 20, "git came with the token"


def test_the_thread_in_slack_is_complete(company: Company, ended: Mapping[str, Future[Ended]]) -> None:
    for service in SERVICES:
        run = ended[service].result(PATIENCE)
        messages = company.slack.messages(run.incident.id)
        told = {"cause", "fix", "tests", "security", "approval", "decision", "deployment", "stability", "follow-up"}
        assert {f"1/{name}" for name in told} <= set(messages)
        thread = messages["incident"]["ts"]
        assert all(each["thread_ts"] == thread for key, each in messages.items() if key != "incident")


def test_whose_comment_does_not_count_is_told_so_once(company: Company, ended: Mapping[str, Future[Ended]]) -> None:
    run = ended[COMMENT].result(PATIENCE)
    replies = [each["body"] for each in company.comments(run.incident) if "your answer does not count" in each["body"]]
    assert sorted(reply.split(":")[0] for reply in replies) == ["@on-call", "@stranger"]
    assert any("on-call started the hotfix and cannot approve it" in each for each in run.approval.ignored_answers)


def test_running_tasks_again_doubles_nothing(company: Company, ended: Mapping[str, Future[Ended]]) -> None:
    run = ended[REVIEW].result(PATIENCE)
    before = company.other_side(run)
    assert len(before["refs"]) >= 4
    api = AirflowApi(company.stack.url, "admin")
    company.github.front.forget()
    assert len(api.clear(DAG, run.run, SENSOR)) >= 12
    assert wait_for_run(api, run.run, seconds=PATIENCE) == "success"
    company.wait(lambda: "hotfix_outcome" in tried_twice(api, run.run), "the end")
    assert {"deploy", "push_hotfix", "open_follow_up_pr", "await_approval"} <= tried_twice(api, run.run)
    time.sleep(3)
    assert company.github.front.seen, "and it was looked for"
    assert company.other_side(run) == before


def tried_twice(api: AirflowApi, run: str) -> set[str]:
    return {
        each["task_id"].rsplit(".", 1)[-1]
        for each in api.tasks(DAG, run)
        if each["try_number"] >= 2 and each["state"] == "success"
    }


# --- secrets


def test_no_secret_is_anywhere(company: Company, ended: Mapping[str, Future[Ended]], watch: Watch) -> None:
    """In no log, XCom, rendered template, artefact, database, repository, message or process."""
    for each in ended.values():
        each.result(PATIENCE)
    home = company.stack.home
    logs = [path for path in home.rglob("*.log") if "run_id=shop-github" in str(path)]
    assert len(logs) > 40
    assert list((home / "hotfix").rglob("*.sarif"))
    assert in_files(home, SECRETS) == []
    assert in_files(company.services, SECRETS) == []
    for name in SERVICES:
        assert in_files(company.worlds[name].root, SECRETS) == []
    assert in_files(company.server.folder, SECRETS) == []
    written = str([each.body for each in company.github.front.seen])
    assert not any(secret in written for secret in SECRETS)
    assert {"git", "git-remote-http"} <= watch.programs
    assert watch.arguments == set()
    assert watch.environments == set()
