"""Samples of production's traffic, for tests of the judge."""

from __future__ import annotations

from datetime import datetime, timezone

from hotfix.domain.stability import Sample

AT = datetime(2026, 3, 1, tzinfo=timezone.utc)


def a_sample(requests: int | None, errors: int | None, *latencies: float) -> Sample:
    return Sample(at=AT, requests=requests, errors=errors, latencies_ms=latencies)


def samples_of(requests: int, errors: int, ms: float | None, count: int = 100) -> list[Sample]:
    """``requests`` and ``errors`` spread evenly over ``count`` samples; a latency a request unless ``ms`` is None."""
    samples = []
    for index in range(count):
        share = requests * (index + 1) // count - requests * index // count
        failed = min(share, errors * (index + 1) // count - errors * index // count)
        samples.append(a_sample(share, failed, *([] if ms is None else [ms] * share)))
    return samples
