"""Samples summed up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hotfix.domain.stability import Sample, Traffic


def total(samples: Sequence[Sample]) -> Traffic:
    """All samples as one figure; the 95th percentile is the nearest-rank one."""
    latencies = sorted(value for sample in samples for value in sample.latencies_ms)
    p95 = latencies[math.ceil(0.95 * len(latencies)) - 1] if latencies else None
    return Traffic(
        requests=sum(sample.requests for sample in samples),
        errors=sum(sample.errors for sample in samples),
        p95_ms=p95,
    )
