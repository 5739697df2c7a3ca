"""A monitoring that sees what it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hotfix.domain.assessment import ProbeResult
from hotfix.domain.document import Sha
from hotfix.domain.stability import Measurement, Sample
from hotfix.ports.clock import Clock


class FakeMonitoring:
    """``answers`` maps a path to its status (None: nobody listens), ``traffic`` and ``measured`` hold all there is."""

    def __init__(self, clock: Clock, version: Callable[[], Sha | None] = lambda: None) -> None:
        self._clock = clock
        self._version = version
        self.answers: dict[str, int | None] = {}
        self.traffic: list[Sample] = []
        self.measured: list[Measurement] = []
        self.milliseconds = 10.0

    def probe(self, path: str) -> ProbeResult:
        status = self.answers.get(path, 200)
        return ProbeResult(
            path=path,
            at=self._clock.now(),
            status=status,
            milliseconds=self.milliseconds,
            error="" if status is not None else "ConnectError: connection refused",
        )

    def version(self) -> Sha | None:
        return self._version()

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]:
        inside = (sample for sample in self.traffic if since <= sample.at < until)
        return tuple(sorted(inside, key=lambda sample: sample.at))

    def measurements(self, since: datetime, until: datetime) -> tuple[Measurement, ...]:
        inside = (each for each in self.measured if since <= each.at < until)
        return tuple(sorted(inside, key=lambda each: each.at))
