"""The culprit is found and proved in any history, with few runs, and never invented."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotfix.analysis.culprit_search import SearchResult, find_culprit
from hotfix.domain.diagnosis import Commit, ReproducerRun, Verdict

MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)
Parents = list[tuple[int, ...]]


def sha(number: int) -> str:
    return f"{number:040x}"


def a_history(parents: Parents) -> tuple[Commit, ...]:
    """Commit ``n`` has the given parents; 0 is the good version and not in the range."""
    return tuple(
        Commit(sha=sha(number), parents=tuple(map(sha, of)), author="Dev", at=MOMENT, subject=f"commit {number}")
        for number, of in enumerate(parents)
        if number
    )


def linear(length: int) -> Parents:
    return [(), *((number,) for number in range(length))]


def failing(parents: Parents, culprit: int) -> set[int]:
    """The culprit and everything built on it."""
    bad = {culprit}
    for number, of in enumerate(parents):
        if bad.intersection(of):
            bad.add(number)
    return bad


def search(
    parents: Parents,
    culprit: int,
    *,
    other: Mapping[int, Verdict] | None = None,
    probability: Mapping[str, float] | None = None,
    runs_allowed: int = 10_000,
) -> SearchResult:
    commits = a_history(parents)
    bad = failing(parents, culprit)
    assert sha(len(parents) - 1) == commits[-1].sha
    assert len(parents) - 1 in bad, "the last commit fails"
    tested: list[str] = []

    def probe(asked: str) -> ReproducerRun:
        assert asked not in tested, "no version is tested twice"
        tested.append(asked)
        number = int(asked, 16)
        verdict = (other or {}).get(number, Verdict.SAME_FAILURE if number in bad else Verdict.GOOD)
        return ReproducerRun(sha=asked, verdict=verdict, signature="", seconds=0.1)

    lines: list[str] = []
    result = find_culprit(
        commits,
        sha(0),
        probability or {commit.sha: 1 / len(commits) for commit in commits},
        probe,
        lines.append,
        lambda: len(tested) >= runs_allowed,
    )
    assert [run.sha for run in result.runs] == tested
    return result


def found(result: SearchResult) -> int:
    (commit,) = result.remaining
    return int(commit.sha, 16)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 33])
def test_every_culprit_of_a_linear_history_is_found_and_proved(length: int) -> None:
    for culprit in range(1, length + 1):
        result = search(linear(length), culprit)
        assert (found(result), result.proved) == (culprit, True)
        assert len(result.runs) <= math.ceil(math.log2(length)) + 3 if length > 1 else len(result.runs) <= 1


def test_a_single_commit_needs_no_run_since_both_ends_are_known() -> None:
    result = search(linear(1), 1)
    assert (found(result), result.proved, result.runs) == (1, True, ())


def test_the_likely_commit_is_tested_early() -> None:
    commits = a_history(linear(200))
    likely = {commit.sha: 0.9 if commit.sha == sha(150) else 0.1 / 199 for commit in commits}
    result = search(linear(200), 150, probability=likely)
    assert (found(result), result.proved) == (150, True)
    assert len(result.runs) <= 3


def test_misleading_evidence_costs_runs_but_not_the_truth() -> None:
    commits = a_history(linear(64))
    wrong = {commit.sha: 0.9 if commit.sha == sha(60) else 0.1 / 63 for commit in commits}
    result = search(linear(64), 3, probability=wrong)
    assert (found(result), result.proved) == (3, True)
    assert len(result.runs) <= 12


def test_a_culprit_on_a_merged_branch() -> None:
    """0─1─────4─5 with 0─2─3 merged in 4; 2 broke it."""
    result = search([(), (0,), (0,), (2,), (1, 3), (4,)], culprit=2)
    assert (found(result), result.proved) == (2, True)


def test_a_merge_that_is_itself_the_culprit() -> None:
    result = search([(), (0,), (0,), (1, 2), (3,)], culprit=3)
    assert (found(result), result.proved) == (3, True)
    assert {int(run.sha, 16) for run in result.runs} >= {1, 2}, "all its parents were seen to pass"


def test_a_branch_that_was_forked_before_the_good_version() -> None:
    """The culprit's parent (9) is older than the good version and not in the range: it is tested all the same."""
    commits = (
        Commit(sha=sha(1), parents=(sha(0),), author="Dev", at=MOMENT, subject="1"),
        Commit(sha=sha(2), parents=(sha(9),), author="Dev", at=MOMENT, subject="2"),
        Commit(sha=sha(3), parents=(sha(1), sha(2)), author="Dev", at=MOMENT, subject="3"),
    )

    def probe(asked: str) -> ReproducerRun:
        verdict = Verdict.GOOD if asked in (sha(1), sha(9)) else Verdict.SAME_FAILURE
        return ReproducerRun(sha=asked, verdict=verdict, signature="", seconds=0)

    result = find_culprit(commits, sha(0), {sha(n): 1 / 3 for n in (1, 2, 3)}, probe, lambda _: None, lambda: False)
    assert (found(result), result.proved) == (2, True)
    assert sha(9) in {run.sha for run in result.runs}


@pytest.mark.parametrize("verdict", [Verdict.OTHER_FAILURE, Verdict.UNTESTABLE])
def test_commits_that_cannot_be_judged_are_passed_over(verdict: Verdict) -> None:
    odd = dict.fromkeys([1, 2, 3, 7, 8, 9], verdict)
    result = search(linear(12), 5, other=odd)
    assert (found(result), result.proved) == (5, True)


@pytest.mark.parametrize("verdict", [Verdict.OTHER_FAILURE, Verdict.UNTESTABLE])
def test_a_culprit_behind_commits_that_cannot_be_judged_is_narrowed_down_and_not_guessed(verdict: Verdict) -> None:
    result = search(linear(12), 6, other={5: verdict, 6: verdict})
    assert {int(commit.sha, 16) for commit in result.remaining} == {5, 6, 7}
    assert not result.proved
    assert result.why == "the commits that remain cannot be tested"


def test_when_nothing_can_be_tested_everything_remains() -> None:
    result = search(linear(9), 4, other=dict.fromkeys(range(1, 9), Verdict.UNTESTABLE))
    assert len(result.remaining) == 9
    assert not result.proved
    assert len(result.runs) == 8


def test_when_the_time_is_over_what_remains_is_said() -> None:
    result = search(linear(100), 40, runs_allowed=3)
    assert len(result.runs) == 3
    assert 1 < len(result.remaining) < 30
    assert 40 in {int(commit.sha, 16) for commit in result.remaining}
    assert (result.proved, result.why) == (False, "the time for the analysis is over")


def test_a_merge_with_a_parent_that_cannot_be_tested_is_not_proved() -> None:
    result = search([(), (0,), (0,), (1, 2)], culprit=3, other={2: Verdict.UNTESTABLE})
    assert not result.proved


@st.composite
def histories(draw: st.DrawFn) -> tuple[Parents, int]:
    """2 to 200 commits, each with one or two parents among the ones before; everything leads to the last one."""
    length = draw(st.integers(2, 200))
    seed = draw(st.randoms(use_true_random=False))
    parents: Parents = [()]
    tips: list[int] = [0]
    for number in range(1, length + 1):
        choice = seed.random()
        if choice < 0.15 and len(tips) > 1:
            of = tuple(seed.sample(tips, 2))
        elif choice < 0.3:
            of = (seed.randrange(number),)
        else:
            of = (seed.choice(tips),)
        parents.append(of)
        tips = [tip for tip in tips if tip not in of] + [number]
    while len(tips) > 1:
        of = (tips.pop(0), tips.pop(0))
        parents.append(of)
        tips.append(len(parents) - 1)
    return parents, draw(st.integers(1, len(parents) - 1))


@settings(max_examples=60, deadline=None)
@given(histories())
def test_any_history_with_one_culprit_gives_that_culprit_proved(case: tuple[Parents, int]) -> None:
    parents, culprit = case
    result = search(parents, culprit)
    assert (found(result), result.proved) == (culprit, True)
    assert len(result.runs) < len(parents) + 2


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 200), st.data())
def test_a_linear_history_takes_about_log2_runs(length: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(1, length))
    result = search(linear(length), culprit)
    assert (found(result), result.proved) == (culprit, True)
    assert len(result.runs) <= math.log2(length) + 3


@settings(max_examples=40, deadline=None)
@given(histories(), st.data())
def test_odd_commits_never_make_an_innocent_one_the_culprit(case: tuple[Parents, int], data: st.DataObject) -> None:
    parents, culprit = case
    last = len(parents) - 1
    odd = data.draw(st.sets(st.integers(1, last), max_size=20))
    verdict = data.draw(st.sampled_from([Verdict.OTHER_FAILURE, Verdict.UNTESTABLE]))
    result = search(parents, culprit, other=dict.fromkeys(odd - {last}, verdict))
    assert culprit in {int(commit.sha, 16) for commit in result.remaining}
    if result.proved:
        assert found(result) == culprit
