"""Three answers from the numbers: no data is never a yes, and bad news comes early."""

from __future__ import annotations

import math

import pytest

from hotfix.domain.stability import Sample, StabilityVerdict, Traffic
from hotfix.stability.judge import Judge, Judgement, Tolerance, requests_needed
from hotfix.stability.traffic import total
from tests.support.samples import a_sample, samples_of

TOLERANCE = Tolerance(error_rate=0.01, latency_ms=500, min_requests=50)
STABLE, UNSTABLE, INCONCLUSIVE = StabilityVerdict.STABLE, StabilityVerdict.UNSTABLE, StabilityVerdict.INCONCLUSIVE


def traffic(requests: int, errors: int = 0, ms: float | None = 20.0) -> list[Sample]:
    """A hundred samples, the errors spread over them; no latencies where ``ms`` is None."""
    return samples_of(requests, errors, ms)


QUIET: list[Sample] = []
HEALTHY = traffic(10_000, 5)


def judgement(observed: list[Sample], baseline: list[Sample] = HEALTHY, tolerance: Tolerance = TOLERANCE) -> Judgement:
    found = Judge(baseline, tolerance).judge(observed)
    assert found.why
    return found


def verdict(
    observed: list[Sample], baseline: list[Sample] = HEALTHY, tolerance: Tolerance = TOLERANCE
) -> StabilityVerdict:
    return judgement(observed, baseline, tolerance).verdict


def test_many_requests_without_errors_are_stable() -> None:
    assert verdict(traffic(1500)) is STABLE


def test_no_requests_are_inconclusive() -> None:
    assert verdict(QUIET) is INCONCLUSIVE
    assert "no requests" in judgement(QUIET).why


@pytest.mark.parametrize("requests", [1, 49, 50, 300])
def test_few_requests_without_errors_are_inconclusive(requests: int) -> None:
    assert verdict(traffic(requests)) is INCONCLUSIVE


def test_never_stable_below_the_minimum() -> None:
    careful = Tolerance(error_rate=0.4, latency_ms=500, min_requests=1000)
    assert verdict(traffic(999), tolerance=careful) is INCONCLUSIVE
    assert verdict(traffic(1000), tolerance=careful) is STABLE


def test_errors_end_it_early() -> None:
    assert verdict(traffic(5, 5)) is UNSTABLE
    assert verdict(traffic(200, 40)) is UNSTABLE


@pytest.mark.parametrize("errors", [1, 2])
def test_an_error_or_two_are_no_verdict(errors: int) -> None:
    assert verdict(traffic(errors, errors)) is INCONCLUSIVE


def test_a_slow_production_is_unstable() -> None:
    assert verdict(traffic(2000, 0, 501), QUIET) is UNSTABLE
    assert verdict(traffic(2000, 0, 500), QUIET) is STABLE
    assert "too slow" in judgement(traffic(2000, 0, 501), QUIET).why
    assert verdict(traffic(2, 0, 9000)) is INCONCLUSIVE, "two requests say little about the 95th percentile"


def test_slower_than_before_is_unstable_long_before_the_limit() -> None:
    assert verdict(traffic(2000, 0, 100)) is UNSTABLE
    assert "slower than before" in judgement(traffic(2000, 0, 100)).why
    assert verdict(traffic(2000, 0, 100), QUIET) is STABLE, "nothing to compare with: the limit alone"


@pytest.mark.parametrize(("before", "after"), [(1, 15), (20, 39), (100, 149)])
def test_what_is_slower_by_less_than_is_noticeable_or_tolerated_is_not_slower(before: float, after: float) -> None:
    assert verdict(traffic(2000, 0, after), traffic(10_000, 5, before)) is STABLE


def test_a_latency_that_is_not_measured_any_more_is_no_health() -> None:
    found = judgement(traffic(2000, 0, None))
    assert found.verdict is INCONCLUSIVE
    assert "no latency was measured" in found.why
    assert verdict(traffic(2000, 0, math.nan)) is INCONCLUSIVE
    assert verdict(traffic(2000, 0, None), traffic(10_000, 5, None)) is STABLE, "it never was"


def test_a_production_that_always_had_some_errors_is_measured_by_them() -> None:
    noisy = traffic(10_000, 80)
    assert verdict(traffic(8000, 60), noisy) is STABLE
    assert verdict(traffic(2000, 14), QUIET) is INCONCLUSIVE
    assert verdict(traffic(4000, 120), noisy) is UNSTABLE


def test_a_baseline_excuses_no_more_than_the_profile_tolerates() -> None:
    assert verdict(traffic(2000, 100), traffic(10_000, 500)) is UNSTABLE


def test_without_a_baseline_the_tolerance_is_the_measure() -> None:
    assert verdict(traffic(1500), QUIET) is STABLE
    assert verdict(traffic(1500, 60), QUIET) is UNSTABLE


@pytest.mark.parametrize("errors", [5000, 10_000])
def test_a_broken_baseline_does_not_excuse_a_broken_production(errors: int) -> None:
    assert verdict(traffic(1000, 1000), traffic(10_000, errors)) is UNSTABLE


@pytest.mark.parametrize("tolerated", [0.01, 0.02, 0.05, 0.1, 0.4])
def test_so_many_requests_without_an_error_are_stable_and_one_less_is_not(tolerated: float) -> None:
    tolerance = Tolerance(error_rate=tolerated, latency_ms=500, min_requests=1)
    needed = requests_needed(tolerance)
    assert Judge(traffic(50_000, 0, None), tolerance).judge(traffic(needed)).verdict is STABLE
    assert Judge(traffic(50_000, 0, None), tolerance).judge(traffic(needed - 1)).verdict is INCONCLUSIVE


def test_errors_that_come_in_bursts_count_as_few() -> None:
    """The same share of errors before and after; once evenly, once ten at a time."""
    bursts = [a_sample(100, 10 if second % 10 == 0 else 0) for second in range(600)]
    evenly = [a_sample(100, 1) for _ in range(600)]
    twenty_seconds_with_four_bursts = [a_sample(100, 10 if second % 5 == 0 else 0) for second in range(20)]
    tolerance = Tolerance(error_rate=0.015, latency_ms=500, min_requests=50)
    assert verdict(twenty_seconds_with_four_bursts, evenly, tolerance) is UNSTABLE
    assert verdict(twenty_seconds_with_four_bursts, bursts, tolerance) is INCONCLUSIVE


@pytest.mark.parametrize("seconds", [1, 3, 60, 600])
def test_a_baseline_that_reaches_into_the_incident_costs_no_requests(seconds: int) -> None:
    """Who reports an incident does not know to the second when it began."""
    tolerance = Tolerance(error_rate=0.05, latency_ms=500, min_requests=50)
    needed = requests_needed(tolerance)
    reached = [a_sample(25, 0) for _ in range(600 - seconds)] + [a_sample(25, 9) for _ in range(seconds)]
    assert verdict(traffic(needed, 0, None), reached, tolerance) is STABLE
    assert verdict(traffic(60, 20, None), reached, tolerance) is UNSTABLE


def test_a_short_baseline_excuses_more_than_a_long_one() -> None:
    tolerance = Tolerance(error_rate=0.02, latency_ms=500, min_requests=50)
    observed = traffic(1500, 34)
    assert verdict(observed, traffic(100_000, 1000), tolerance) is UNSTABLE
    assert verdict(observed, traffic(200, 2), tolerance) is INCONCLUSIVE


def incomplete(requests: int | None, errors: int | None) -> Sample:
    return a_sample(requests, errors)


@pytest.mark.parametrize("sample", [incomplete(None, None), incomplete(20, None), incomplete(None, 0)])
def test_what_was_not_measured_is_no_health(sample: Sample) -> None:
    blind = judgement([sample] * 500)
    assert blind.verdict is INCONCLUSIVE
    assert "500 of 500 samples are incomplete" in blind.why
    healthy = traffic(20_000)
    assert verdict(healthy + [sample] * 5) is STABLE, "a gap now and then"
    assert verdict(healthy + [sample] * 50) is INCONCLUSIVE, "a third is missing"
    assert verdict(traffic(20_000, 5000) + [sample] * 50) is UNSTABLE, "bad news needs no whole picture"


def test_samples_without_requests_are_told_from_samples_that_are_not_measured() -> None:
    empty = judgement([a_sample(0, 0)] * 30)
    assert (empty.verdict, empty.why) == (INCONCLUSIVE, "no requests since the deployment")


def test_a_weak_sign_of_each_metric_is_a_strong_one_together() -> None:
    """Every metric close to its own limit: none decides, the sum does."""
    found = judgement(traffic(2000, 0, 20))
    nearly = tuple(
        metric.model_copy(update={"verdict": INCONCLUSIVE, "against_health": 0.97}) for metric in found.metrics
    )
    assert len(nearly) == 3
    judge = Judge(HEALTHY, TOLERANCE)
    assert judge.together(nearly) > 1
    assert judge.together(nearly[:1]) < 1


def test_samples_are_summed_up() -> None:
    summed = total([a_sample(3, 1, 10, 20, 30), a_sample(2, 0, 40, 1000), a_sample(0, 0), a_sample(None, None)])
    assert (summed.requests, summed.errors, summed.p95_ms) == (5, 1, 1000)
    assert (summed.samples, summed.empty, summed.incomplete) == (4, 1, 1)
    assert total([a_sample(100, 0, *range(1, 101))]).p95_ms == 95


def test_no_samples_are_no_data() -> None:
    assert total([]) == Traffic(requests=0, errors=0, p95_ms=None)
    assert total([a_sample(4, 0)]).p95_ms is None
    assert total([a_sample(4, 0, math.nan)]).p95_ms is None


def test_a_sample_has_no_more_errors_than_requests() -> None:
    with pytest.raises(ValueError, match="3 errors in 2 requests"):
        a_sample(2, 3)
