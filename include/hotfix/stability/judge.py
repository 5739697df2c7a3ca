"""Stable, unstable, or not yet known: a sequential test of the error rate, the latency and any further metric."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hotfix.domain.stability import Measurement, MetricFigures, Sample, StabilityVerdict
from hotfix.stability.completeness import is_complete
from hotfix.stability.measured import MetricRule, MetricTest, WatchedMetric
from hotfix.stability.outlook import MARGIN, Outlook, outlook
from hotfix.stability.proportion import UNHEALTHY, Proportion
from hotfix.stability.ranks import CLASSES, RankTest
from hotfix.stability.traffic import latencies

ERROR_RATE, SLOW_REQUESTS, LATENCY = "error rate", "slow requests", "latency"
# Each metric's share of the false alarms: most of it to the error rate, which then is seen almost as early as if it
# were alone. They are scaled to the sum of those that the baseline lets be compared.
SHARE_OF_ERRORS, SHARE_OF_OTHERS = 0.9, 0.05
# A further metric that is not critical adds at most so much of what UNSTABLE takes: it never decides alone.
MOST_OF_NOT_CRITICAL = 0.5
# The 95th percentile is within the limit as long as no more than 5 % are slower than that; twice as many are too many.
TOLERATED_SLOW = 0.05
# Below this it is an incident of two customers, whatever the arithmetic says.
LEAST_FAILURES = 3
# A metric whose evidence against health would come this far in the rest of a watch may yet end it.
SIGN = 0.5


@dataclass(frozen=True)
class Tolerance:
    """What still counts as healthy.

    ``error_rate``: the share of failing requests that is tolerated, where the baseline does not show less (above 0,
    below 0.5). ``latency_ms``: limit for the 95th percentile. ``slowdown``: times the baseline's latency;
    ``noticeable_ms``: what is slower by less than that is not slower. ``min_requests``: never STABLE with less.
    ``false_alarm`` and ``missed``: the error rates of the test.
    """

    error_rate: float
    latency_ms: float
    min_requests: int
    slowdown: float = 1.5
    noticeable_ms: float = 20
    false_alarm: float = 0.01
    missed: float = 0.01


@dataclass(frozen=True)
class Judgement:
    verdict: StabilityVerdict
    why: str
    metrics: tuple[MetricFigures, ...] = ()


def requests_needed(tolerance: Tolerance) -> int:
    """How many fast requests without an error it takes until STABLE, where the baseline has no errors either."""
    healthy = min(tolerance.error_rate / 2, TOLERATED_SLOW)
    enough = math.log(tolerance.missed) / math.log((1 - UNHEALTHY * healthy) / (1 - healthy))
    return max(tolerance.min_requests, math.ceil(enough))


class Watch:
    """Running sums of what was observed; ``Judge.watch`` makes one."""

    def __init__(self, latency_limit: float, ranking: RankTest, others: Sequence[MetricTest] = ()) -> None:
        self._limit = latency_limit
        self._ranking = ranking
        self.others: dict[str, WatchedMetric] = {test.rule.name: test.watch() for test in others if test.usable}
        self.samples = self.empty = self.incomplete = 0
        self.requests = self.errors = 0
        self.timed = self.slow = 0
        self.ranks: Counter[int] = Counter()

    @property
    def mean_rank(self) -> float | None:
        """Of the latencies among those of the baseline, from 0 to 1; None without latencies."""
        ranked = self.ranks.total() if self.ranks else 0
        return sum(rank * count for rank, count in self.ranks.items()) / CLASSES / ranked if ranked else None

    def add(self, sample: Sample) -> None:
        self.samples += 1
        counted = _errors(sample)
        if counted is None:
            self.incomplete += 1
        else:
            self.empty += counted[0] == 0
            self.requests += counted[0]
            self.errors += counted[1]
        for value in latencies([sample]):
            self.timed += 1
            self.slow += value > self._limit
            if self._ranking.usable:
                self.ranks[self._ranking.rank(value)] += 1

    def add_measurement(self, measurement: Measurement) -> None:
        if measurement.metric in self.others:
            self.others[measurement.metric].add(measurement.value)


class Judge:
    """Compares what production does now with what is healthy, as often as one likes.

    UNSTABLE: the evidence against health, summed over the metrics by their shares, reaches 1/``false_alarm``. The
    weighted mean of e-values is an e-value, however they depend on each other (V. Vovk, R. Wang, E-values: calibration,
    combination and applications, Ann. Statist. 49(3), 2021), so that a healthy production is called unstable with
    probability ``false_alarm`` at most over all metrics and all looks. One metric decides alone when its own part of
    the sum suffices, whatever the others say.

    STABLE: the evidence against the sickness of *every* metric reaches 1/``missed``; a sick one is then missed with
    that probability at most, and needs no correction (R. Berger, Multiparameter hypothesis testing and acceptance
    sampling, Technometrics 24(4), 1982).

    Further metrics (``rules``) get their shares of the same sum. A critical one counts as the others do. One that is
    not critical adds no more than ``MOST_OF_NOT_CRITICAL`` to the sum (what is smaller than an e-value is one, too) and
    STABLE does not wait for it; but while it is worse than tolerated by its own evidence nothing is STABLE.
    """

    def __init__(
        self,
        baseline: Sequence[Sample],
        tolerance: Tolerance,
        rules: Sequence[MetricRule] = (),
        before: Sequence[Measurement] = (),
    ) -> None:
        """``before``: the values of the ``rules``' metrics in the time of the baseline."""
        self._tolerance = tolerance
        self._others = [MetricTest(rule, [each.value for each in before if each.metric == rule.name]) for rule in rules]
        self._rules = {rule.name: rule for rule in rules}
        self._errors = Proportion([pair for sample in baseline if (pair := _errors(sample))], tolerance.error_rate)
        self._slow = Proportion([self._slow_in(sample) for sample in baseline], UNHEALTHY * TOLERATED_SLOW)
        self._latency = RankTest([latencies([s]) for s in baseline], tolerance.slowdown, tolerance.noticeable_ms)
        compared = 1 + self._latency.usable + sum(test.usable for test in self._others)
        self._shares_in_all = SHARE_OF_ERRORS + SHARE_OF_OTHERS * compared

    def judge(self, observed: Iterable[Sample], measured: Iterable[Measurement] = ()) -> Judgement:
        """The order of the samples and of the further metrics' values does not matter."""
        return self.verdict_on(self.watch(observed, measured))

    def watch(self, observed: Iterable[Sample] = (), measured: Iterable[Measurement] = ()) -> Watch:
        """Begin to watch: add samples, and ask for the ``verdict_on`` it as often as you like."""
        watch = Watch(self._tolerance.latency_ms, self._latency, self._others)
        for sample in observed:
            watch.add(sample)
        for measurement in measured:
            watch.add_measurement(measurement)
        return watch

    def outlook(self, watch: Watch, more: int) -> Outlook:
        """What ``more`` requests (those that are expected) may still decide.

        The chance is that of the error rate: without it nothing is STABLE. It is 1 where another metric may yet be
        UNSTABLE, if its evidence goes on to grow as it has.
        """
        evidence = (self._alarm(ERROR_RATE), -math.log(self._tolerance.missed))
        found = outlook(self._errors, (watch.requests, watch.errors), more, evidence)
        growth = 1 + MARGIN * more / watch.requests if watch.requests else math.inf
        signs = [metric.against_health for metric in self._metrics(watch) if metric.name != ERROR_RATE]
        if any(sign > 0 and sign * growth >= SIGN for sign in signs):
            return replace(found, chance=1.0)
        return found

    def verdict_on(self, watch: Watch) -> Judgement:
        metrics = self._metrics(watch)
        worse = [metric for metric in metrics if metric.verdict is StabilityVerdict.UNSTABLE]
        bad = [metric for metric in worse if self._decides(metric.name)]
        undecided = [
            metric
            for metric in metrics
            if metric.verdict is StabilityVerdict.INCONCLUSIVE and self._decides(metric.name)
        ]
        if bad or self.together(metrics) >= 1:
            why = "; ".join(metric.why for metric in bad or worse or metrics)
            return Judgement(StabilityVerdict.UNSTABLE, why if bad else f"taken together: {why}", metrics)
        if not_yet := self._not_yet(watch):
            return Judgement(StabilityVerdict.INCONCLUSIVE, not_yet, metrics)
        if worse:
            why = "not critical, but worse: " + "; ".join(metric.why for metric in worse)
            return Judgement(StabilityVerdict.INCONCLUSIVE, why, metrics)
        if undecided:
            why = "not enough evidence yet: " + "; ".join(metric.why for metric in undecided)
            return Judgement(StabilityVerdict.INCONCLUSIVE, why, metrics)
        return Judgement(StabilityVerdict.STABLE, "; ".join(metric.why for metric in metrics), metrics)

    def _not_yet(self, watch: Watch) -> str:
        """Why nothing can be STABLE, whatever the figures say; empty when something can."""
        if not is_complete(watch.incomplete, watch.samples - watch.empty, self._tolerance.missed):
            return f"{watch.incomplete} of {watch.samples} samples are incomplete"
        if not watch.requests:
            return "no requests since the deployment"
        if watch.requests < self._tolerance.min_requests:
            return f"{watch.requests} of at least {self._tolerance.min_requests} requests seen"
        return ""

    def together(self, metrics: Sequence[MetricFigures]) -> float:
        """The evidence of all metrics against health, as the share of what UNSTABLE takes."""
        # Of one metric it is exp(alarm · (against_health − 1)): 1 where it decides alone.
        parts = ((metric.name, self._alarm(metric.name) * (min(metric.against_health, 1) - 1)) for metric in metrics)
        return sum(min(math.exp(part), 1.0 if self._decides(name) else MOST_OF_NOT_CRITICAL) for name, part in parts)

    def _decides(self, name: str) -> bool:
        return name not in self._rules or self._rules[name].critical

    def _alarm(self, name: str) -> float:
        share = SHARE_OF_ERRORS if name == ERROR_RATE else SHARE_OF_OTHERS
        return -math.log(self._tolerance.false_alarm * share / self._shares_in_all)

    def _metrics(self, watch: Watch) -> tuple[MetricFigures, ...]:
        found = [self._error_rate(watch)]
        if watch.timed or self._latency.values:
            found.append(self._slow_requests(watch))
        if self._latency.usable:
            found.append(self._slowdown(watch))
        found += [self._other(test, watch) for test in self._others]
        return tuple(found)

    def _error_rate(self, watch: Watch) -> MetricFigures:
        requests, errors, test = watch.requests, watch.errors, self._errors
        rate = errors / requests if requests else None
        seen = f"{errors} errors in {requests} requests"
        if rate is not None:
            seen += f" ({rate:.2%}; healthy is {test.healthy:.2%})"
        against_health = test.against_health(requests, errors) if errors >= LEAST_FAILURES else 0.0
        against_sickness = test.against_sickness(requests, errors)
        figures = (requests, rate, test.healthy, against_health, against_sickness)
        return self._figures(ERROR_RATE, figures, f"too many errors: {seen}", seen)

    def _slow_requests(self, watch: Watch) -> MetricFigures:
        timed, slow, test = watch.timed, watch.slow, self._slow
        share = slow / timed if timed else None
        seen = "no latency was measured"
        if share is not None:
            seen = f"{share:.1%} take longer than {self._tolerance.latency_ms:g} ms (at most {TOLERATED_SLOW:.0%} may)"
        against_health = test.against_health(timed, slow) if slow >= LEAST_FAILURES else 0.0
        figures = (timed, share, test.healthy, against_health, test.against_sickness(timed, slow))
        return self._figures(SLOW_REQUESTS, figures, f"too slow: {seen}", seen)

    def _slowdown(self, watch: Watch) -> MetricFigures:
        test = self._latency
        share = watch.mean_rank
        seen = "no latency was measured"
        if share is not None:
            seen = f"{share:.0%} take longer than {self._tolerance.slowdown:g} times what they took (at most half may)"
        figures = (watch.timed, share, 0.5, test.against_health(watch.ranks), test.against_sickness(watch.ranks))
        return self._figures(LATENCY, figures, f"slower than before: {seen}", seen)

    def _other(self, test: MetricTest, watch: Watch) -> MetricFigures:
        rule, watched = test.rule, watch.others.get(test.rule.name)
        if watched is None:
            why = f"{rule.name} was hardly measured before the incident, and has no limit"
            return self._figures(rule.name, (0, None, 0.5, 0.0, 0.0), why, why)
        seen = f"{rule.name} was not measured"
        if watched.worse is not None:
            seen = f"{rule.name} is worse than {_worst(rule)} in {watched.worse:.0%} of {watched.values} values"
        incomplete = watched.incomplete(self._tolerance.missed)
        if incomplete:
            seen += f"; {watched.unmeasured} values were not measured"
        healthy = 0.0 if incomplete else watched.against_sickness()
        figures = (watched.values, watched.worse, 0.5, watched.against_health(), healthy)
        return self._figures(rule.name, figures, seen, seen)

    def _figures(
        self, name: str, figures: tuple[int, float | None, float, float, float], bad: str, seen: str
    ) -> MetricFigures:
        """``figures``: samples, observed, healthy, and the evidence both ways as natural logarithms."""
        samples, observed, healthy, against_health, against_sickness = figures
        alarm, clear = self._alarm(name), -math.log(self._tolerance.missed)
        verdict = StabilityVerdict.INCONCLUSIVE
        if samples and against_health >= alarm:
            verdict = StabilityVerdict.UNSTABLE
        elif samples and against_sickness >= clear:
            verdict = StabilityVerdict.STABLE
        return MetricFigures(
            name=name,
            verdict=verdict,
            why=bad if verdict is StabilityVerdict.UNSTABLE else seen,
            samples=samples,
            observed=observed,
            healthy=healthy,
            against_health=against_health / alarm,
            against_sickness=against_sickness / clear,
        )

    def _slow_in(self, sample: Sample) -> tuple[int, int]:
        values = latencies([sample])
        return len(values), sum(value > self._tolerance.latency_ms for value in values)


def _worst(rule: MetricRule) -> str:
    if rule.limit is not None:
        return f"{rule.limit:g}"
    times = f"1/{rule.tolerated:g} of" if rule.lower_is_worse else f"{rule.tolerated:g} times"
    return f"{times} what it was"


def _errors(sample: Sample) -> tuple[int, int] | None:
    if sample.requests is None or sample.errors is None:
        return None
    return sample.requests, sample.errors
