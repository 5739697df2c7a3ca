"""Our judge, Wald's test that is told the truth, and two others written from their public descriptions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bench.stability.traces import Trace, sample
from hotfix.domain.stability import StabilityVerdict
from hotfix.stability.judge import LEAST_FAILURES, Judge, Tolerance

STABLE, UNSTABLE, INCONCLUSIVE = StabilityVerdict.STABLE, StabilityVerdict.UNSTABLE, StabilityVerdict.INCONCLUSIVE
MIN_REQUESTS = 20
FALSE_ALARM = MISSED = 0.01
LATENCY_LIMIT_MS = 2000.0
SLOWDOWN = 1.5
LOOK_SECONDS = 5


@dataclass(frozen=True)
class Decision:
    """``samples``: requests after the deployment until the verdict; all there are where there is none."""

    verdict: StabilityVerdict
    samples: int


def ours(trace: Trace) -> Decision:
    """The product's judge, asked after every request (every five seconds where latency or gaps are watched)."""
    tolerance = Tolerance(trace.cell.tolerated, LATENCY_LIMIT_MS, MIN_REQUESTS, SLOWDOWN)
    judge = Judge(trace.baseline, tolerance)
    if trace.cell.slower or trace.cell.missing or not trace.requests:
        return _look_by_look(judge, trace)
    return _request_by_request(judge, trace)


def _request_by_request(judge: Judge, trace: Trace) -> Decision:
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
    seen = 0
    looks = 60 // LOOK_SECONDS
    for at, minute in enumerate(trace.minutes):
        for look in range(looks):
            number = minute.requests * (look + 1) // looks - minute.requests * look // looks
            latencies = tuple(trace.latencies(number, at + look / looks, trace.cell.slower))
            errors = sum(place in failed for place in range(seen + 1, seen + number + 1))
            watch.add(sample(number, None if trace.missing() else errors, latencies))
            seen += number
            if (found := judge.verdict_on(watch).verdict) is not INCONCLUSIVE:
                return Decision(found, seen)
    return Decision(INCONCLUSIVE, seen)


def wald(trace: Trace) -> Decision:
    """The sequential probability ratio test of the true rate before against the true one after (A. Wald, 1945).

    No test with these error rates needs fewer requests on average (A. Wald, J. Wolfowitz, Ann. Math. Statist. 19(3),
    1948). It is told both rates; a judge of real production has to learn the one and does not know the other.
    """
    healthy, sick = trace.cell.before, min(trace.cell.alternative, 0.999)
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
    for number, minute in enumerate(trace.minutes[:ARGO_MEASUREMENTS], start=1):
        if not minute.measured or not minute.requests:
            return Decision(INCONCLUSIVE, trace.requests * number)
        if minute.errors / minute.requests > trace.cell.tolerated or (minute.mean_ms or 0) > limit_ms:
            return Decision(UNSTABLE, trace.requests * number)
    return Decision(STABLE, trace.requests * ARGO_MEASUREMENTS)


JUDGES = {"hotfix": ours, "wald": wald, "kayenta": kayenta, "argo": argo}
