"""What counters say about the time between two scrapes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hotfix.adapters.prometheus.api import Series

# Two scrapes that lie so many times as far apart as usual: some in between were missed.
MISSED = 2.5


@dataclass(frozen=True)
class Increase:
    """By how much the counter ``labels`` has grown until ``at`` since the scrape before; None: that is not known.

    ``missed_since``: from then on scrapes were missed.
    """

    at: float
    labels: Mapping[str, str]
    by: float | None
    missed_since: float | None = None


def increases(series: Sequence[Series], since: float) -> Iterator[Increase]:
    """Of each series, from one scrape to the next, both at ``since`` or later.

    A counter that fell was reset, and has counted from 0 since (as in PromQL's ``increase``). A series that is new, of
    another status code or another instance, counts from 0 as well; PromQL would lose its first scrape. It is new when
    it begins in a scrape (all samples of one have one time) that was not the first one of its target, or when the
    others had been scraped for longer than a target waits for its turn. Nothing is extrapolated.
    """
    gaps = [late[0] - early[0] for each in series for early, late in zip(each.points, each.points[1:], strict=False)]
    usual = statistics.median(gaps) if gaps else math.inf
    begun = min((each.points[0][0] for each in series if each.points), default=math.inf)
    later = {at for each in series for at, _ in each.points[1:]}
    for each in series:
        before: tuple[float, float] | None = None
        if each.points and (each.points[0][0] in later or each.points[0][0] > begun + MISSED / 2 * usual):
            before = (each.points[0][0] - usual, 0.0)
        for at, value in each.points:
            if not math.isfinite(value):
                if at >= since:
                    yield Increase(at, each.labels, None)
                before = None
                continue
            if before is not None and before[0] >= since:
                grown = value - before[1] if value >= before[1] else value
                missed = before[0] if at - before[0] > MISSED * usual else None
                yield Increase(at, each.labels, grown, missed)
            before = (at, value)
