"""Running the service's own, untrusted code."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hotfix.domain.diagnosis import ReproducerRun
from hotfix.domain.document import Sha
from hotfix.domain.testing import TestRun


class TestRunner(Protocol):
    """Runs in child processes with a scrubbed environment, a time limit and limits on what they may use."""

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        """Run the incident's reproducer once on a checkout of ``sha``."""

    def run(self, checkout: Path, tests: tuple[str, ...]) -> TestRun:
        """Run ``tests`` (paths or ids). A run that cannot be trusted has ``problem`` set."""
