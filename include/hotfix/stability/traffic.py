"""Samples summed up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hotfix.domain.stability import Sample, Traffic


def total(samples: Sequence[Sample]) -> Traffic:
    """All samples as one figure; the 95th percentile is the nearest-rank one.

    A sample of which requests or errors were not measured is counted as incomplete, and adds to neither.
    """
    values = sorted(latencies(samples))
    complete = [(s.requests, s.errors) for s in samples if s.requests is not None and s.errors is not None]
    return Traffic(
        requests=sum(requests for requests, _ in complete),
        errors=sum(errors for _, errors in complete),
        p95_ms=values[math.ceil(0.95 * len(values)) - 1] if values else None,
        samples=len(samples),
        empty=sum(requests == 0 for requests, _ in complete),
        incomplete=len(samples) - len(complete),
    )


def latencies(samples: Sequence[Sample]) -> list[float]:
    """Milliseconds, those that were measured: a NaN is none."""
    return [value for sample in samples for value in sample.latencies_ms if math.isfinite(value)]
