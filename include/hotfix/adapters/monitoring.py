"""The monitoring port for a service profile: our own requests, and the sources that it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from hotfix.adapters.http_monitoring import HttpMonitoring
from hotfix.adapters.json_lines import JsonLinesSource
from hotfix.adapters.login import Login
from hotfix.adapters.prometheus import PrometheusSource
from hotfix.domain.assessment import ProbeResult
from hotfix.domain.document import Sha
from hotfix.domain.service import JsonLines, Monitoring
from hotfix.domain.stability import Measurement, Sample
from hotfix.ports.clock import Clock


class Source(Protocol):
    """What ``ports.monitoring.Monitoring`` promises about samples and measurements."""

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]: ...

    def measurements(self, since: datetime, until: datetime) -> tuple[Measurement, ...]: ...


class ServiceMonitoring:
    """Probes and version by HTTP; samples from the source that tells of requests, and from the probes without one."""

    def __init__(self, profile: Monitoring, clock: Clock, login: Callable[[str], Login]) -> None:
        """``login`` turns the name of a connection into what it holds; it is asked when a source is."""
        self._http = HttpMonitoring(profile, clock)
        made: list[tuple[bool, Source]] = []
        for source in profile.all_sources:
            if isinstance(source, JsonLines):
                made.append((source.requests, JsonLinesSource(source, self._http.counts)))
            else:
                made.append((source.requests is not None, PrometheusSource(source, clock, login)))
        self._requests: Source = next((source for tells, source in made if tells), self._http)
        self._sources: Sequence[Source] = [source for _, source in made]

    def probe(self, path: str) -> ProbeResult:
        return self._http.probe(path)

    def version(self) -> Sha | None:
        return self._http.version()

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]:
        return self._requests.samples(since, until)

    def measurements(self, since: datetime, until: datetime) -> tuple[Measurement, ...]:
        found = (each for source in self._sources for each in source.measurements(since, until))
        return tuple(sorted(found, key=lambda each: each.at))
