"""Stable, unstable, or not yet known: a sequential test of the error rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hotfix.domain.stability import StabilityVerdict, Traffic


@dataclass(frozen=True)
class Tolerance:
    """What still counts as healthy.

    ``error_rate``: the share of failing requests that is tolerated where the baseline shows less. ``latency_ms``: limit
    for the 95th percentile. ``min_requests``: no verdict with less evidence. ``false_alarm`` and ``missed``: the error
    rates of the test.
    """

    error_rate: float
    latency_ms: float
    min_requests: int
    false_alarm: float = 0.01
    missed: float = 0.01


@dataclass(frozen=True)
class Judgement:
    verdict: StabilityVerdict
    why: str


def requests_needed(tolerance: Tolerance) -> int:
    """How many requests without an error it takes until STABLE, where the baseline has none either."""
    healthy = tolerance.error_rate / 2
    enough = math.log(tolerance.missed / (1 - tolerance.false_alarm)) / math.log((1 - 2 * healthy) / (1 - healthy))
    return max(tolerance.min_requests, math.ceil(enough))


def judge(baseline: Traffic, observed: Traffic, tolerance: Tolerance) -> Judgement:
    """Compare what production does now with what is healthy.

    Wald's sequential probability ratio test for a proportion (A. Wald, Sequential Tests of Statistical Hypotheses,
    Ann. Math. Statist. 16(2), 1945, §5.3). The healthy rate is p0 = max(min(baseline, tolerance), tolerance / 2), the
    unhealthy one p1 = 2·p0. The log likelihood ratio of e errors in n requests is
    e·ln(p1/p0) + (n−e)·ln((1−p1)/(1−p0)); at or above ln((1−β)/α) production is UNSTABLE, at or below ln(β/(1−α))
    STABLE, in between INCONCLUSIVE.
    """
    rate = observed.error_rate
    if rate is None:
        return Judgement(StabilityVerdict.INCONCLUSIVE, "no requests since the deployment")
    # A baseline may excuse errors only as far as the profile tolerates them: it may hold a part of the incident.
    healthy = max(min(baseline.error_rate or 0.0, tolerance.error_rate), tolerance.error_rate / 2)
    unhealthy = 2 * healthy
    ratio = observed.errors * math.log(unhealthy / healthy) + (observed.requests - observed.errors) * math.log(
        (1 - unhealthy) / (1 - healthy)
    )
    seen = f"{observed.errors} errors in {observed.requests} requests ({rate:.2%}; healthy is {healthy:.2%})"
    if ratio >= math.log((1 - tolerance.missed) / tolerance.false_alarm):
        return Judgement(StabilityVerdict.UNSTABLE, f"too many errors: {seen}")
    if observed.requests < tolerance.min_requests:
        return Judgement(
            StabilityVerdict.INCONCLUSIVE, f"{observed.requests} of at least {tolerance.min_requests} requests seen"
        )
    if observed.p95_ms is not None and observed.p95_ms > tolerance.latency_ms:
        return Judgement(
            StabilityVerdict.UNSTABLE,
            f"too slow: the 95th percentile is {observed.p95_ms:.0f} ms, the limit {tolerance.latency_ms:.0f} ms",
        )
    if ratio <= math.log(tolerance.missed / (1 - tolerance.false_alarm)):
        return Judgement(StabilityVerdict.STABLE, seen)
    return Judgement(StabilityVerdict.INCONCLUSIVE, f"not enough evidence yet: {seen}")
