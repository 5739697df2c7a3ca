"""A further metric, by its name: is it worse than before, or than its limit?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hotfix.stability.completeness import is_complete
from hotfix.stability.ranks import CLASSES, LEAST_BASELINE, RankTest


@dataclass(frozen=True)
class MetricRule:
    """What is healthy for one metric.

    ``lower_is_worse``: for a throughput or a hit rate. ``tolerated``: times the baseline (a division where lower is
    worse), ``noticeable``: a difference below it does not count, in the metric's unit. ``limit``: compare with this and
    not with a baseline. ``critical``: decides alone, and must be shown to be healthy.
    """

    name: str
    critical: bool = False
    lower_is_worse: bool = False
    tolerated: float = 1.5
    noticeable: float = 0.0
    limit: float | None = None


class MetricTest:
    """The rank test of ``RankTest`` on a metric's values: healthy is "no worse than tolerated more often than not".

    A value that is exactly as large as what is tolerated is not worse. A limit is a baseline that is known exactly.
    """

    def __init__(self, rule: MetricRule, baseline: Sequence[float | None]) -> None:
        self.rule = rule
        self._sign = -1 if rule.lower_is_worse else 1
        if rule.limit is not None:
            self._ranks = RankTest([[self._sign * rule.limit]] * LEAST_BASELINE, 1, 0, ties=0, exact=True)
        else:
            values = [[self._sign * value] for value in baseline if value is not None and math.isfinite(value)]
            self._ranks = RankTest(values, rule.tolerated, rule.noticeable, ties=0)

    @property
    def usable(self) -> bool:
        return self._ranks.usable

    def watch(self) -> WatchedMetric:
        return WatchedMetric(self._ranks, self._sign)


class WatchedMetric:
    """Running sums of one metric's values."""

    def __init__(self, ranks: RankTest, sign: int) -> None:
        self._test = ranks
        self._sign = sign
        self._ranks: Counter[int] = Counter()
        self.values = self.unmeasured = 0

    def add(self, value: float | None) -> None:
        if value is None or not math.isfinite(value):
            self.unmeasured += 1
        else:
            self.values += 1
            self._ranks[self._test.rank(self._sign * value)] += 1

    def incomplete(self, doubt: float) -> bool:
        """Whether so many values were not measured that the others prove no health."""
        return not is_complete(self.unmeasured, self.values + self.unmeasured, doubt)

    @property
    def worse(self) -> float | None:
        """The share of values that are worse than tolerated; None without values."""
        return sum(rank * count for rank, count in self._ranks.items()) / CLASSES / self.values if self.values else None

    def against_health(self) -> float:
        return self._test.against_health(self._ranks)

    def against_sickness(self) -> float:
        return self._test.against_sickness(self._ranks)
