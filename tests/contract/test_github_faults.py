"""A fault at each call that showing a run makes: told, nothing raised or doubled, and the next time makes up for it."""

from __future__ import annotations

import re

import pytest

from hotfix.domain.run_state import RunState
from tests.contract.github_world import SARIF, GithubWorld, a_state, an_approval_state, the_end
from tests.support.github_front import REPO_PATH, Fault

# Every call that showing a run makes, by method and path, with the fault that is tried on it.
CALLS: dict[tuple[str, str], int | str] = {
    ("GET", "/issues"): 401,
    ("POST", "/issues"): 500,
    ("PATCH", r"/issues/\d+"): 429,
    ("GET", r"/issues/\d+/comments"): 404,
    ("POST", r"/issues/\d+/comments"): 429,
    ("PATCH", r"/issues/comments/\d+"): 500,
    ("GET", "/pulls"): 403,
    ("POST", "/pulls"): 422,
    ("PATCH", r"/pulls/\d+"): 409,
    ("GET", r"/pulls/\d+/reviews"): 429,
    ("POST", r"/pulls/\d+/requested_reviewers"): 422,
    ("GET", "/git/ref/.*"): 401,
    ("POST", "/git/refs"): "reset",
    ("DELETE", "/git/refs/.*"): 500,
    ("GET", "/commits/[0-9a-f]+/check-runs"): 500,
    ("POST", "/check-runs"): "reset",
    ("PATCH", r"/check-runs/\d+"): 429,
    ("GET", "/deployments"): 404,
    ("POST", "/deployments"): 409,
    ("GET", r"/deployments/\d+/statuses"): "reset",
    ("POST", r"/deployments/\d+/statuses"): 422,
    ("GET", "/code-scanning/analyses"): 403,
    ("POST", "/code-scanning/sarifs"): 500,
    ("GET", "/releases/tags/.*"): "reset",
    ("POST", "/releases"): 422,
}


def states(name: str, commit: str) -> tuple[RunState, ...]:
    """Of one run: asked, asked for the last minute, answered by one of two, decided, shipped."""
    asked = an_approval_state(commit, needed=2)
    decided = asked.model_copy(update={"decision": "approved: approved by grace, ada"})
    end = the_end(name, commit)
    assert end.shipped is not None
    watched = end.shipped.model_copy(update={"state": "watched"})
    return (
        a_state(name, fix_commit=commit, approval=asked),
        a_state(name, fix_commit=commit, approval=asked.model_copy(update={"last_minute": True})),
        a_state(name, fix_commit=commit, approval=decided, pushed_branch=f"hotfix/{name}"),
        RunState.model_validate({**end.model_dump(), "approval": decided, "ending": None, "shipped": watched}),
        end.model_copy(update={"approval": decided}),
    )


def show_all(github: GithubWorld, name: str, commit: str) -> tuple[str, ...]:
    """With another one's host each time, as the tasks of a run have it."""
    return tuple(
        problem for state in states(name, commit) for problem in github.code_host(patience=2).show(state, SARIF)
    )


def kind(method: str, path: str) -> tuple[str, str]:
    below = path.removeprefix(REPO_PATH)
    return next(call for call in CALLS if call[0] == method and re.fullmatch(call[1], below))


def there(github: GithubWorld, name: str, commit: str) -> dict[str, int]:
    issues = [
        each for each in github.ask("GET", "/issues?state=all&per_page=100") if f":{name} " in (each["body"] or "")
    ]
    incident = [each for each in issues if ":issue:" in each["body"]]
    comments = [
        each["body"]
        for issue in incident
        for each in github.ask("GET", f"/issues/{issue['number']}/comments?per_page=100")
    ]
    pulls = github.ask("GET", "/pulls?state=all&per_page=100")
    return {
        "issues": len(incident),
        "comments": len(comments),
        "kinds of comments": len({re.search("<!-- .* -->", each)[0] for each in comments}),  # type: ignore[index]
        "pulls": len([each for each in pulls if f"/{name}/" in each["head"]["ref"]]),
        "checks": github.ask("GET", f"/commits/{commit}/check-runs?per_page=100")["total_count"],
        "deployments": len([each for each in github.front.deployments if each["sha"] == commit]),
        "findings": len([each for each in github.front.sarif if each["commit_sha"] == commit]),
        "releases": len([e for e in github.ask("GET", "/releases?per_page=100") if e["tag_name"] == f"hotfix-{name}"]),
    }


ONE_OF_EACH = {
    "issues": 1,
    "comments": 3,
    "kinds of comments": 3,
    "pulls": 1,
    "checks": 4,
    "deployments": 1,
    "findings": 1,
    "releases": 1,
}


def test_the_list_of_calls_is_complete(github: GithubWorld) -> None:
    commit = github.branch("hotfix/ALL-1")
    assert show_all(github, "ALL-1", commit) == ()
    # Whoever adds labels by hand is left alone, and whoever takes ours off gets them back.
    (issue,) = [
        each for each in github.ask("GET", "/issues?state=all&per_page=100") if ":ALL-1 " in (each["body"] or "")
    ][-1:]
    github.ask("PATCH", f"/issues/{issue['number']}", {"labels": ["emergency-hotfix"]})
    github.code_host().show(states("ALL-1", commit)[-1], SARIF)
    assert {kind(each.method, each.path) for each in github.front.seen} == set(CALLS)
    assert there(github, "ALL-1", commit) == ONE_OF_EACH


@pytest.mark.parametrize(
    ("call", "fault"),
    CALLS.items(),
    ids=lambda value: "-".join(value).replace("/", ".") if isinstance(value, tuple) else str(value),
)
def test_a_fault_at_any_call(github: GithubWorld, call: tuple[str, str], fault: int | str) -> None:
    name = f"FAULT-{list(CALLS).index(call)}-{fault}"
    commit = github.branch(f"hotfix/{name}")
    later = {"retry-after": "3600"} if fault == 429 else {}
    status = 0 if fault == "reset" else int(fault)
    path = rf"{REPO_PATH}{call[1]}$"
    github.front.faults.append(Fault(call[0], path, status, headers=later, reset=fault == "reset", times=99))
    problems = show_all(github, name, commit)
    assert any(each.status in (fault, 599) for each in github.front.seen), "it happened"
    assert problems
    github.front.faults.clear()
    assert show_all(github, name, commit) == ()
    assert there(github, name, commit) == ONE_OF_EACH


@pytest.mark.parametrize("call", [("GET", "/issues"), ("POST", "/deployments"), ("DELETE", "/git/refs/.*")], ids=str)
def test_an_answer_that_does_not_come_costs_seconds_and_no_more(github: GithubWorld, call: tuple[str, str]) -> None:
    name = f"SLOW-{call[0]}"
    commit = github.branch(f"hotfix/{name}")
    github.front.faults.append(Fault(call[0], rf"{REPO_PATH}{call[1]}$", hang=4, times=1))
    problems = show_all(github, name, commit)
    assert len(problems) == 1
    assert "did not answer" in problems[0]
    assert show_all(github, name, commit) == ()
    assert there(github, name, commit) == ONE_OF_EACH
