"""What production looks like from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hotfix.domain.assessment import ProbeResult
from hotfix.domain.document import Sha
from hotfix.domain.stability import Sample


class Monitoring(Protocol):
    def probe(self, path: str) -> ProbeResult:
        """Make one real request now. A refused connection is a result, not an error."""

    def version(self) -> Sha | None:
        """The version that production itself reports; None when it does not answer."""

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]:
        """Requests that production answered in [since, until), oldest first, one sample a second.

        Seconds without requests have no sample: an empty answer means that nothing is known.
        """
