"""How much may be missing: early on a small share may be luck."""

from __future__ import annotations

import random

import pytest

from hotfix.stability.completeness import enough_for_one_missing, is_complete


@pytest.mark.parametrize(("missing", "of", "complete"), [
    (0, 1, True), (0, 500, True),
    (1, 10, False), (1, 23, False), (1, 24, True), (2, 28, False), (2, 30, True),
    (100, 1000, True), (101, 1000, False), (500, 500, False),
])  # fmt: skip
def test_a_tenth_at_most_and_only_when_that_is_sure(missing: int, of: int, complete: bool) -> None:
    assert is_complete(missing, of, 0.01) is complete


def test_so_many_samples_bear_one_that_is_missing() -> None:
    enough = enough_for_one_missing(0.01)
    assert is_complete(1, enough, 0.01)
    assert not is_complete(1, enough - 1, 0.01)


@pytest.mark.parametrize(("share", "least", "most"), [(0.3, 0, 20), (0.05, 950, 1000)])
def test_a_third_missing_is_hardly_ever_taken_for_a_tenth_however_often_one_asks(
    share: float, least: int, most: int
) -> None:
    """Runs with anything missing, asked after every sample; 20 is the 99.9th percentile of 1 % of 1,000."""
    complete = 0
    for seed in range(1000):
        dice, missing = random.Random(seed), 0
        for of in range(1, 200):
            missing += dice.random() < share
            if missing and is_complete(missing, of, 0.01):
                complete += 1
                break
    assert least <= complete <= most
