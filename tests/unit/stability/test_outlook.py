"""A watch is given up where the rest of it decides nothing, and only there."""

from __future__ import annotations

import math
import random

import pytest

from hotfix.domain.stability import StabilityVerdict
from hotfix.stability.judge import Judge, Tolerance
from hotfix.stability.measured import MetricRule
from hotfix.stability.outlook import requests_until_stable
from hotfix.stability.proportion import Proportion
from tests.support.samples import a_sample, samples_of
from tests.unit.stability.test_measured import values

INCONCLUSIVE = StabilityVerdict.INCONCLUSIVE
TOLERANCE = Tolerance(error_rate=0.015, latency_ms=500, min_requests=20)
LONG = samples_of(100_000, 1000, None)


def hopeless(requests: int, errors: int, more: int, judge: Judge | None = None) -> bool:
    judge = judge or Judge(LONG, TOLERANCE)
    return judge.outlook(judge.watch([a_sample(requests, errors)]), more).hopeless


@pytest.mark.parametrize(("requests", "errors", "more", "expected"), [
    (100, 1, 10_000, False),  # plenty to come
    (100, 1, 50, True),
    (300, 3, 200, True),
    (400, 1, 100, False),  # another hundred without an error, and it is stable
    (100, 6, 100, False),  # one or two errors more, and it is unstable
    (1500, 22, 200, True),  # between healthy and sick
])  # fmt: skip
def test_hopeless_is_what_no_likely_rest_decides(requests: int, errors: int, more: int, expected: bool) -> None:
    assert Judge(LONG, TOLERANCE).judge([a_sample(requests, errors)]).verdict is INCONCLUSIVE
    assert hopeless(requests, errors, more) is expected


def test_what_is_expected_may_come_half_as_much_again() -> None:
    most = next(more for more in range(0, 5000, 10) if not hopeless(300, 3, more))
    decided = [Judge(LONG, TOLERANCE).judge([a_sample(300 + most, 3 + errors)]).verdict for errors in range(most)]
    assert decided[0] is decided[1] is INCONCLUSIVE, "not with the requests that are expected, but with more"


def test_it_says_how_much_is_missing_and_what_would_help() -> None:
    judge = Judge(LONG, TOLERANCE)
    found = judge.outlook(judge.watch([a_sample(300, 3)]), 200)
    assert found.hopeless
    assert found.why.startswith("500 requests are expected in all, about 1,533 are needed ")
    assert "where 1.00% of errors are healthy" in found.why
    assert "monitoring.probes" in found.why
    assert "monitoring.limit" in found.why


def test_where_the_baseline_is_too_short_no_number_of_requests_helps() -> None:
    """Healthy may be anything from half of what it saw: twice that is what is seen again."""
    short = Judge(samples_of(100, 1, None), Tolerance(error_rate=0.01, latency_ms=500, min_requests=20))
    found = short.outlook(short.watch([a_sample(1000, 10)]), 10)
    assert found.hopeless
    assert "no number would do" in found.why
    assert "monitoring.baseline" in found.why
    assert requests_until_stable(Proportion([(100_000, 1000)], 0.01), math.log(100)) is not None


def test_what_lies_between_healthy_and_sick_is_said_to() -> None:
    judge = Judge(LONG, TOLERANCE)
    found = judge.outlook(judge.watch([a_sample(1500, 22)]), 200)
    assert found.hopeless
    assert "lies between healthy (1.00% of errors) and twice that" in found.why


def test_a_further_metric_that_may_yet_decide_keeps_the_watch_going() -> None:
    rule = MetricRule("depth", critical=True)
    judge = Judge(LONG, TOLERANCE, (rule,), values("depth", *[10] * 100))
    fine = judge.watch([a_sample(100, 1)], values("depth", *[10] * 12))
    rising = judge.watch([a_sample(100, 1)], values("depth", *[100] * 12))
    assert judge.verdict_on(rising).verdict is INCONCLUSIVE
    assert judge.outlook(fine, 50).hopeless
    assert not judge.outlook(rising, 50).hopeless


@pytest.mark.parametrize("rate", [0.01, 0.02, 0.03])
def test_hardly_a_verdict_is_lost(rate: float) -> None:
    """Looked at every 30 of 600 requests, given up where it is hopeless: how many would have been decided after all?"""
    judge, given_up, lost = Judge(LONG, TOLERANCE), 0, 0
    for seed in range(200):
        dice = random.Random(seed)
        requests = errors = 0
        hopeless_since = verdict = None
        while requests < 600 and verdict is None:
            requests += 1
            errors += dice.random() < rate
            if requests % 30 == 0 and requests >= 120:
                found = judge.judge([a_sample(requests, errors)]).verdict
                verdict = None if found is INCONCLUSIVE else found
                if verdict is None and hopeless_since is None and hopeless(requests, errors, 600 - requests, judge):
                    hopeless_since = requests
        given_up += hopeless_since is not None
        lost += hopeless_since is not None and verdict is not None
    assert given_up >= 40, "otherwise nothing was tried"
    assert lost <= 5, "at most 1 %, and chance"
