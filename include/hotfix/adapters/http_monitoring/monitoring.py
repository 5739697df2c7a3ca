"""The monitoring port over HTTP and, where there is one, an access log."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from pathlib import Path

from hotfix.adapters.http_monitoring.access_log import read_samples
from hotfix.adapters.http_monitoring.buckets import Buckets
from hotfix.adapters.http_monitoring.client import get, new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.domain.assessment import ProbeResult
from hotfix.domain.document import Sha
from hotfix.domain.service import Monitoring
from hotfix.domain.stability import Sample
from hotfix.ports.clock import Clock

REMEMBERED_PROBES = 100_000


class HttpMonitoring:
    """Production at ``profile.url``.

    Without an access log the samples are the probes that this object made: synthetic requests, gone with the process.
    """

    def __init__(self, profile: Monitoring, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._client = new_client()
        self._probes: deque[ProbeResult] = deque(maxlen=REMEMBERED_PROBES)

    def probe(self, path: str) -> ProbeResult:
        answer = get(self._client, self._url(path))
        result = ProbeResult(
            path=path,
            at=self._clock.now(),
            status=answer.status,
            milliseconds=answer.milliseconds,
            error=answer.error,
        )
        self._probes.append(result)
        return result

    def version(self) -> Sha | None:
        return read_version(self._client, self._url(self._profile.version_path))

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]:
        """Requests for the version are left out: they are ours, and their health says nothing about users'.

        Raises:
            HotfixError: the access log is missing, or cannot be read.
        """
        if self._profile.access_log is not None:
            return read_samples(Path(self._profile.access_log), since, until, self._counts)
        buckets = Buckets(since)
        for result in tuple(self._probes):
            if since <= result.at < until and self._counts(result.path):
                latency = None if result.status is None else result.milliseconds
                buckets.add(result.at.timestamp(), result.failed, latency)
        return buckets.samples()

    def _counts(self, path: str) -> bool:
        return path.partition("?")[0] != self._profile.version_path.partition("?")[0]

    def _url(self, path: str) -> str:
        return self._profile.url.rstrip("/") + path
