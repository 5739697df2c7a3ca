"""GitHub as the code host, over HTTP: what is shown, that showing again doubles nothing, and what happens to faults."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from hotfix.adapters.github import GithubApi
from hotfix.adapters.github.answers import of_comments
from hotfix.domain.errors import CodeHostFailed, CodeHostUnavailable
from hotfix.domain.outcome import Ending
from hotfix.domain.run_state import DeploymentState, GateResult, GateState
from tests.contract.fakes.clock import FakeClock
from tests.contract.github_world import (
    NAMES,
    SARIF,
    GithubWorld,
    a_state,
    after_every_answer,
    before_the_request,
    the_end,
)
from tests.support.documents import an_incident
from tests.support.emulated import TOKENS
from tests.support.github_front import REPO_PATH, Fault


def issues_of(github: GithubWorld, incident_id: str) -> list[Any]:
    return [each for each in github.ask("GET", "/issues?state=all&per_page=100") if f":{incident_id} " in each["body"]]


def comments_of(github: GithubWorld, issue: Any) -> list[Any]:
    return list(github.ask("GET", f"/issues/{issue['number']}/comments?per_page=100"))


# --- what is shown


def test_a_run_is_an_issue_with_one_comment_that_is_edited_until_it_is_closed(github: GithubWorld) -> None:
    commit = github.branch("hotfix/SHOW-1")
    assert github.code_host().show(a_state("SHOW-1"), None) == ()
    (issue,) = issues_of(github, "SHOW-1")
    assert {label["name"] for label in issue["labels"]} == {"emergency-hotfix", "incident"}
    assert "Quotes for ten pieces fail with 500." in issue["body"]
    (comment,) = comments_of(github, issue)
    assert "approval by grace" in comment["body"]
    assert github.code_host().show(the_end("SHOW-1", commit), SARIF) == ()
    (issue,) = issues_of(github, "SHOW-1")
    (edited,) = comments_of(github, issue)
    assert edited["id"] == comment["id"]
    assert "Fixed in production." in edited["body"]
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")


def test_the_gates_are_checks_of_the_fix_and_become_what_they_came_to(github: GithubWorld) -> None:
    commit = github.branch("hotfix/CHECK-1")
    github.code_host().show(a_state("CHECK-1", fix_commit=commit), None)
    assert checks_of(github, commit) == {
        "hotfix: critical tests": "success",
        "hotfix: security review": "success",
        "hotfix: approval": None,
        "hotfix: production stable": None,
    }
    github.code_host().show(the_end("CHECK-1", commit), SARIF)
    assert set(checks_of(github, commit).values()) == {"success"}
    assert len(checks_of(github, commit)) == len(NAMES)


def test_a_gate_that_was_not_reached_stays_open_nowhere(github: GithubWorld) -> None:
    commit = github.branch("hotfix/OPEN-1")
    github.code_host().show(a_state("OPEN-1", fix_commit=commit), None)
    gates = tuple(GateResult(name=name, state=GateState.NOT_REACHED, why="") for name in NAMES)
    over = a_state("OPEN-1", fix_commit=commit, gates=gates, ending=Ending.ROLLED_BACK)
    assert github.code_host().show(over, None) == ()
    assert set(checks_of(github, commit).values()) == {"skipped"}


def checks_of(github: GithubWorld, commit: str) -> dict[str, str | None]:
    found = github.ask("GET", f"/commits/{commit}/check-runs?per_page=100")
    assert found["total_count"] == len(found["check_runs"]) == len({each["name"] for each in found["check_runs"]})
    return {each["name"]: each["conclusion"] for each in found["check_runs"]}


def test_a_token_that_is_no_apps_writes_statuses_instead(github: GithubWorld) -> None:
    commit = github.branch("hotfix/STATUS-1")
    github.front.token_is_an_apps = False
    try:
        assert github.code_host().show(a_state("STATUS-1", fix_commit=commit), None) == ()
        assert github.code_host().show(a_state("STATUS-1", fix_commit=commit), None) == ()
    finally:
        github.front.token_is_an_apps = True
    statuses = {each["context"]: each["state"] for each in github.front.statuses[commit]}
    assert len(github.front.statuses[commit]) == len(NAMES)
    assert statuses["hotfix/critical-tests"] == "success"
    assert statuses["hotfix/approval"] == "pending"


def test_what_shipped_is_a_deployment_a_release_and_findings(github: GithubWorld) -> None:
    commit = github.branch("hotfix/SHIP-1")
    github.code_host(environment="prod-eu").show(the_end("SHIP-1", commit), SARIF)
    (deployment,) = [each for each in github.front.deployments if each["sha"] == commit]
    assert (deployment["environment"], deployment["ref"]) == ("prod-eu", commit)
    (status,) = github.front.deployment_statuses[deployment["id"]]
    assert (status["state"], status["description"]) == ("success", "no errors in 60 s")
    release = github.ask("GET", "/releases/tags/hotfix-SHIP-1")
    assert release["target_commitish"] == commit
    assert "Quotes fail" in release["body"]
    (upload,) = [each for each in github.front.sarif if each["commit_sha"] == commit]
    assert (upload["ref"], upload["content"]["version"]) == ("refs/heads/hotfix/SHIP-1", "2.1.0")


def test_what_a_later_deployment_has_replaced_is_not_called_live_again(github: GithubWorld) -> None:
    commit = github.branch("hotfix/LATER-1")
    github.code_host(environment="later").show(the_end("LATER-1", commit), SARIF)
    (ours,) = [each for each in github.front.deployments if each["sha"] == commit]
    next_one = github.api().post(f"{REPO_PATH}/deployments", {"ref": github.head(), "environment": "later"})
    github.front.finish_deployment(next_one["id"], "success")
    github.code_host(environment="later").show(the_end("LATER-1", commit), SARIF)
    states = {each["id"]: github.front.deployment_statuses[each["id"]][-1]["state"] for each in (ours, next_one)}
    assert states == {ours["id"]: "inactive", next_one["id"]: "success"}


def test_a_version_that_was_rolled_back_is_a_failed_deployment_and_no_release(github: GithubWorld) -> None:
    commit = github.branch("hotfix/BACK-1")
    ended = the_end("BACK-1", commit)
    assert ended.shipped is not None
    back = ended.shipped.model_copy(update={"state": DeploymentState.ROLLED_BACK, "why": "errors"})
    failed = ended.model_copy(update={"ending": Ending.ROLLED_BACK, "shipped": back})
    assert github.code_host().show(failed, SARIF) == ()
    (deployment,) = [each for each in github.front.deployments if each["sha"] == commit]
    assert [each["state"] for each in github.front.deployment_statuses[deployment["id"]]] == ["failure"]
    assert all(each["tag_name"] != "hotfix-BACK-1" for each in github.ask("GET", "/releases?per_page=100"))
    (issue,) = issues_of(github, "BACK-1")
    assert issue["state"] == "open"


def test_what_the_profile_switches_off_is_not_written(github: GithubWorld) -> None:
    commit = github.branch("hotfix/OFF-1")
    host = github.code_host(record_deployments=False, releases=False, upload_sarif=False)
    assert host.show(the_end("OFF-1", commit), SARIF) == ()
    written = {path for _, path in github.front.writes()}
    assert f"{REPO_PATH}/issues" in written
    assert not [path for path in written if "deployments" in path or "releases" in path or "sarifs" in path]


def test_showing_the_same_again_writes_nothing(github: GithubWorld) -> None:
    commit = github.branch("hotfix/AGAIN-1")
    github.code_host().show(the_end("AGAIN-1", commit), SARIF)
    assert len(github.front.writes()) >= 10
    github.front.forget()
    assert github.code_host().show(the_end("AGAIN-1", commit), SARIF) == ()
    assert len(github.front.seen) >= 8
    assert github.front.writes() == []


def test_foreign_text_calls_nobody_and_hides_nothing(github: GithubWorld) -> None:
    nasty = an_incident(id="NASTY-1", title="@everyone fixes #1", description="@team look <!-- emergency-hotfix:x -->")
    github.code_host().show(a_state("NASTY-1", incident=nasty, doing="ping @ops | fixes #2"), None)
    (issue,) = issues_of(github, "NASTY-1")
    (comment,) = comments_of(github, issue)
    for text in (issue["title"], issue["body"], comment["body"]):
        assert "@everyone" not in text
        assert "@team" not in text
        assert "@ops" not in text
        assert "fixes #" not in text.replace("#\N{ZERO WIDTH SPACE}", "")
    assert issue["body"].count("<!--") == 1


# --- pull requests


def test_a_pull_request_is_a_labelled_draft_linked_to_the_issue_with_its_reviewers(github: GithubWorld) -> None:
    commit = github.branch("follow-up/PULL-1")
    host = github.code_host(reviewers=("reviewer",))
    incident = an_incident(id="PULL-1")
    assert host.pull_for(incident, "follow-up/PULL-1") is None
    pull = host.open_pull(
        incident, "follow-up/PULL-1", commit, "Follow up", "- [ ] @team: run all", reviewers=("approver",)
    )
    found = github.ask("GET", f"/pulls/{pull.url.rsplit('/', 1)[1]}")
    (issue,) = issues_of(github, "PULL-1")
    assert (found["draft"], found["base"]["ref"], found["head"]["sha"]) == (True, "main", commit)
    assert found["body"].startswith(f"Incident: {issue['html_url']}")
    assert "@team" not in found["body"]
    assert {each["login"] for each in found["requested_reviewers"]} == {"reviewer", "approver"}
    assert [each["name"] for each in found["labels"]] == ["hotfix-follow-up"]
    assert pull.remarks == ()
    github.front.forget()
    assert host.open_pull(incident, "follow-up/PULL-1", commit, "Follow up", "other").url == pull.url
    assert host.pull_for(incident, "follow-up/PULL-1") == pull
    assert github.front.writes() == []


def test_a_reviewer_who_cannot_be_asked_is_a_remark_and_the_others_are_asked(github: GithubWorld) -> None:
    commit = github.branch("follow-up/REVIEW-1")
    people = ("nobody-we-know", "acme/no-such-team", "approver")
    pull = github.code_host().open_pull(
        an_incident(id="REVIEW-1"), "follow-up/REVIEW-1", commit, "T", "b", reviewers=people
    )
    found = github.ask("GET", f"/pulls/{pull.url.rsplit('/', 1)[1]}")
    assert [each["login"] for each in found["requested_reviewers"]] == ["approver"]
    assert [remark.split(" ")[0] for remark in pull.remarks] == ["nobody-we-know", "acme/no-such-team"]


def test_where_there_are_no_drafts_it_is_a_plain_one(github: GithubWorld) -> None:
    commit = github.branch("follow-up/PLAIN-1")
    words = {"message": "Draft pull requests are not supported in this repository."}
    github.front.faults.append(Fault("POST", r"/pulls$", 422, body=words))
    pull = github.code_host().open_pull(an_incident(id="PLAIN-1"), "follow-up/PLAIN-1", commit, "T", "b")
    assert not pull.draft
    assert "no drafts" in pull.remarks[0]


def test_a_pull_request_comes_also_where_there_can_be_no_issue(github: GithubWorld) -> None:
    commit = github.branch("follow-up/NOISSUE-1")
    github.front.faults.append(Fault("*", r"/issues$", 410, times=9))
    pull = github.code_host().open_pull(an_incident(id="NOISSUE-1"), "follow-up/NOISSUE-1", commit, "T", "b")
    assert pull.url
    assert "switched off" in pull.remarks[0]


# --- answers


def test_commands_and_reviews_are_answers_and_talk_is_not(github: GithubWorld) -> None:
    commit = github.branch("hotfix/ANSWER-1")
    incident = an_incident(id="ANSWER-1")
    github.code_host().show(a_state("ANSWER-1"), None)
    (issue,) = issues_of(github, "ANSWER-1")
    for login, text in (
        ("stranger", "I would not /approve this"),
        ("stranger", f"/approve {'0' * 12}"),
        ("approver", f"/approve {commit[:12]}\nlooks right"),
        ("reviewer", "/reject"),
        ("stranger", "> /approve"),
    ):
        github.ask("POST", f"/issues/{issue['number']}/comments", {"body": text}, login)
    made = github.ask("POST", "/pulls", {"title": "Review", "head": "hotfix/ANSWER-1", "base": "main"}, "hotfix-bot")
    review = {"event": "APPROVE", "commit_id": commit, "body": "fine"}
    github.ask("POST", f"/pulls/{made['number']}/reviews", review, "reviewer")
    found = github.code_host().answers(incident, commit, before_the_request())
    assert [(each.user, each.approve, each.commit) for each in found] == [
        ("approver", True, commit),
        ("reviewer", False, None),
        ("reviewer", True, commit),
    ]
    assert all(each.where.startswith(github.front.address) for each in found)
    assert github.code_host().answers(incident, commit, after_every_answer()) == ()


@pytest.mark.parametrize(
    ("text", "approve"),
    [
        ("/reject: it breaks tax", False),
        ("/reject it breaks tax\nand more", False),
        ("/Rejected", False),
        ("/reject defaced pages come next", False),
        ("/reject {commit} no", False),
        ("/reject 0123456789 is not what I looked at", None),
        ("/rejection is not what I mean", None),
        ("/approve it breaks tax", None),
        ("/approve {commit}", True),
        ("/approved", None),
    ],
)
def test_a_no_may_say_why_and_a_yes_stands_alone(github: GithubWorld, text: str, approve: bool | None) -> None:
    name = f"WHY-{uuid4()}"
    commit = "f" * 39 + "1"
    github.code_host().show(a_state(name), None)
    (issue,) = issues_of(github, name)
    body = text.format(commit=commit[:12] if approve else commit)
    github.ask("POST", f"/issues/{issue['number']}/comments", {"body": body}, "approver")
    found = github.code_host().answers(an_incident(id=name), commit, before_the_request())
    assert [(each.approve, each.text) for each in found] == ([] if approve is None else [(approve, body)])


@pytest.mark.parametrize("command", ["/approve", "/reject"])
def test_an_edited_comment_is_another_answer_and_said_to_be_edited(github: GithubWorld, command: str) -> None:
    incident = an_incident(id=f"EDIT-{command[1:]}")
    github.code_host().show(a_state(incident.id), None)
    (issue,) = issues_of(github, incident.id)
    comment = github.ask("POST", f"/issues/{issue['number']}/comments", {"body": "/approve"}, "approver")
    (first,) = github.code_host().answers(incident, "f" * 40, before_the_request())
    assert (first.approve, first.edited) == (True, False)
    time.sleep(1.1)
    github.ask("PATCH", f"/issues/comments/{comment['id']}", {"body": f"{command}\nafter all"}, "approver")
    (second,) = github.code_host().answers(incident, "f" * 40, before_the_request())
    assert (second.approve, second.edited) == (command == "/approve", True)
    assert second.where != first.where
    assert second.at > first.at


def test_a_moment_between_the_two_times_of_a_comment_is_no_edit() -> None:
    comment = {"body": "/approve", "html_url": "https://here", "user": {"login": "approver"}}
    moment = {"created_at": "2026-03-01T03:00:00Z", "updated_at": "2026-03-01T03:00:01Z"}
    (answer,) = of_comments(iter([{**comment, **moment}]), "f" * 40, before_the_request() - timedelta(days=999))
    assert not answer.edited


def test_no_issue_no_answers(github: GithubWorld) -> None:
    assert github.code_host().answers(an_incident(id="NEVER-1"), "f" * 40, before_the_request()) == ()


# --- faults


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422])
def test_a_refusal_is_one_sentence_with_what_to_do_and_is_not_repeated(github: GithubWorld, status: int) -> None:
    github.front.faults.append(Fault("POST", r"/issues$", status, times=99))
    problems = github.code_host().show(a_state(f"REFUSED-{status}"), None)
    assert len(problems) == 1
    assert (
        f"the incident's issue of REFUSED-{status}: GitHub refused POST {REPO_PATH}/issues with {status}" in problems[0]
    )
    assert [each.method for each in github.front.seen].count("POST") == 1


@pytest.mark.parametrize(
    ("path", "what", "status"),
    [
        (r"/issues$", "the incident's issue", 401),
        (r"/issues$", "the incident's issue", 404),
        (r"/issues/\d+/comments$", "the incident's issue", 403),
        (r"/issues/\d+/comments$", "the incident's issue", 500),
        (r"/deployments$", "the deployment", 409),
        (r"/deployments$", "the deployment", 429),
        (r"/releases$", "the release", 422),
        (r"/releases$", "the release", 500),
        (r"/sarifs$", "the security findings", 403),
        (r"/sarifs$", "the security findings", 429),
    ],
)
def test_a_fault_at_any_call_is_told_and_made_up_for_later(
    github: GithubWorld, path: str, what: str, status: int
) -> None:
    name = f"FAULT-{status}-{path.strip('/$').rpartition('/')[2]}"
    commit = github.branch(f"hotfix/{name}")
    later = {"retry-after": "3600"} if status == 429 else {}
    github.front.faults.append(Fault("*", path, status, headers=later, times=99))
    (problem,) = github.code_host(patience=2).show(the_end(name, commit), SARIF)
    assert problem.startswith(f"{what} of {name}")
    assert str(status) in problem
    assert ("and what comes after it" in problem) is (status in (429, 500))
    github.front.faults.clear()
    assert github.code_host().show(the_end(name, commit), SARIF) == ()
    assert len(issues_of(github, name)) == 1


def test_a_refused_permission_is_named(github: GithubWorld) -> None:
    needs = {"x-accepted-github-permissions": "checks=write"}
    github.front.faults.append(Fault("GET", r"/issues$", 403, headers=needs))
    with pytest.raises(CodeHostFailed, match="it needs checks=write"):
        github.code_host().answers(an_incident(id="PERMISSION-1"), "f" * 40, before_the_request())


@pytest.mark.parametrize(
    "fault",
    [
        Fault("*", "", 429, headers={"retry-after": "7"}),
        Fault("*", "", 403, headers={"retry-after": "7"}),
        Fault("*", "", 403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}),
        Fault("GET", "", 500),
        Fault("GET", "", 503),
        Fault("GET", "", reset=True),
    ],
    ids=["429", "403 retry-after", "403 no calls left", "500", "503", "reset"],
)
def test_what_passes_is_waited_for(github: GithubWorld, fault: Fault) -> None:
    clock = FakeClock()
    began = clock.now()
    fault.times = 1
    github.front.faults.append(fault)
    assert github.api(clock=clock).get(REPO_PATH)["name"] == "shop"
    waited = (clock.now() - began).total_seconds()
    assert waited == (7 if "retry-after" in fault.headers else 1)


def test_a_limit_that_is_too_long_is_told_to_whoever_can_wait(github: GithubWorld) -> None:
    github.front.faults.append(Fault("GET", "", 429, headers={"retry-after": "3600"}, times=9))
    with pytest.raises(CodeHostUnavailable) as failure:
        github.api().get(REPO_PATH)
    assert failure.value.retry_after == 3600
    assert failure.value.retryable


@pytest.mark.parametrize("after", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("path", [r"/issues$", r"/comments$", r"/check-runs$", r"/deployments$", r"/releases$"])
def test_a_lost_connection_doubles_nothing(github: GithubWorld, path: str, after: bool) -> None:
    name = f"LOST-{path.strip('/$')}-{after}"
    commit = github.branch(f"hotfix/{name}")
    github.front.faults.append(Fault("POST", path, reset=True, after=after))
    problems = github.code_host().show(the_end(name, commit), SARIF)
    # Of a request that was lost before it arrived the next announcement makes up.
    assert bool(problems) is not after
    assert github.code_host().show(the_end(name, commit), SARIF) == ()
    (issue,) = issues_of(github, name)
    assert len(comments_of(github, issue)) == 1
    assert len(checks_of(github, commit)) == len(NAMES)
    assert len([each for each in github.front.deployments if each["sha"] == commit]) == 1
    releases = [each for each in github.ask("GET", "/releases?per_page=100") if each["target_commitish"] == commit]
    assert len(releases) == 1


def test_when_github_is_away_showing_ends_in_time_and_says_so_once(github: GithubWorld) -> None:
    github.front.faults.append(Fault("*", "", 500, times=99))
    (problem,) = github.code_host(patience=5).show(the_end("AWAY-1", "f" * 40), SARIF)
    assert "and what comes after it: GitHub answered GET" in problem
    assert len(github.front.seen) == 3


def test_no_error_names_the_token(github: GithubWorld) -> None:
    def dead() -> GithubApi:
        return GithubApi(lambda: TOKENS["hotfix-bot"], FakeClock(), address="http://localhost:1", patience=3)

    with pytest.raises(CodeHostUnavailable) as failure:
        dead().get("/user")
    texts = [str(failure.value), repr(failure.value), str(failure.value.__cause__), str(failure.value.__context__)]
    assert all(TOKENS["hotfix-bot"] not in text for text in texts)


def test_a_wrong_token_is_said_to_be_one(github: GithubWorld) -> None:
    api = GithubApi(lambda: "wrong", FakeClock(), address=github.front.address)
    with pytest.raises(CodeHostFailed, match=r"401: Bad credentials.*renew the Connection"):
        api.get(REPO_PATH)
