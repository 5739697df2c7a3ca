"""Samples and measurements from a Prometheus server."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone

from hotfix.adapters.buckets import LATENCIES_A_SECOND
from hotfix.adapters.login import Login
from hotfix.adapters.prometheus.api import PrometheusApi, Series
from hotfix.adapters.prometheus.counters import Increase, increases
from hotfix.domain.errors import HotfixError
from hotfix.domain.service import Prometheus, PrometheusMetric
from hotfix.domain.stability import Measurement, Sample
from hotfix.ports.clock import Clock

# A series selector, as opposed to an expression: of one the scraped samples can be had with their own times.
SELECTOR = re.compile(r"""[a-zA-Z_:][a-zA-Z0-9_:]*(\{([^"'`{}]|"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`[^`]*`)*\})?""")
# So long before the window is looked whether a counter was there already (seconds, and steps).
LOOK_BACK, LOOK_BACK_STEPS = 300.0, 4
# Of two clocks that differ by less nobody can tell (seconds).
SAME_TIME = 1.0


class PrometheusSource:
    """A counter of requests, read scrape by scrape; further metrics, one value a step.

    What was not scraped, is NaN, or is missing for a part of the series is None, and never a 0. Times are those of
    this machine: the difference to the server's clock is measured and taken out.
    """

    def __init__(self, profile: Prometheus, clock: Clock, login: Callable[[str], Login]) -> None:
        self._profile = profile
        self._clock = clock
        self._api = PrometheusApi(profile, login)

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]:
        """One sample a step in which something was scraped.

        Raises:
            HotfixError: the server cannot be asked, or the counters are not what the profile says.
        """
        profile = self._profile
        if profile.requests is None:
            return ()
        window = _Window(since, until, self._ahead(), profile.step)
        requests = self._increases(profile.requests, window)
        if profile.errors is None:
            errors: list[Increase] | None = self._failed(requests)
        else:
            # Without any series nobody knows whether nothing failed, or the query is wrong.
            errors = self._increases(profile.errors, window) or None
        latencies = self._increases(profile.latency_buckets, window) if profile.latency_buckets else []
        return _samples(window, requests, errors, latencies)

    def measurements(self, since: datetime, until: datetime) -> tuple[Measurement, ...]:
        """Each metric at each step of the window that is over; None where it has no value.

        Raises:
            HotfixError: as above, or a query gives more than one series.
        """
        if not self._profile.metrics:
            return ()
        window = _Window(since, until, self._ahead(), self._profile.step)
        found = [each for metric in self._profile.metrics for each in self._values(metric, window)]
        return tuple(sorted(found, key=lambda each: (each.at, each.metric)))

    def _ahead(self) -> float:
        """By how many seconds, whole ones, the server's clock is ahead of ours."""
        asked = self._clock.now().timestamp()
        theirs = self._api.now()
        answered = self._clock.now().timestamp()
        ahead = theirs - (asked + answered) / 2
        return 0.0 if abs(ahead) <= SAME_TIME + (answered - asked) / 2 else float(round(ahead))

    def _points(self, query: str, start: float, end: float) -> tuple[Series, ...]:
        if SELECTOR.fullmatch(query):
            found = self._api.scraped(query, start, end)
        else:
            found = self._api.evaluated(query, start, end)
        # Half-open, as the port has it: what was scraped at the very end belongs to the next window.
        return tuple(Series(each.labels, tuple(point for point in each.points if point[0] < end)) for each in found)

    def _increases(self, query: str, window: _Window) -> list[Increase]:
        back = max(LOOK_BACK, LOOK_BACK_STEPS * self._profile.step)
        return list(increases(self._points(query, window.since - back, window.until), window.since))

    def _failed(self, requests: Sequence[Increase]) -> list[Increase]:
        failed, pattern = self._profile.failed, re.compile(self._profile.failed.values)
        if requests and not any(failed.label in each.labels for each in requests):
            raise HotfixError(
                f"No series of {self._profile.requests!r} has the label {failed.label!r}, which tells failed requests.",
                "Correct `failed` of the source in the service's profile, or give `errors`.",
            )
        # Every scrape counts, also of the others: no failed request is told by the same scrape as the rest.
        return [
            each
            if pattern.fullmatch(each.labels.get(failed.label, ""))
            else Increase(each.at, each.labels, 0.0 if each.by is not None else None)
            for each in requests
        ]

    def _values(self, metric: PrometheusMetric, window: _Window) -> list[Measurement]:
        series = [each for each in self._points(metric.query, window.since, window.until) if each.points]
        if len(series) > 1:
            raise HotfixError(
                f"The query of the metric {metric.name!r} gives {len(series)} series.",
                "Let it give one, for example with sum() or max().",
            )
        values: dict[int, float] = {}
        for at, value in series[0].points if series else ():
            values[window.step_of(at)] = value
        return [
            Measurement(at=window.at(step), metric=metric.name, value=_finite(values.get(step)))
            for step in window.steps_that_are_over()
        ]


class _Window:
    """[since, until) in the server's seconds, cut into steps."""

    def __init__(self, since: datetime, until: datetime, ahead: float, step: float) -> None:
        self._begin, self._ahead, self._step = since, ahead, step
        self.since, self.until = since.timestamp() + ahead, until.timestamp() + ahead

    def step_of(self, at: float) -> int:
        return math.floor(at / self._step)

    def at(self, step: int) -> datetime:
        """When a step began, by our clock; the first one may begin before the window."""
        return max(self._begin, datetime.fromtimestamp(step * self._step - self._ahead, timezone.utc))

    def steps_that_are_over(self) -> range:
        return range(math.ceil(self.since / self._step), math.floor(self.until / self._step))


def _samples(
    window: _Window, requests: Sequence[Increase], errors: Sequence[Increase] | None, latencies: Sequence[Increase]
) -> tuple[Sample, ...]:
    counted, failed = _by_step(window, requests), _by_step(window, errors or ())
    bounds = _bounds(window, latencies)
    found = []
    for step, seen in sorted(counted.items()):
        wrong = failed.get(step)
        if seen is not None and wrong is not None:
            # Counters of two targets are not scraped at the same moment; an error is a request all the same.
            seen = max(seen, wrong)
        found.append(
            Sample(
                at=window.at(step),
                requests=_whole(seen),
                errors=_whole(wrong),
                latencies_ms=_representatives(bounds.get(step, {})),
            )
        )
    return tuple(found)


def _whole(count: float | None) -> int | None:
    return None if count is None else round(count)


def _by_step(window: _Window, found: Sequence[Increase]) -> dict[int, float | None]:
    """The sum of each step; None where a part of it is not known."""
    sums: dict[int, float | None] = {}
    for each in found:
        step = window.step_of(each.at)
        before = sums.get(step, 0.0)
        sums[step] = None if before is None or each.by is None else before + each.by
        if each.missed_since is not None:
            for missed in range(window.step_of(each.missed_since) + 1, step):
                sums[missed] = None
    return sums


def _bounds(window: _Window, found: Sequence[Increase]) -> dict[int, dict[float, float]]:
    """Of each step, how many requests took at most so many seconds (cumulative, as the buckets are)."""
    steps: dict[int, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for each in found:
        try:
            bound = float(each.labels["le"])
        except (KeyError, ValueError):
            raise HotfixError(
                "The query of latency_buckets gives series without the label le.",
                "Name the buckets of a histogram, for example http_request_duration_seconds_bucket{…}.",
            ) from None
        if each.by is not None:
            steps[window.step_of(each.at)][bound] += each.by
    return steps


def _representatives(cumulative: Mapping[float, float]) -> tuple[float, ...]:
    """At most ``LATENCIES_A_SECOND`` latencies in milliseconds, spread as the buckets are; each its bucket's bound.

    What lies above the last finite bound is taken to be twice that.
    """
    bounds = sorted(cumulative)
    finite = [bound for bound in bounds if math.isfinite(bound)]
    if not finite:
        return ()
    total = round(cumulative[bounds[-1]])
    kept = min(total, LATENCIES_A_SECOND)
    values = []
    for number in range(kept):
        rank = (number + 0.5) / kept * total
        bound = next((bound for bound in bounds if cumulative[bound] >= rank), math.inf)
        values.append(1000 * (bound if math.isfinite(bound) else 2 * finite[-1]))
    return tuple(values)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
