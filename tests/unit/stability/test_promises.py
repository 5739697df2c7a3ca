"""What the judge promises for all traffic there is: properties, and false alarms counted on seeded simulations."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotfix.domain.stability import Sample, StabilityVerdict
from hotfix.stability.judge import Judge, Tolerance
from hotfix.stability.proportion import Proportion
from hotfix.stability.ranks import RankTest
from tests.support.samples import a_sample

STABLE, UNSTABLE, INCONCLUSIVE = StabilityVerdict.STABLE, StabilityVerdict.UNSTABLE, StabilityVerdict.INCONCLUSIVE

tolerances = st.builds(
    Tolerance,
    error_rate=st.floats(0.001, 0.49),
    latency_ms=st.floats(10, 5000),
    min_requests=st.integers(1, 200),
    slowdown=st.floats(1, 5),
    noticeable_ms=st.floats(0, 100),
)
latencies = st.lists(st.floats(0.1, 10_000), max_size=5)


@st.composite
def full_samples(draw: st.DrawFn) -> Sample:
    requests = draw(st.integers(0, 300))
    return a_sample(requests, draw(st.integers(0, requests)), *draw(latencies))


@st.composite
def any_samples(draw: st.DrawFn) -> Sample:
    """Some of it not measured."""
    sample = draw(full_samples())
    return sample.model_copy(
        update={
            "requests": draw(st.sampled_from([sample.requests, sample.requests, None])),
            "errors": draw(st.sampled_from([sample.errors, sample.errors, None])),
            "latencies_ms": draw(st.sampled_from([sample.latencies_ms, (), (math.nan,)])),
        }
    )


several = st.lists(full_samples(), max_size=30)


@given(baseline=several, observed=several, tolerance=tolerances, data=st.data())
def test_more_errors_never_make_it_healthier(
    baseline: list[Sample], observed: list[Sample], tolerance: Tolerance, data: st.DataObject
) -> None:
    judge = Judge(baseline, tolerance)
    worse = [
        sample.model_copy(update={"errors": data.draw(st.integers(sample.errors or 0, sample.requests or 0))})
        for sample in observed
    ]
    order = (STABLE, INCONCLUSIVE, UNSTABLE)
    assert order.index(judge.judge(worse).verdict) >= order.index(judge.judge(observed).verdict)


@given(
    baseline=st.lists(st.tuples(st.integers(1, 500), st.floats(0, 1)), max_size=30),
    tolerated=st.floats(0.001, 0.49),
    requests=st.integers(1, 5000),
    share=st.floats(0, 1),
)
def test_evidence_grows_with_every_error(
    baseline: list[tuple[int, float]], tolerated: float, requests: int, share: float
) -> None:
    test = Proportion([(n, int(n * part)) for n, part in baseline], tolerated)
    errors = int(share * (requests - 1))
    assert test.against_health(requests, errors + 1) >= test.against_health(requests, errors) - 1e-9
    assert test.against_sickness(requests, errors + 1) <= test.against_sickness(requests, errors) + 1e-9
    assert test.least <= test.healthy <= test.most


@given(baseline=st.lists(any_samples(), max_size=30), empty=st.integers(0, 20), tolerance=tolerances)
def test_no_data_is_inconclusive(baseline: list[Sample], empty: int, tolerance: Tolerance) -> None:
    judge = Judge(baseline, tolerance)
    for observed in ([], [a_sample(0, 0)] * empty, [a_sample(None, None)] * empty, [a_sample(9, None)] * empty):
        assert judge.judge(observed).verdict is INCONCLUSIVE


@given(baseline=several, observed=st.lists(any_samples(), max_size=30), tolerance=tolerances, data=st.data())
def test_the_order_of_the_samples_does_not_matter(
    baseline: list[Sample], observed: list[Sample], tolerance: Tolerance, data: st.DataObject
) -> None:
    judge = Judge(baseline, tolerance)
    assert judge.judge(data.draw(st.permutations(observed))) == judge.judge(observed)


@given(
    baseline=st.lists(any_samples(), max_size=30), observed=st.lists(any_samples(), max_size=30), tolerance=tolerances
)
def test_stable_needs_evidence_of_every_metric(
    baseline: list[Sample], observed: list[Sample], tolerance: Tolerance
) -> None:
    found = Judge(baseline, tolerance).judge(observed)
    if found.verdict is STABLE:
        assert found.metrics
        assert all(metric.against_sickness >= 1 and metric.against_health < 1 for metric in found.metrics)
        assert found.metrics[0].samples >= tolerance.min_requests


values = st.lists(st.floats(0.1, 10_000), min_size=20, max_size=80)


@given(baseline=values, observed=values, power=st.integers(-8, 8))
def test_the_rank_test_does_not_depend_on_the_unit(baseline: list[float], observed: list[float], power: int) -> None:
    """Scaled by a power of two, which floating point does exactly."""
    scale = 2.0**power

    def evidence(times: float) -> tuple[float, float]:
        test = RankTest([[value * times] for value in baseline], 1.5, 0)
        ranks: dict[int, int] = {}
        for value in observed:
            rank = test.rank(value * times)
            ranks[rank] = ranks.get(rank, 0) + 1
        return test.against_health(ranks), test.against_sickness(ranks)

    assert evidence(scale) == evidence(1.0)


@given(baseline=values, observed=values)
def test_the_rank_test_looks_at_the_order_alone(baseline: list[float], observed: list[float]) -> None:
    """The square keeps the order, and nothing else."""

    def ranks(power: int) -> list[int]:
        test = RankTest([[value**power] for value in baseline], 1, 0)
        return [test.rank(value**power) for value in observed]

    distinct = {*baseline, *observed}
    if len({value**2 for value in distinct}) == len(distinct):
        assert ranks(1) == ranks(2)


# Simulations: the healthy rate is the baseline's, and production is looked at after every error.

HEALTHY_RATE, RUNS = 0.02, 400
# The 99.9th percentile of a binomial of 400 runs at 1 %.
MOST = 12


def false_alarms(false_alarm: float, rate: float = HEALTHY_RATE) -> int:
    tolerance = Tolerance(error_rate=0.03, latency_ms=500, min_requests=20, false_alarm=false_alarm)
    alarms = 0
    for seed in range(RUNS):
        draw = random.Random(seed)
        baseline = [a_sample(100, sum(draw.random() < HEALTHY_RATE for _ in range(100))) for _ in range(60)]
        judge = Judge(baseline, tolerance)
        requests = errors = 0
        while requests < 5000:
            requests += 1 + int(math.log(1 - draw.random()) / math.log1p(-rate))
            errors += 1
            verdict = judge.judge([a_sample(requests, errors)]).verdict
            if verdict is not INCONCLUSIVE:
                alarms += verdict is UNSTABLE
                break
    return alarms


def test_false_alarms_stay_within_their_bound_however_often_one_looks() -> None:
    assert false_alarms(0.01) <= MOST


def test_a_loosened_bound_would_be_seen() -> None:
    """The same count on a judge that asks for less: otherwise the test above could not fail."""
    assert false_alarms(0.3) > MOST


def test_twice_the_errors_are_not_missed() -> None:
    assert false_alarms(0.01, rate=2 * HEALTHY_RATE) >= 0.97 * RUNS


@pytest.mark.parametrize("shift", [1.0, 1.25, 2.0])
def test_a_latency_is_called_slower_when_it_is_and_only_then(shift: float) -> None:
    tolerance = Tolerance(error_rate=0.05, latency_ms=5000, min_requests=20, slowdown=1.5)
    verdicts = []
    for seed in range(60):
        draw = random.Random(seed)
        judge = Judge(
            [a_sample(5, 0, *(draw.lognormvariate(4.6, 0.5) for _ in range(5))) for _ in range(100)], tolerance
        )
        watch = judge.watch()
        for _ in range(400):
            watch.add(a_sample(5, 0, *(shift * draw.lognormvariate(4.6, 0.5) for _ in range(5))))
            if (verdict := judge.verdict_on(watch).verdict) is not INCONCLUSIVE:
                break
        verdicts.append(verdict)
    assert verdicts.count(UNSTABLE if shift > 1.5 else STABLE) >= 59
