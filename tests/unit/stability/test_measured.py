"""Further metrics: compared with before or with a limit, alone where they are critical, never healthy without data."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from hotfix.domain.stability import Measurement, StabilityVerdict
from hotfix.stability.judge import Judge, Judgement, Tolerance
from hotfix.stability.measured import MetricRule, MetricTest
from tests.support.samples import AT, samples_of

STABLE, UNSTABLE, INCONCLUSIVE = StabilityVerdict.STABLE, StabilityVerdict.UNSTABLE, StabilityVerdict.INCONCLUSIVE
HEALTHY, NOW = samples_of(10_000, 5, 20), samples_of(2000, 0, 20)
TOLERANCE = Tolerance(error_rate=0.01, latency_ms=500, min_requests=50)


def values(name: str, *found: float | None) -> list[Measurement]:
    return [Measurement(at=AT + timedelta(seconds=n), metric=name, value=value) for n, value in enumerate(found)]


def judged(rule: MetricRule, before: list[float | None], after: list[float | None]) -> Judgement:
    judge = Judge(HEALTHY, TOLERANCE, (rule,), values(rule.name, *before))
    return judge.judge(NOW, values(rule.name, *after))


@pytest.mark.parametrize(
    ("rule", "before", "after", "expected"),
    [
        (MetricRule("depth", critical=True), 10, 10, STABLE),
        (MetricRule("depth", critical=True), 10, 15, STABLE),
        (MetricRule("depth", critical=True), 10, 15.1, UNSTABLE),
        (MetricRule("depth", critical=True, noticeable=20), 10, 30, STABLE),
        (MetricRule("orders", critical=True, lower_is_worse=True), 30, 20, STABLE),
        (MetricRule("orders", critical=True, lower_is_worse=True), 30, 19, UNSTABLE),
        (MetricRule("orders", critical=True, lower_is_worse=True), 30, 300, STABLE),
        (MetricRule("dead letters", critical=True), 0, 0, STABLE),
        (MetricRule("dead letters", critical=True), 0, 1, UNSTABLE),
        (MetricRule("balance", critical=True, lower_is_worse=True), -10, -14, STABLE),
        (MetricRule("balance", critical=True, lower_is_worse=True), -10, -16, UNSTABLE),
        (MetricRule("depth", critical=True, limit=100), 10, 100, STABLE),
        (MetricRule("depth", critical=True, limit=100), 10, 101, UNSTABLE),
        (MetricRule("orders", critical=True, limit=5, lower_is_worse=True), 100, 4, UNSTABLE),
    ],
)
def test_worse_than_tolerated_is_unstable(
    rule: MetricRule, before: float, after: float, expected: StabilityVerdict
) -> None:
    assert judged(rule, [before] * 100, [after] * 40).verdict is expected


def test_a_metric_that_is_not_critical_does_not_decide_but_nothing_is_stable_while_it_is_worse() -> None:
    found = judged(MetricRule("depth"), [10] * 100, [1000] * 200)
    assert found.verdict is INCONCLUSIVE
    assert "not critical, but worse: depth" in found.why


def test_two_metrics_that_are_not_critical_decide_together() -> None:
    rules = (MetricRule("depth"), MetricRule("lag"))
    before = values("depth", *[10] * 100) + values("lag", *[10] * 100)
    after = values("depth", *[1000] * 100) + values("lag", *[1000] * 100)
    found = Judge(HEALTHY, TOLERANCE, rules, before).judge(NOW, after)
    assert found.verdict is UNSTABLE
    assert "depth" in found.why
    assert "lag" in found.why


@pytest.mark.parametrize("after", [[], [None] * 40, [float("nan")] * 40, [10.0] * 30 + [None] * 5])
def test_what_is_not_measured_is_not_healthy(after: list[float | None]) -> None:
    found = judged(MetricRule("depth", critical=True), [10] * 100, after)
    assert found.verdict is INCONCLUSIVE
    assert "not measured" in found.why
    assert judged(MetricRule("depth"), [10] * 100, after).verdict is STABLE, "where nobody called it critical"


def test_without_a_baseline_only_a_limit_tells() -> None:
    assert judged(MetricRule("depth", critical=True), [None] * 100, [10] * 100).verdict is INCONCLUSIVE
    assert judged(MetricRule("depth", critical=True, limit=20), [None] * 100, [10] * 100).verdict is STABLE


def test_a_healthy_metric_raises_no_more_false_alarms_than_promised() -> None:
    dice = random.Random(7)
    alarms = 0
    for _ in range(300):
        test = MetricTest(MetricRule("x", critical=True, tolerated=1), [dice.gauss(100, 20) for _ in range(200)])
        watched = test.watch()
        loudest = 0.0
        for _ in range(200):
            watched.add(dice.gauss(100, 20))
            loudest = max(loudest, watched.against_health())
        alarms += loudest >= 4.605
    assert alarms <= 6, "1 % of 300, and chance"


def test_a_small_share_for_others_changes_nothing_without_them() -> None:
    plain = Judge(HEALTHY, TOLERANCE)
    assert plain.judge(NOW) == Judge(HEALTHY, TOLERANCE, (), values("other", 1, 2)).judge(NOW, values("other", 3))
