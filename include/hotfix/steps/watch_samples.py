"""What a watch of production has sampled."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from datetime import datetime

from hotfix.domain.document import Document
from hotfix.domain.stability import Sample, Seen, Traffic


class Kept(Document):
    """What was sampled, as it is stored between two looks."""

    before: Seen
    during: Seen
    after: Seen


@dataclass(frozen=True)
class Stretch:
    """A time that is over, [since, until)."""

    since: datetime
    until: datetime


def seen_since(since: datetime, seen: Seen) -> Seen:
    return Seen(
        samples=tuple(each for each in seen.samples if each.at >= since),
        measurements=tuple(each for each in seen.measurements if each.at >= since),
    )


def merged(kept: Seen, fresh: Seen) -> Seen:
    """What a source tells now, and before that what it told and has forgotten since."""
    samples, measured = fresh.samples, fresh.measurements
    return Seen(
        samples=(*(each for each in kept.samples if not samples or each.at < samples[0].at), *samples),
        measurements=(*(each for each in kept.measurements if not measured or each.at < measured[0].at), *measured),
    )


def finite(sample: Sample) -> Sample:
    """JSON knows no NaN, and a latency that is one was not measured."""
    if all(map(math.isfinite, sample.latencies_ms)):
        return sample
    return sample.model_copy(update={"latencies_ms": tuple(filter(math.isfinite, sample.latencies_ms))})


def pace(seen: Seen, within: tuple[Stretch, ...]) -> float:
    """Requests a second."""
    seconds = sum((stretch.until - stretch.since).total_seconds() for stretch in within)
    requests = sum(
        sample.requests or 0
        for sample in seen.samples
        if any(stretch.since <= sample.at < stretch.until for stretch in within)
    )
    return requests / seconds if seconds > 0 else 0.0


def sample_line(sample: Sample) -> str:
    """One sample for a tired reader: time, requests, errors, share, median latency."""
    if sample.requests is None or sample.errors is None:
        return f"{sample.at:%H:%M:%S}  not measured"
    rate = f"{sample.errors / sample.requests:6.1%}" if sample.requests else "no data"
    latency = f"{statistics.median(sample.latencies_ms):6.0f} ms" if sample.latencies_ms else "     – ms"
    return f"{sample.at:%H:%M:%S}  {sample.requests:5} requests  {sample.errors:4} errors  {rate}  {latency}"


def figures(traffic: Traffic) -> str:
    if traffic.error_rate is None:
        return "no requests"
    latency = f", p95 {traffic.p95_ms:.0f} ms" if traffic.p95_ms is not None else ""
    return f"{traffic.requests} requests, {traffic.error_rate:.1%} errors{latency}"
