"""Asking on GitHub, over HTTP: comments that call people, and a pull request that is only there to be reviewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hotfix.domain.outcome import Ending
from hotfix.domain.run_state import RefusedAnswer, RunState
from tests.contract.github_world import GithubWorld, a_state, an_approval_state, before_the_request, the_end
from tests.support.documents import an_incident
from tests.support.github_front import Fault

BODY = "**What will change:** @everyone <!-- look --> one line\n\n```diff\n-broken @decorator\n+fixed\n```"


def asked(github: GithubWorld, name: str, **changes: Any) -> tuple[str, RunState]:
    """A commit on the remote that is on no branch of ours, and the state in which it is asked for."""
    commit = github.branch(f"elsewhere/{name}")
    return commit, a_state(name, fix_commit=commit, approval=an_approval_state(commit, body=BODY, **changes))


def decided(state: RunState, decision: str = "approved: approved by grace (GitHub, 03:05:00 UTC)") -> RunState:
    assert state.approval is not None
    return state.model_copy(
        update={"approval": state.approval.model_copy(update={"decision": decision, "last_minute": False})}
    )


def changed(state: RunState, **changes: Any) -> RunState:
    assert state.approval is not None
    return state.model_copy(update={"approval": state.approval.model_copy(update=changes)})


def comments(github: GithubWorld, name: str) -> list[str]:
    (issue,) = [each for each in github.ask("GET", "/issues?state=all&per_page=100") if f":{name} " in each["body"]]
    found = github.ask("GET", f"/issues/{issue['number']}/comments?per_page=100")
    return [each["body"] for each in found if ":status:" not in each["body"]]


def pulls(github: GithubWorld, name: str) -> list[Any]:
    found = github.ask("GET", "/pulls?state=all&per_page=100")
    return [each for each in found if each["head"]["ref"].startswith(f"hotfix-review/{name}/")]


def test_the_request_calls_the_approvers_and_becomes_the_decision(github: GithubWorld) -> None:
    _, state = asked(github, "ASK-1")
    assert github.code_host().show(state, None) == ()
    (request,) = comments(github, "ASK-1")
    (pull,) = pulls(github, "ASK-1")
    assert request.startswith("@approver @reviewer\n")
    assert f"`/approve` or `/reject` alone on the first line of a comment here, or review {pull['html_url']}" in request
    assert "alan started it and cannot approve it" in request
    assert "@everyone" not in request
    assert "<!-- look" not in request
    assert "-broken @decorator" in request, "code is shown as it is"
    assert github.code_host().show(decided(state), None) == ()
    (answered,) = comments(github, "ASK-1")
    assert "**approved: approved by grace (GitHub, 03:05:00 UTC)**" in answered
    assert "@approver" not in answered
    assert "/approve" not in answered


def test_two_who_have_to_approve_are_said_to_be_two(github: GithubWorld) -> None:
    _, state = asked(github, "TWO-1", needed=2)
    github.code_host().show(state, None)
    (request,) = comments(github, "TWO-1")
    assert "Two different people of: grace, ada" in request


def test_the_commit_can_be_reviewed_as_a_draft_until_it_is_decided(github: GithubWorld) -> None:
    commit, state = asked(github, "REVIEW-1")
    host = github.code_host()
    assert host.show(state, None) == ()
    (pull,) = pulls(github, "REVIEW-1")
    assert (pull["draft"], pull["state"], pull["head"]["sha"]) == (True, "open", commit)
    assert {each["login"] for each in pull["requested_reviewers"]} == {"approver", "reviewer"}
    assert "**Not to be merged.**" in pull["body"]
    github.ask("POST", f"/pulls/{pull['number']}/reviews", {"event": "APPROVE", "commit_id": commit}, "reviewer")
    (answer,) = host.answers(an_incident(id="REVIEW-1"), commit, before_the_request())
    assert (answer.user, answer.approve, answer.commit) == ("reviewer", True, commit)
    assert host.show(decided(state), None) == ()
    (closed,) = pulls(github, "REVIEW-1")
    assert (closed["number"], closed["state"], closed["merged_at"]) == (pull["number"], "closed", None)
    assert closed["body"].startswith("**approved: approved by grace")
    refs = [each["ref"] for each in github.ask("GET", "/git/matching-refs/heads/hotfix-review/")]
    assert not [ref for ref in refs if "REVIEW-1" in ref], "the branch is gone"


def test_asking_and_closing_again_writes_nothing(github: GithubWorld) -> None:
    _, state = asked(github, "AGAIN-1", last_minute=True)
    github.code_host().show(state, None)
    assert len(github.front.writes()) >= 6
    github.front.forget()
    github.code_host().show(state, None)
    assert github.front.writes() == []
    github.code_host().show(decided(state), None)
    assert len(pulls(github, "AGAIN-1")) == 1
    github.front.forget()
    github.code_host().show(decided(state), None)
    assert github.front.seen
    assert github.front.writes() == []


def test_whoever_has_reviewed_it_is_not_asked_again(github: GithubWorld) -> None:
    commit, state = asked(github, "ONCE-1", needed=2)
    github.code_host().show(state, None)
    (pull,) = pulls(github, "ONCE-1")
    github.ask("POST", f"/pulls/{pull['number']}/reviews", {"event": "APPROVE", "commit_id": commit}, "reviewer")
    # GitHub takes who has reviewed off the list.
    github.ask("DELETE", f"/pulls/{pull['number']}/requested_reviewers", {"reviewers": ["reviewer"]})
    github.front.forget()
    github.code_host().show(changed(state, last_minute=True), None)
    assert not [path for _, path in github.front.writes() if path.endswith("requested_reviewers")]


@pytest.mark.parametrize("over", [False, True], ids=["the run has ended", "the window is long over"])
def test_a_run_that_ends_undecided_leaves_nothing_to_review(github: GithubWorld, over: bool) -> None:
    name = f"DIED-{over}"
    _, state = asked(github, name)
    assert state.approval is not None
    github.code_host().show(state, None)
    later = {"at": state.approval.deadline + timedelta(minutes=5)} if over else {"ending": Ending.FAILED}
    assert github.code_host().show(state.model_copy(update=later), None) == ()
    assert [each["state"] for each in pulls(github, name)] == ["closed"]
    (request,) = comments(github, name)
    assert "nobody decided" in request


def test_a_run_that_was_never_asked_for_has_neither(github: GithubWorld) -> None:
    commit = github.branch("elsewhere/NONE-1")
    assert github.code_host().show(the_end("NONE-1", commit), None) == ()
    assert comments(github, "NONE-1") == []
    assert pulls(github, "NONE-1") == []


def test_a_decision_that_nobody_here_was_asked_for_is_no_comment(github: GithubWorld) -> None:
    _, state = asked(github, "LATE-1")
    assert github.code_host().show(decided(state), None) == ()
    assert comments(github, "LATE-1") == []


def test_the_profile_can_do_without_the_pull_request(github: GithubWorld) -> None:
    _, state = asked(github, "OFF-1")
    assert github.code_host(review_pull=False).show(state, None) == ()
    assert pulls(github, "OFF-1") == []
    (request,) = comments(github, "OFF-1")
    assert "or review" not in request


def test_the_last_minute_calls_them_once_more_and_once(github: GithubWorld) -> None:
    _, state = asked(github, "WARN-1")
    github.code_host().show(state, None)
    for _ in range(2):
        github.code_host().show(changed(state, last_minute=True), None)
    request, warning = comments(github, "WARN-1")
    assert "Ship this hotfix" in request
    assert warning.startswith("@approver @reviewer\n\n**Less than a minute is left**")


def test_whose_answer_does_not_count_is_told_why_once(github: GithubWorld) -> None:
    _, state = asked(github, "REFUSED-1")
    nobody = RefusedAnswer(channel="GitHub", account="stranger", why="the profile's identities know nobody")
    elsewhere = RefusedAnswer(channel="Slack", account="U1", why="the same")
    for _ in range(2):
        github.code_host().show(changed(state, refused=(nobody, elsewhere)), None)
    _, told = comments(github, "REFUSED-1")
    assert told.startswith("@stranger: your answer does not count: the profile's identities know nobody.")


@pytest.mark.parametrize("status", [403, 404, 422])
def test_without_the_permission_it_is_told_and_the_comment_still_comes(github: GithubWorld, status: int) -> None:
    _, state = asked(github, f"RULE-{status}")
    github.front.faults.append(Fault("POST", r"/git/refs$", status, times=9))
    (problem,) = github.code_host().show(state, None)
    assert problem.startswith(f"the review of RULE-{status}: GitHub refused POST")
    assert len(comments(github, f"RULE-{status}")) == 1
    github.front.forget()
    assert github.code_host().show(decided(state), None) == ()


@pytest.mark.parametrize("after", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("path", [r"/git/refs$", r"/pulls$", r"/comments$"])
def test_a_lost_connection_asks_nobody_twice(github: GithubWorld, path: str, after: bool) -> None:
    name = f"LOST-{path.strip('/$').replace('/', '-')}-{after}"
    _, state = asked(github, name)
    github.front.faults.append(Fault("POST", path, reset=True, after=after))
    github.code_host().show(state, None)
    assert github.code_host().show(state, None) == ()
    assert len(pulls(github, name)) == len(comments(github, name)) == 1


@pytest.mark.parametrize("path", [r"/git/refs/heads", r"/pulls/\d+$"])
def test_a_closing_that_was_lost_is_made_up_for(github: GithubWorld, path: str) -> None:
    name = f"CLOSE-{'refs' if 'refs' in path else 'pull'}"
    _, state = asked(github, name)
    github.code_host().show(state, None)
    github.front.faults.append(Fault("*", path, 500, times=9))
    assert github.code_host(patience=2).show(decided(state), None)
    github.front.faults.clear()
    assert github.code_host().show(decided(state), None) == ()
    assert [each["state"] for each in pulls(github, name)] == ["closed"]
