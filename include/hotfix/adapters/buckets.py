"""Requests, summed up second by second."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from hotfix.domain.stability import Sample

LATENCIES_A_SECOND = 200


class _Second:
    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.latencies: list[float] = []
        self._stride = 1

    def add(self, failed: bool, milliseconds: float | None) -> None:
        self.requests += 1
        self.errors += failed
        if milliseconds is None or self.requests % self._stride:
            return
        # Thinned evenly: the first 200 alone would say nothing about the rest of a busy second.
        if len(self.latencies) == LATENCIES_A_SECOND:
            self.latencies = self.latencies[::2]
            self._stride *= 2
        self.latencies.append(milliseconds)


class Buckets:
    """One bucket a second from ``since`` on; at most ``LATENCIES_A_SECOND`` latencies are kept in each."""

    def __init__(self, since: datetime) -> None:
        self._since = since
        self._seconds: dict[int, _Second] = {}

    def add(self, at: float, failed: bool, milliseconds: float | None) -> None:
        """Count a request that ended ``at`` (epoch seconds); no latency where there was no answer to time."""
        self._seconds.setdefault(math.floor(at), _Second()).add(failed, milliseconds)

    def samples(self) -> tuple[Sample, ...]:
        """Oldest first. The first second may begin before the window; its sample begins with the window."""
        return tuple(
            Sample(
                at=max(self._since, datetime.fromtimestamp(second, timezone.utc)),
                requests=counted.requests,
                errors=counted.errors,
                latencies_ms=tuple(counted.latencies),
            )
            for second, counted in sorted(self._seconds.items())
        )
