"""What production looks like from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hotfix.domain.assessment import ProbeResult
from hotfix.domain.document import Sha
from hotfix.domain.stability import Measurement, Sample


class Monitoring(Protocol):
    def probe(self, path: str) -> ProbeResult:
        """Make one real request now. A refused connection is a result, not an error."""

    def version(self) -> Sha | None:
        """The version that production itself reports; None when it does not answer."""

    def samples(self, since: datetime, until: datetime) -> tuple[Sample, ...]:
        """Requests that production answered in [since, until), oldest first, one sample a second (or longer step).

        What was not measured is None, and what nothing is known of has no sample: neither is ever a 0.

        Raises:
            HotfixError: monitoring cannot be read; the text says what to do.
        """

    def measurements(self, since: datetime, until: datetime) -> tuple[Measurement, ...]:
        """Values of the profile's further metrics in [since, until), oldest first; None where one was not measured.

        Raises:
            HotfixError: monitoring cannot be read, or a metric cannot be had in this way; the text says what to do.
        """
