"""Delta debugging: what is left passes, is 1-minimal, and few sets are asked for."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.analysis.minimal_fix.minimise import minimise

Oracle = Callable[[frozenset[int]], bool]

sizes = st.integers(1, 24)
priors = st.sampled_from([0.05, 0.1, 0.25, 0.5])


class Counting:
    """An oracle that keeps what it was asked for."""

    def __init__(self, answer: Oracle) -> None:
        self._answer = answer
        self.asked: list[frozenset[int]] = []

    def __call__(self, kept: frozenset[int]) -> bool:
        self.asked.append(kept)
        return self._answer(kept)


@given(st.data(), sizes, priors)
def test_where_more_never_hurts_exactly_what_is_needed_is_left(data: st.DataObject, size: int, prior: float) -> None:
    needed = data.draw(st.frozensets(st.integers(0, size - 1), min_size=1))
    oracle = Counting(lambda kept: needed <= kept)
    assert minimise(size, oracle, needed=prior).kept == needed


@given(st.integers(1, 12), priors, st.integers(0, 2**32))
def test_whatever_the_answers_are_the_result_passes_and_is_1_minimal(size: int, prior: float, seed: int) -> None:
    """Elements that hinder each other, sets that cannot be told: any answer that is always the same."""
    whole = frozenset(range(size))

    def arbitrary(kept: frozenset[int]) -> bool:
        return kept == whole or (bool(kept) and random.Random(f"{seed} {sorted(kept)}").random() < 0.3)

    found = minimise(size, arbitrary, needed=prior)
    assert found.minimal
    assert arbitrary(found.kept)
    for element in found.kept:
        assert not arbitrary(found.kept - {element})


@given(st.integers(1, 16), priors)
def test_where_nothing_can_be_left_out_everything_stays(size: int, prior: float) -> None:
    found = minimise(size, lambda kept: len(kept) == size, needed=prior)
    assert found.kept == frozenset(range(size))
    assert found.minimal


@given(st.data(), sizes, priors)
def test_no_set_is_asked_for_twice_nor_all_nor_none(data: st.DataObject, size: int, prior: float) -> None:
    needed = data.draw(st.frozensets(st.integers(0, size - 1), min_size=1))
    oracle = Counting(lambda kept: needed <= kept)
    minimise(size, oracle, needed=prior)
    assert len(oracle.asked) == len(set(oracle.asked))
    assert frozenset() not in oracle.asked
    assert frozenset(range(size)) not in oracle.asked


@given(st.data(), sizes, priors)
def test_the_runs_are_bounded(data: st.DataObject, size: int, prior: float) -> None:
    """Every answer either drops elements or makes some more certain; a run for each at the end."""
    needed = data.draw(st.frozensets(st.integers(0, size - 1), min_size=1))
    oracle = Counting(lambda kept: needed <= kept)
    minimise(size, oracle, needed=prior)
    assert len(oracle.asked) <= 2 * size + len(needed) * (2 + log2(size))


@given(st.data(), st.integers(2, 24), st.integers(0, 10))
def test_when_the_budget_is_spent_the_smallest_passing_set_so_far_is_left(
    data: st.DataObject, size: int, budget: int
) -> None:
    needed = data.draw(st.frozensets(st.integers(0, size - 1), min_size=1))
    oracle = Counting(lambda kept: needed <= kept)
    found = minimise(size, oracle, needed=0.25, out_of_budget=lambda: len(oracle.asked) >= budget)
    assert len(oracle.asked) <= budget
    assert needed <= found.kept
    passed = [kept for kept in oracle.asked if needed <= kept]
    assert found.kept == (min(passed, key=len) if passed else frozenset(range(size)))


def test_one_element_needs_no_run() -> None:
    oracle = Counting(lambda kept: True)
    assert minimise(1, oracle, needed=0.25).kept == {0}
    assert oracle.asked == []


@pytest.mark.parametrize(
    ("sizes", "fraction", "prior"),
    [((2, 3, 3, 7, 13, 20), None, None), ((5, 9, 20, 30), 0.5, 0.25), ((40, 80), None, None)],
    ids=["hunks", "lines", "many"],
)
def test_fewer_runs_than_ddmin(sizes: tuple[int, ...], fraction: float | None, prior: float | None) -> None:
    """The comparison by which the algorithm was chosen: the same questions, counted over many random cases."""
    lots = random.Random(20)
    ours = theirs = 0
    for _ in range(300):
        size = lots.choice(sizes)
        count = max(1, round(lots.random() * size * fraction * 2)) if fraction else lots.choice((1, 1, 1, 2))
        needed = frozenset(lots.sample(range(size), min(size, count)))
        one, other = Counting(lambda kept, n=needed: n <= kept), Counting(lambda kept, n=needed: n <= kept)
        assert minimise(size, one, needed=prior or min(0.5, 1.3 / size)).kept == ddmin(size, other) == needed
        ours, theirs = ours + len(one.asked), theirs + len(other.asked)
    assert ours < theirs


def ddmin(size: int, passes: Oracle) -> frozenset[int]:
    """Zeller & Hildebrandt (2002), figure 3, with answers kept."""
    known: dict[frozenset[int], bool] = {frozenset(): False}

    def test(elements: list[int]) -> bool:
        key = frozenset(elements)
        if key not in known:
            known[key] = passes(key)
        return known[key]

    left, parts = list(range(size)), 2
    while len(left) >= 2:
        bounds = [round(index * len(left) / parts) for index in range(parts + 1)]
        subsets = [left[start:end] for start, end in zip(bounds, bounds[1:])]  # noqa: B905, RUF007
        complements = [[element for element in left if element not in subset] for subset in subsets]
        if smaller := next((subset for subset in subsets if test(subset)), None):
            left, parts = smaller, 2
        elif parts > 2 and (smaller := next((rest for rest in complements if test(rest)), None)):
            left, parts = smaller, max(parts - 1, 2)
        elif parts < len(left):
            parts = min(len(left), 2 * parts)
        else:
            break
    return frozenset(left)
