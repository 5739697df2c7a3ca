"""Three answers from the numbers: no data is never a yes, and bad news comes early."""

from __future__ import annotations

import random
from datetime import datetime, timezone

import pytest

from hotfix.domain.stability import Sample, StabilityVerdict, Traffic
from hotfix.stability.judge import Tolerance, judge
from hotfix.stability.traffic import total

TOLERANCE = Tolerance(error_rate=0.01, latency_ms=500, min_requests=50)
STABLE, UNSTABLE, INCONCLUSIVE = StabilityVerdict.STABLE, StabilityVerdict.UNSTABLE, StabilityVerdict.INCONCLUSIVE


def traffic(requests: int, errors: int = 0, p95: float | None = 20.0) -> Traffic:
    return Traffic(requests=requests, errors=errors, p95_ms=p95)


QUIET = traffic(0, 0, None)
HEALTHY = traffic(10_000, 5)


def verdict(observed: Traffic, baseline: Traffic = HEALTHY, tolerance: Tolerance = TOLERANCE) -> StabilityVerdict:
    judgement = judge(baseline, observed, tolerance)
    assert judgement.why
    return judgement.verdict


def test_many_requests_without_errors_are_stable() -> None:
    assert verdict(traffic(1500)) is STABLE


def test_no_requests_are_inconclusive() -> None:
    assert verdict(QUIET) is INCONCLUSIVE
    assert "no requests" in judge(HEALTHY, QUIET, TOLERANCE).why


@pytest.mark.parametrize("requests", [1, 49, 50, 300])
def test_few_requests_without_errors_are_inconclusive(requests: int) -> None:
    assert verdict(traffic(requests)) is INCONCLUSIVE


def test_never_stable_below_the_minimum() -> None:
    careful = Tolerance(error_rate=0.4, latency_ms=500, min_requests=1000)
    assert verdict(traffic(999), tolerance=careful) is INCONCLUSIVE
    assert verdict(traffic(1000), tolerance=careful) is STABLE


def test_errors_end_it_early() -> None:
    assert verdict(traffic(10, 10)) is UNSTABLE
    assert verdict(traffic(200, 40)) is UNSTABLE


def test_one_error_is_no_verdict() -> None:
    assert verdict(traffic(1, 1)) is INCONCLUSIVE


def test_a_slow_production_is_unstable() -> None:
    assert verdict(traffic(2000, 0, 501)) is UNSTABLE
    assert verdict(traffic(2000, 0, 500)) is STABLE
    assert verdict(traffic(10, 0, 9000)) is INCONCLUSIVE, "ten requests say little about the 95th percentile"


def test_a_production_that_always_had_some_errors_is_measured_by_them() -> None:
    noisy = traffic(10_000, 80)
    assert verdict(traffic(4000, 32), noisy) is STABLE
    assert verdict(traffic(4000, 32), QUIET) is INCONCLUSIVE
    assert verdict(traffic(4000, 100), noisy) is UNSTABLE


def test_a_baseline_excuses_no_more_than_the_profile_tolerates() -> None:
    assert verdict(traffic(2000, 100), traffic(10_000, 500)) is UNSTABLE


def test_without_a_baseline_the_tolerance_is_the_measure() -> None:
    assert verdict(traffic(1500), QUIET) is STABLE
    assert verdict(traffic(1500, 60), QUIET) is UNSTABLE


@pytest.mark.parametrize("errors", [5000, 10_000])
def test_a_broken_baseline_does_not_excuse_a_broken_production(errors: int) -> None:
    assert verdict(traffic(1000, 1000), traffic(10_000, errors)) is UNSTABLE


def decided(rate: float, seed: int) -> StabilityVerdict:
    """Requests one after the other until there is a verdict."""
    draw = random.Random(seed)
    errors = 0
    for requests in range(1, 5001):
        errors += draw.random() < rate
        if (found := verdict(traffic(requests, errors))) is not INCONCLUSIVE:
            return found
    return INCONCLUSIVE


def test_the_error_rates_of_the_test_hold() -> None:
    """At the healthy and at the unhealthy rate (0.5 % and 1 %) at most about 1 % of the verdicts are wrong."""
    false_alarms = sum(decided(0.005, seed) is UNSTABLE for seed in range(60))
    missed = sum(decided(0.01, seed) is STABLE for seed in range(60))
    assert false_alarms <= 3
    assert missed <= 3


def sample(requests: int, errors: int, *latencies: float) -> Sample:
    return Sample(
        at=datetime(2026, 3, 1, tzinfo=timezone.utc), requests=requests, errors=errors, latencies_ms=latencies
    )


def test_samples_are_summed_up() -> None:
    summed = total([sample(3, 1, 10, 20, 30), sample(2, 0, 40, 1000)])
    assert (summed.requests, summed.errors, summed.p95_ms) == (5, 1, 1000)
    assert total([sample(100, 0, *range(1, 101))]).p95_ms == 95


def test_no_samples_are_no_data() -> None:
    assert total([]) == QUIET
    assert total([sample(4, 0)]).p95_ms is None
