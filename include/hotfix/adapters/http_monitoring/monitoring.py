"""The monitoring port over HTTP: what we ask production ourselves."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from hotfix.adapters.buckets import Buckets
from hotfix.adapters.http_monitoring.client import get, new_client
from hotfix.adapters.http_monitoring.version import read_version
from hotfix.domain.assessment import ProbeResult
from hotfix.domain.document import Sha
from hotfix.domain.service import Monitoring
from hotfix.domain.stability import Measurement, Sample
from hotfix.ports.clock import Clock

REMEMBERED_PROBES = 100_000


class HttpMonitoring:
    """Production at ``profile.url``.

    The samples are the probes that this object made: synthetic requests, gone with the process.
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
        buckets = Buckets(since)
        for result in tuple(self._probes):
            if since <= result.at < until and self.counts(result.path):
                latency = None if result.status is None else result.milliseconds
                buckets.add(result.at.timestamp(), result.failed, latency)
        return buckets.samples()

    def measurements(self, since: datetime, until: datetime) -> tuple[Measurement, ...]:
        return ()

    def counts(self, path: str) -> bool:
        """Whether a request is one of users': one for the version is ours, and its health says nothing about theirs."""
        return path.partition("?")[0] != self._profile.version_path.partition("?")[0]

    def _url(self, path: str) -> str:
        return self._profile.url.rstrip("/") + path
