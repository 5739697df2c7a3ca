"""The culprit is found and proved in any history, with few runs, and never made up."""

from __future__ import annotations

import math
import time
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hotfix.analysis.ranking.model import FLOOR
from hotfix.analysis.search.culprit_search import Limits, SearchResult
from hotfix.domain.diagnosis import ReproducerRun, Verdict
from tests.support.reproducers import (
    Answer,
    Parents,
    blind,
    branching,
    by_chance,
    ends,
    exact,
    failing,
    flaky,
    linear,
    number_of,
    search,
    sha,
)

some = settings(derandomize=True, deadline=None, max_examples=40)
few = settings(derandomize=True, deadline=None, max_examples=12)


def culprit_of(result: SearchResult) -> int | None:
    return number_of(result.culprit) if result.culprit else None


def assert_proof_was_seen(parents: Parents, result: SearchResult, known: tuple[ReproducerRun, ...] = ()) -> None:
    """The culprit was seen to fail and each of its parents to pass, more often than the other way round."""
    assert result.proved
    assert result.culprit is not None
    if not known:
        known = (_known(0, Verdict.GOOD), _known(len(parents) - 1, Verdict.SAME_FAILURE))
    seen = [(run.sha, run.verdict) for run in (*known, *result.runs)]

    def lead(of: str, verdict: Verdict, other: Verdict) -> int:
        return seen.count((of, verdict)) - seen.count((of, other))

    assert lead(result.culprit.sha, Verdict.SAME_FAILURE, Verdict.GOOD) > 0
    assert result.culprit.parents
    for parent in result.culprit.parents:
        assert lead(parent, Verdict.GOOD, Verdict.SAME_FAILURE) > 0


def _known(number: int, verdict: Verdict) -> ReproducerRun:
    return ReproducerRun(sha=sha(number), verdict=verdict, signature="", seconds=0)


def bisection_runs(length: int) -> int:
    return math.ceil(math.log2(length)) + 1 if length > 1 else 0


# --- linear histories


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 33])
def test_every_culprit_of_a_linear_history_is_proved_with_as_few_runs_as_there_can_be(length: int) -> None:
    for culprit in range(1, length + 1):
        result = search(linear(length), exact(linear(length), culprit))
        assert culprit_of(result) == culprit
        assert_proof_was_seen(linear(length), result)
        assert len(result.runs) <= bisection_runs(length)


def test_a_single_commit_needs_no_run_since_both_ends_are_known() -> None:
    result = search(linear(1), exact(linear(1), 1))
    assert (culprit_of(result), result.proved, result.runs) == (1, True, ())


@some
@given(st.integers(2, 2_000), st.data())
def test_a_linear_history_takes_log2_runs(length: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(1, length))
    result = search(linear(length), exact(linear(length), culprit))
    assert culprit_of(result) == culprit
    assert_proof_was_seen(linear(length), result)
    assert len(result.runs) <= bisection_runs(length)


@pytest.mark.parametrize("culprit", [1, 2, 600, 4_999, 7_777, 9_999, 10_000])
def test_ten_thousand_commits(culprit: int) -> None:
    history = linear(10_000)
    result = search(history, exact(history, culprit))
    assert culprit_of(result) == culprit
    assert_proof_was_seen(history, result)
    # Where every version of so many fails, that the good one was lucky is as likely, and is ruled out first.
    at_the_end = culprit == 1
    assert len(result.runs) <= bisection_runs(10_000) * (2 if at_the_end else 1)


# --- what a prior is worth


def geometric(length: int, first: int, ratio: float = 0.5) -> dict[int, float]:
    """Half on one commit, a quarter on the next, and so on around the circle, over a floor."""
    weights = {(first + step - 1) % length + 1: ratio ** (step + 1) for step in range(length)}
    total = sum(weights.values())
    return {number: (1 - FLOOR) * weight / total + FLOOR / length for number, weight in weights.items()}


def entropy(prior: dict[int, float]) -> float:
    return -sum(chance * math.log2(chance) for chance in prior.values() if chance)


def test_a_good_prior_brings_the_runs_down_to_its_entropy() -> None:
    random, history = Random(1), linear(500)
    runs, bits = [], []
    for _ in range(60):
        prior = geometric(500, random.randint(1, 500))
        culprit = random.choices(list(prior), list(prior.values()))[0]
        result = search(history, exact(history, culprit), prior=prior)
        assert culprit_of(result) == culprit
        assert_proof_was_seen(history, result)
        runs.append(len(result.runs))
        bits.append(entropy(prior))
    assert sum(bits) / len(bits) < 4, "the prior says something"
    assert sum(runs) / len(runs) <= sum(bits) / len(bits) + 2


@some
@given(st.integers(2, 1_000), st.data())
def test_a_wrong_prior_costs_a_few_runs_and_never_the_truth(length: int, data: st.DataObject) -> None:
    culprit, accused = data.draw(st.integers(1, length)), data.draw(st.integers(1, length))
    prior = dict.fromkeys(range(1, length + 1), FLOOR / length)
    prior[accused] += 1 - FLOOR
    result = search(linear(length), exact(linear(length), culprit), prior=prior)
    assert culprit_of(result) == culprit
    assert_proof_was_seen(linear(length), result)
    assert len(result.runs) <= bisection_runs(length) + math.log2(1 / FLOOR) + 2


# --- histories with branches


@some
@given(st.integers(2, 300), st.integers(0, 10_000), st.data())
def test_any_history_with_one_culprit_gives_that_culprit_proved(length: int, seed: int, data: st.DataObject) -> None:
    parents = branching(length, seed)
    culprit = data.draw(st.integers(1, len(parents) - 1))
    result = search(parents, exact(parents, culprit))
    assert culprit_of(result) == culprit
    assert_proof_was_seen(parents, result)
    assert len(result.runs) <= 3 * math.log2(len(parents)) + 6


@some
@given(st.integers(5, 150), st.integers(0, 10_000), st.data())
def test_histories_with_several_roots(length: int, seed: int, data: st.DataObject) -> None:
    parents = branching(length, seed, roots=0.05)
    culprit = data.draw(st.integers(1, len(parents) - 1))
    result = search(parents, exact(parents, culprit))
    assert culprit_of(result) == culprit
    if parents[culprit]:
        assert_proof_was_seen(parents, result)
    else:
        assert not result.proved
        assert "first commit of all" in result.why


def test_a_culprit_on_a_merged_branch() -> None:
    """0─1─────4─5 with 0─2─3 merged in 4; 2 broke it."""
    parents: Parents = [(), (0,), (0,), (2,), (1, 3), (4,)]
    result = search(parents, exact(parents, 2))
    assert culprit_of(result) == 2
    assert_proof_was_seen(parents, result)


def test_a_merge_that_is_itself_the_culprit() -> None:
    parents: Parents = [(), (0,), (0,), (1, 2), (3,)]
    result = search(parents, exact(parents, 3))
    assert culprit_of(result) == 3
    assert_proof_was_seen(parents, result)
    assert {number_of(run) for run in result.runs} >= {1, 2}, "all its parents were seen to pass"


def test_a_merge_of_long_branches_that_is_itself_the_culprit() -> None:
    """Neither side breaks it alone; each has fifty commits."""
    parents: Parents = [(), *((number,) for number in range(50)), (0,), *((number,) for number in range(51, 100))]
    parents += [(50, 100), (101,), (102,)]
    result = search(parents, exact(parents, 101))
    assert culprit_of(result) == 101
    assert_proof_was_seen(parents, result)


def test_a_branch_that_was_forked_before_the_good_version() -> None:
    """2 stands on 99, which is older than the good version: it is run all the same before 2 is called the culprit."""
    parents: Parents = [(), (0,), (99,), (1, 2)]
    answer: Answer = lambda number: Verdict.GOOD if number in (0, 1, 99) else Verdict.SAME_FAILURE  # noqa: E731
    result = search(parents, answer)
    assert culprit_of(result) == 2
    assert result.proved
    assert 99 in map(number_of, result.runs)


def test_a_fork_point_that_fails_itself_proves_nothing() -> None:
    """As above, but 99 has the failure too: the good version has mended it, and merging 2 does not bring it back."""
    parents: Parents = [(), (0,), (99,), (1, 2)]
    answer: Answer = lambda number: Verdict.GOOD if number in (0, 1) else Verdict.SAME_FAILURE  # noqa: E731
    assert not search(parents, answer).proved


# --- versions that cannot be tested


@some
@given(st.integers(20, 300), st.integers(0, 10_000))
def test_a_fifth_of_the_versions_cannot_be_tested(length: int, seed: int) -> None:
    random = Random(seed)
    parents = linear(length) if seed % 2 else branching(length, seed)
    last = len(parents) - 1
    culprit = random.randint(1, last)
    refused = {number for number in range(1, last) if random.random() < 0.2}
    result = search(parents, exact(parents, culprit, blind(refused)))
    left = [number_of(commit) for commit, _ in result.remaining]
    assert culprit in left, "an innocent commit is never left alone with the blame"
    if result.proved:
        assert culprit_of(result) == culprit
    around = {culprit, *parents[culprit]}
    if not around & refused and not any(culprit in parents[child] for child in refused):
        assert result.proved, "nothing stood in the way"
    # No version is tried twice, apart from what confirms the proof.
    assert len(result.runs) <= len({run.sha for run in result.runs}) + 4


@few
@given(st.integers(300, 1_500), st.integers(10, 200), st.integers(0, 10_000), st.booleans())
def test_a_long_stretch_that_cannot_be_tested_is_jumped_over(
    length: int, stretch: int, seed: int, broken: bool
) -> None:
    """``broken``: the stretch fails in another way instead; its culprit is outside of it."""
    random, history = Random(seed), linear(length)
    first = random.randint(2, length - stretch - 2)
    dead = range(first, first + stretch)
    culprit = random.choice([number for number in range(1, length) if number not in range(first - 1, dead.stop + 2)])
    verdict = Verdict.OTHER_FAILURE if broken else Verdict.UNTESTABLE
    result = search(history, exact(history, culprit, dict.fromkeys(dead, verdict)))
    assert culprit_of(result) == culprit
    assert_proof_was_seen(history, result)
    assert len(result.runs) <= bisection_runs(length) + 2 * math.log2(stretch) + 6


@few
@given(st.integers(30, 400), st.integers(2, 40), st.data())
def test_a_culprit_inside_such_a_stretch_is_narrowed_down_and_not_guessed(
    length: int, stretch: int, data: st.DataObject
) -> None:
    stretch = min(stretch, length - 10)
    first = data.draw(st.integers(2, length - stretch - 1))
    culprit = data.draw(st.integers(first, first + stretch))
    history = linear(length)
    result = search(history, exact(history, culprit, blind(range(first, first + stretch))))
    assert sorted(number_of(commit) for commit, _ in result.remaining) == list(range(first, first + stretch + 1))
    assert (result.culprit, result.proved) == (None, False)
    assert set(result.skipped) == {sha(number) for number in range(first, first + stretch)}
    assert len(result.runs) <= bisection_runs(length) + stretch + 4, "what cannot be told apart is not run again"


def test_when_nothing_can_be_tested_everything_remains() -> None:
    result = search(linear(9), exact(linear(9), 4, blind(range(1, 9))))
    assert len(result.remaining) == 9
    assert not result.proved
    assert len(result.runs) <= 8 + 2


def test_a_merge_with_a_parent_that_cannot_be_tested_is_not_proved() -> None:
    parents: Parents = [(), (0,), (0,), (1, 2)]
    assert not search(parents, exact(parents, 3, blind([2]))).proved


@some
@given(st.integers(30, 1_000), st.integers(0, 10_000))
def test_an_earlier_break_that_was_mended_does_not_lead_astray(length: int, seed: int) -> None:
    """Versions of a stretch fail in another way, so that bisection by the exit code alone lands at its beginning."""
    random, history = Random(seed), linear(length)
    culprit = random.randint(length * 2 // 3, length)
    begin = random.randint(2, length // 3)
    mended = random.randint(length // 2, culprit - 1)
    stretch = dict.fromkeys(range(begin, mended), Verdict.OTHER_FAILURE)
    answer = exact(history, culprit, stretch)
    assume(by_exit_code_alone(length, answer) != culprit)
    result = search(history, answer)
    if culprit > mended:
        assert culprit_of(result) == culprit
        assert_proof_was_seen(history, result)
    else:
        assert not result.proved, "its parent fails otherwise"
        assert culprit in [number_of(commit) for commit, _ in result.remaining]


def by_exit_code_alone(length: int, answer: Answer) -> int:
    low, high = 0, length
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if answer(middle) is Verdict.GOOD else (low, middle)
    return high


# --- answers that cannot be relied on

SEARCHES = 200
# Two standard deviations of a share of 0.95 in that many searches.
MONTE_CARLO = 2 * math.sqrt(0.95 * 0.05 / SEARCHES)


def share_right(
    length: int, missed: float, false_alarm: float, *, told: float | None, repeats: int, branches: bool = False
) -> float:
    right = searched = 0
    for seed in range(SEARCHES):
        random = Random(seed)
        parents = branching(length, seed) if branches else linear(length)
        culprit = random.randint(1, len(parents) - 1)
        answer = flaky(parents, culprit, missed, false_alarm, seed)
        known = ends(parents, answer, repeats)
        if known is None:
            continue
        result = search(parents, answer, limits=Limits(flaky=told, runs=500), endpoints=known)
        if result.proved:
            assert_proof_was_seen(parents, result, known)
        searched += 1
        right += culprit_of(result) == culprit
    assert searched > SEARCHES * 0.9
    return right / searched


@pytest.mark.parametrize(("missed", "false_alarm"), [(0.2, 0.0), (0.2, 0.2)])
@pytest.mark.parametrize("length", [5, 60])
def test_a_fifth_of_wrong_answers_that_is_told(length: int, missed: float, false_alarm: float) -> None:
    assert share_right(length, missed, false_alarm, told=0.2, repeats=0) >= 0.95 - MONTE_CARLO


@pytest.mark.parametrize(("missed", "false_alarm"), [(0.2, 0.0), (0.2, 0.2), (0.1, 0.1)])
def test_a_fifth_of_wrong_answers_that_the_repeats_at_the_ends_show(missed: float, false_alarm: float) -> None:
    assert share_right(60, missed, false_alarm, told=None, repeats=12) >= 0.95 - MONTE_CARLO


def test_wrong_answers_in_a_history_with_branches() -> None:
    assert share_right(40, 0.2, 0.2, told=0.2, repeats=0, branches=True) >= 0.95 - MONTE_CARLO


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.8])
def test_coin_flips_accuse_nobody(rate: float) -> None:
    """What fails by chance is told from what fails by a commit, where the repeats at the ends show it."""
    nobody = proved = searched = 0
    for seed in range(100):
        history, answer = linear(50), by_chance(lambda _: rate, seed)
        known = ends(history, answer, repeats=12)
        if known is None:
            continue
        result = search(history, answer, limits=Limits(runs=300), endpoints=known)
        searched += 1
        nobody += result.environmental
        proved += result.proved
        assert not (result.environmental and result.culprit)
    assert searched > 50
    assert nobody / searched >= 0.75
    # A reproducer that is wrong in one of three answers looks much the same at the ends.
    assert proved / searched <= 0.12


def test_a_healthy_version_that_fails_is_remembered() -> None:
    """False alarms at the good end make a single failure elsewhere prove less."""
    history = linear(8)
    alarms = (*[_known(8, Verdict.SAME_FAILURE)] * 4, *[_known(0, Verdict.GOOD), _known(0, Verdict.SAME_FAILURE)] * 2)
    plain = search(history, exact(history, 5))
    careful = search(history, exact(history, 5), endpoints=alarms, limits=Limits(runs=60))
    assert len(careful.runs) > len(plain.runs) + 2
    assert not (careful.proved and culprit_of(careful) != 5)


# --- budgets, and several at once


def test_no_runs_allowed_is_no_run() -> None:
    result = search(linear(100), exact(linear(100), 40), limits=Limits(runs=0))
    assert (result.runs, result.culprit, result.proved) == ((), None, False)
    assert "budget of 0 runs" in result.why


@some
@given(st.integers(1, 9), st.sampled_from([1, 2, 3]))
def test_a_budget_of_runs_is_kept(budget: int, jobs: int) -> None:
    result = search(linear(2_000), exact(linear(2_000), 777), limits=Limits(runs=budget, jobs=jobs))
    assert len(result.runs) == budget
    assert not result.proved
    assert 777 in [number_of(commit) for commit, _ in result.remaining] or not result.remaining
    assert f"budget of {budget} runs" in result.why


def test_when_the_time_is_over_what_remains_is_said() -> None:
    def slow(number: int) -> Verdict:
        time.sleep(0.05)
        return exact(history, 40)(number)

    history = linear(64)
    result = search(history, slow, limits=Limits(seconds=0.12))
    assert 1 <= len(result.runs) <= 3
    assert 40 in [number_of(commit) for commit, _ in result.remaining]
    assert (result.proved, result.culprit) == (False, None)
    assert "s for the search are over" in result.why
    assert search(history, slow, limits=Limits(seconds=-1)).runs == ()


@some
@given(st.integers(2, 300), st.integers(0, 10_000), st.sampled_from([2, 4]))
def test_several_versions_at_once_find_the_same(length: int, seed: int, jobs: int) -> None:
    random = Random(seed)
    parents = linear(length) if seed % 2 else branching(length, seed)
    culprit = random.randint(1, len(parents) - 1)

    def slow(number: int) -> Verdict:
        time.sleep(0.0005)
        return exact(parents, culprit)(number)

    result = search(parents, slow, limits=Limits(jobs=jobs))
    assert culprit_of(result) == culprit
    assert_proof_was_seen(parents, result)


def test_two_at_once_run_at_the_same_time_where_both_answers_are_needed() -> None:
    """At the end the culprit and its parent belong together."""
    at_once = most = 0

    def watched(number: int) -> Verdict:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.01)
        at_once -= 1
        return Verdict.SAME_FAILURE if number in failing(parents, 3) else Verdict.GOOD

    parents: Parents = [(), (0,), (0,), (1, 2), (3,), (4,)]
    prior = {3: 0.9, 1: 0.025, 2: 0.025, 4: 0.025, 5: 0.025}
    result = search(parents, watched, prior=prior, limits=Limits(jobs=2))
    assert culprit_of(result) == 3
    assert most == 2


def test_what_the_reproducer_raises_ends_the_search() -> None:
    def broken(number: int) -> Verdict:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        search(linear(9), broken, limits=Limits(jobs=2))
