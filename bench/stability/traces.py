"""One run of a cell: production before and after the deployment, request by request."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache, cached_property

from bench.stability.cells import BASELINE_ERRORS, DAY_MINUTES, MINUTES, Cell
from hotfix.domain.stability import Measurement, Sample

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
# Log-normal latencies of 100 ms (median).
MEDIAN_MS, SPREAD = 100.0, 0.5
MEAN_MS = MEDIAN_MS * math.exp(SPREAD**2 / 2)
DEVIATION_MS = MEAN_MS * math.sqrt(math.exp(SPREAD**2) - 1)
PERIOD_MINUTES = 120
LATENCIES_A_MINUTE = 20
# Further metrics: log-normal values, median 50, with less spread; one value so often.
METRIC_MEDIAN, METRIC_SPREAD, METRIC_SECONDS = 50.0, 0.3, 15
# A long baseline is read in larger steps, but for the last fifty minutes.
LONG_MINUTES, STEP_MINUTES = 300, 10


def sample(requests: int | None, errors: int | None, latencies: tuple[float, ...] = ()) -> Sample:
    """Without validation, which would take most of the time."""
    return Sample.model_construct(at=AT, requests=requests, errors=errors, latencies_ms=latencies)


@dataclass
class Minute:
    """``errors``: how many of the ``requests`` failed; ``places``: which, from 1; ``mean_ms``: mean latency.

    ``metrics``: the mean of each further one; None: not measured.
    """

    requests: int
    places: tuple[int, ...] | None
    errors: int
    mean_ms: float | None
    measured: bool
    metrics: tuple[float | None, ...] = ()


class Trace:
    """The minutes before and after the deployment; the same for every judge that looks at it."""

    def __init__(self, cell: Cell, seed: int) -> None:
        self.cell = cell
        self._chance = random.Random(f"{cell.name} {seed}")
        self._phase = self._chance.random() * 2 * math.pi
        self.requests = round(60 * cell.rate)
        minutes = min(DAY_MINUTES, max(MINUTES, math.ceil(BASELINE_ERRORS / max(60 * cell.rate * cell.before, 1e-9))))
        if cell.drift:
            minutes = max(minutes, PERIOD_MINUTES)
        if not cell.rate:
            minutes = 0
        step = STEP_MINUTES if minutes > LONG_MINUTES else 1
        self.earlier = [
            self._minute(at, cell.before, 1.0, measured=True, minutes=step)
            for at in range(-minutes, -MINUTES - step + 1, step)
        ]
        self.baseline_minutes = [
            self._minute(at, cell.before, 1.0, measured=True) for at in range(-min(minutes, MINUTES), 0)
        ]
        self.minutes = [
            self._minute(at, cell.after, cell.slower, measured=self._chance.random() >= cell.missing)
            for at in range(MINUTES)
        ]
        for minutes, worse in ((self.baseline_minutes, 1.0), (self.minutes, cell.worse)):
            for minute in minutes:
                minute.metrics = tuple(self._mean(number, worse) for number in range(cell.metrics))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the further metrics."""
        return tuple(f"metric {number}" for number in range(self.cell.metrics))

    @cached_property
    def measured_before(self) -> list[Measurement]:
        """Of the last fifty minutes before the deployment; all of it was measured."""
        count = 60 // METRIC_SECONDS * len(self.baseline_minutes)
        return [_measurement(name, self._value(1.0)) for name in self.metrics for _ in range(count)]

    def measurements(self, worse: float) -> Iterator[Measurement]:
        """One value of each further metric; ``worse``: times the first one's."""
        for number, name in enumerate(self.metrics):
            gone = number == 0 and self._chance.random() < self.cell.unmeasured
            yield _measurement(name, None if gone else self._value(worse if number == 0 else 1.0))

    def _value(self, worse: float) -> float:
        return self._chance.lognormvariate(math.log(METRIC_MEDIAN * worse), METRIC_SPREAD)

    def _mean(self, number: int, worse: float) -> float | None:
        count = 60 // METRIC_SECONDS
        values = [
            self._value(worse if number == 0 else 1.0)
            for _ in range(count)
            if number or self._chance.random() >= self.cell.unmeasured
        ]
        return sum(values) / len(values) if values else None

    @cached_property
    def baseline(self) -> list[Sample]:
        """One sample a minute, with some of its latencies; less often in the earlier part of a long one."""
        step = self.earlier[0].requests // self.requests if self.earlier else 1
        begins = -len(self.baseline_minutes) - step * len(self.earlier)
        starts = [*range(begins, -len(self.baseline_minutes), step), *range(-len(self.baseline_minutes), 0)]
        return [
            sample(minute.requests, minute.errors, tuple(self.latencies(LATENCIES_A_MINUTE, at, 1.0)))
            for at, minute in zip(starts, (*self.earlier, *self.baseline_minutes), strict=True)
        ]

    def latencies(self, count: int, at: float, slower: float) -> Iterator[float]:
        """Of ``count`` requests ``at`` minutes after the deployment."""
        if self.cell.slower:
            center = math.log(MEDIAN_MS * slower * self._swing(at))
            for _ in range(count):
                yield self._chance.lognormvariate(center, SPREAD)

    def failures(self) -> Iterator[int]:
        """Numbers of the requests that fail after the deployment, from 1 on."""
        before = 0
        for minute in self.minutes:
            if minute.places is None:
                drawn = self._chance.sample(range(1, minute.requests + 1), minute.errors)
                minute.places = tuple(sorted(drawn))
            yield from (before + place for place in minute.places)
            before += minute.requests

    @property
    def length(self) -> int:
        """Requests after the deployment."""
        return self.requests * len(self.minutes)

    def missing(self) -> bool:
        """Whether the errors of one more look were not measured."""
        return self._chance.random() < self.cell.missing

    def _swing(self, at: float) -> float:
        return 1 + self.cell.drift * math.sin(2 * math.pi * at / PERIOD_MINUTES + self._phase)

    def _minute(self, at: int, rate: float, slower: float, measured: bool, minutes: int = 1) -> Minute:
        # Rounded, so that few tables serve all minutes.
        share = min(1.0, round(rate * self._swing(at), 4) if self.cell.drift else rate)
        mean = None
        if self.cell.slower and self.requests:
            noise = self._chance.gauss(0, DEVIATION_MS / math.sqrt(self.requests))
            mean = (MEAN_MS + noise) * slower * self._swing(at)
        if self.cell.burst > 1:
            places = self._bursts(share, self.requests * minutes)
            return Minute(self.requests * minutes, places, len(places), mean, measured)
        errors = bisect_left(_binomial(self.requests * minutes, share), self._chance.random())
        return Minute(self.requests * minutes, None, errors, mean, measured)

    def _bursts(self, share: float, requests: int) -> tuple[int, ...]:
        """Runs of failures of geometric length, at a rate that makes ``share`` of the requests fail."""
        places: list[int] = []
        place, ends = 0, 1 / self.cell.burst
        begins = share * ends / (1 - share)
        while True:
            place += 1 + int(math.log(1 - self._chance.random()) / math.log1p(-begins))
            length = 1 + int(math.log(1 - self._chance.random()) / math.log1p(-ends))
            places += range(place, min(place + length, requests + 1))
            place += length
            if place > requests:
                return tuple(places)


def _measurement(name: str, value: float | None) -> Measurement:
    return Measurement.model_construct(at=AT, metric=name, value=value)


@cache
def _binomial(requests: int, share: float) -> list[float]:
    """Cumulative probabilities of 0, 1, … failures."""
    if share >= 1:
        return [0.0] * requests + [1.0]
    sums, total = [], 0.0
    for failures in range(requests + 1):
        ways = math.lgamma(requests + 1) - math.lgamma(failures + 1) - math.lgamma(requests - failures + 1)
        total += math.exp(ways + failures * math.log(share) + (requests - failures) * math.log1p(-share))
        sums.append(total)
        if total > 1 - 1e-12 and failures > requests * share:
            break
    sums[-1] = 1.0
    return sums
