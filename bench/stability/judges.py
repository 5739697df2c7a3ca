"""Our judge, Wald's test that is told the truth, and two others written from their public descriptions."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bench.stability.traces import METRIC_SECONDS, Trace, sample
from hotfix.domain.stability import StabilityVerdict
from hotfix.stability.judge import LEAST_FAILURES, Judge, Tolerance
from hotfix.stability.measured import MetricRule
from hotfix.stability.outlook import EARLIEST

STABLE, UNSTABLE, INCONCLUSIVE = StabilityVerdict.STABLE, StabilityVerdict.UNSTABLE, StabilityVerdict.INCONCLUSIVE
MIN_REQUESTS = 20
FALSE_ALARM = MISSED = 0.01
LATENCY_LIMIT_MS = 2000.0
SLOWDOWN = 1.5
LOOK_SECONDS = 5


@dataclass(frozen=True)
class Decision:
    """``samples``: requests after the deployment until the verdict; all there are where there is none.

    ``given_up``: the watch was ended early, since no verdict was to be expected; ``missed``: the one that would have
    come all the same.
    """

    verdict: StabilityVerdict
    samples: int
    given_up: bool = False
    missed: StabilityVerdict | None = None


def ours(trace: Trace) -> Decision:
    """The product's judge, asked after every request (every few seconds where more than errors is watched).

    Every minute it is asked for the outlook, and given up where that is hopeless.
    """
    cell = trace.cell
    tolerance = Tolerance(cell.tolerated, LATENCY_LIMIT_MS, MIN_REQUESTS, SLOWDOWN)
    rules = [MetricRule(name, critical=True) for name in trace.metrics]
    judge = Judge(trace.baseline, tolerance, rules, trace.measured_before)
    if cell.slower or cell.missing or cell.metrics or not trace.requests:
        return _look_by_look(judge, trace)
    return _request_by_request(judge, trace)


def _request_by_request(judge: Judge, trace: Trace) -> Decision:
    found = _first_verdict(judge, trace)
    begins = math.ceil(EARLIEST * len(trace.minutes))
    if found.samples <= begins * trace.requests:
        return found
    failures = list(trace.failures())
    for minute in range(begins, len(trace.minutes)):
        seen = minute * trace.requests
        if seen >= found.samples:
            break
        watch = judge.watch([sample(seen, bisect_right(failures, seen))])
        if judge.outlook(watch, trace.length - seen).hopeless:
            return _given_up(seen, found)
    return found


def _given_up(seen: int, found: Decision) -> Decision:
    missed = None if found.verdict is INCONCLUSIVE else found.verdict
    return Decision(INCONCLUSIVE, seen, given_up=True, missed=missed)


def _first_verdict(judge: Judge, trace: Trace) -> Decision:
    """Between two errors evidence grows only towards STABLE: the request that completes it is found by halving."""
    seen = errors = 0

    def verdict(requests: int) -> StabilityVerdict:
        return judge.judge([sample(requests, errors)]).verdict

    for place in chain(trace.failures(), [trace.length + 1]):
        if place - 1 >= max(seen, 1) and verdict(place - 1) is STABLE:
            low, high = seen, place - 1
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if verdict(middle) is STABLE else (middle, high)
            return Decision(STABLE, high)
        if place > trace.length:
            break
        seen, errors = place, errors + 1
        if errors >= LEAST_FAILURES and (found := verdict(seen)) is not INCONCLUSIVE:
            return Decision(found, seen)
    return Decision(INCONCLUSIVE, trace.length)


def _look_by_look(judge: Judge, trace: Trace) -> Decision:
    watch = judge.watch()
    failed = set(trace.failures())
    seen, given_up = 0, 0
    looks = 60 // (METRIC_SECONDS if trace.metrics else LOOK_SECONDS)

    def decision(verdict: StabilityVerdict) -> Decision:
        found = Decision(verdict, seen)
        return _given_up(given_up, found) if given_up else found

    for at, minute in enumerate(trace.minutes):
        if at >= EARLIEST * len(trace.minutes) and trace.requests and not given_up:
            given_up = seen if judge.outlook(watch, trace.length - seen).hopeless else 0
        for look in range(looks):
            number = minute.requests * (look + 1) // looks - minute.requests * look // looks
            latencies = tuple(trace.latencies(number, at + look / looks, trace.cell.slower))
            errors = sum(place in failed for place in range(seen + 1, seen + number + 1))
            watch.add(sample(number, None if trace.missing() else errors, latencies))
            seen += number
            for measurement in trace.measurements(trace.cell.worse):
                watch.add_measurement(measurement)
            if (found := judge.verdict_on(watch).verdict) is not INCONCLUSIVE:
                return decision(found)
    return decision(INCONCLUSIVE)


def wald(trace: Trace) -> Decision:
    """The sequential probability ratio test of the true rate before against the true one after (A. Wald, 1945).

    No test with these error rates needs fewer requests on average (A. Wald, J. Wolfowitz, Ann. Math. Statist. 19(3),
    1948). It is told both rates; a judge of real production has to learn the one and does not know the other.
    """
    return _wald(trace, trace.cell.alternative)


def wald_twice(trace: Trace) -> Decision:
    """The same test, told the rate before and the regression that has to be found, which is twice as much.

    How bad it is it does not know, as no judge does.
    """
    return _wald(trace, 2 * trace.cell.before)


def _wald(trace: Trace, alternative: float) -> Decision:
    healthy, sick = trace.cell.before, min(alternative, 0.999)
    alarm, clear = math.log((1 - MISSED) / FALSE_ALARM), math.log(MISSED / (1 - FALSE_ALARM))
    good, bad = math.log((1 - sick) / (1 - healthy)), math.log(sick / healthy)
    ratio, seen = 0.0, 0
    for place in chain(trace.failures(), [trace.length + 1]):
        needed = seen + math.ceil((clear - ratio) / good)
        if needed < place:
            return Decision(STABLE, needed)
        if place > trace.length:
            break
        ratio += (place - 1 - seen) * good + bad
        seen = place
        if ratio >= alarm:
            return Decision(UNSTABLE, seen)
    return Decision(INCONCLUSIVE, trace.length)


KAYENTA_CONFIDENCE, KAYENTA_TOLERANCE = 0.98, 0.25


def kayenta(trace: Trace) -> Decision:
    """Mann-Whitney on fifty points a minute apart, before and after, once they are all there.

    High (here UNSTABLE) is a metric whose confidence interval of the shift lies above ``tolerance`` times the
    estimated shift. No data is INCONCLUSIVE. Metrics: error rate, and mean latency where there is one.
    """
    after = [minute for minute in trace.minutes if minute.measured and minute.requests]
    before = [minute for minute in trace.baseline_minutes[-len(trace.minutes) :] if minute.requests]
    if len(after) < 2 or len(before) < 2:
        return Decision(INCONCLUSIVE, trace.requests * len(trace.minutes))
    metrics = [([m.errors / m.requests for m in before], [m.errors / m.requests for m in after])]
    for number in range(trace.cell.metrics):
        values = [[m.metrics[number] for m in minutes] for minutes in (before, after)]
        metrics.append(([v for v in values[0] if v is not None], [v for v in values[1] if v is not None]))
    slow = ([m.mean_ms for m in before if m.mean_ms], [m.mean_ms for m in after if m.mean_ms])
    metrics += [slow] if all(slow) else []
    high = any(is_high(control, experiment) for control, experiment in metrics)
    return Decision(UNSTABLE if high else STABLE, trace.requests * len(trace.minutes))


def is_high(control: Sequence[float], experiment: Sequence[float]) -> bool:
    """Shift by Hodges and Lehmann, its confidence interval by the normal approximation of the rank sum."""
    if sorted(control) == sorted(experiment):
        return False
    differences = sorted(b - a for a in control for b in experiment)
    pairs = len(differences)
    deviation = math.sqrt(pairs * (len(control) + len(experiment) + 1) / 12)
    z = statistics.NormalDist().inv_cdf((1 + KAYENTA_CONFIDENCE) / 2)
    lower = differences[max(0, math.floor(pairs / 2 - z * deviation))]
    shift = statistics.median(differences)
    return lower > KAYENTA_TOLERANCE * abs(shift)


ARGO_MEASUREMENTS = 10


def argo(trace: Trace) -> Decision:
    """One measurement a minute, ten of them, failureLimit 0: the first above the threshold ends it.

    The threshold is what is tolerated: the error rate of the profile, 1.5 times the mean latency of before.
    """
    limit_ms = (
        SLOWDOWN * statistics.mean(m.mean_ms for m in trace.baseline_minutes if m.mean_ms)
        if (trace.cell.slower)
        else math.inf
    )
    usual = [
        statistics.mean(m.metrics[number] or 0 for m in trace.baseline_minutes) for number in range(trace.cell.metrics)
    ]
    for number, minute in enumerate(trace.minutes[:ARGO_MEASUREMENTS], start=1):
        if not minute.measured or not minute.requests:
            return Decision(INCONCLUSIVE, trace.requests * number)
        if minute.errors / minute.requests > trace.cell.tolerated or (minute.mean_ms or 0) > limit_ms:
            return Decision(UNSTABLE, trace.requests * number)
        if any(value is None for value in minute.metrics):
            return Decision(INCONCLUSIVE, trace.requests * number)
        if any((value or 0) > SLOWDOWN * mean for value, mean in zip(minute.metrics, usual, strict=True)):
            return Decision(UNSTABLE, trace.requests * number)
    return Decision(STABLE, trace.requests * ARGO_MEASUREMENTS)


JUDGES = {"hotfix": ours, "wald": wald, "wald_twice": wald_twice, "kayenta": kayenta, "argo": argo}
