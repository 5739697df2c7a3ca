"""Running the service's own, untrusted code."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from hotfix.domain.diagnosis import ReproducerRun
from hotfix.domain.document import Sha
from hotfix.domain.execution import Observation
from hotfix.domain.test_map import TestMap
from hotfix.domain.testing import TestRun

# More failures than these of tests beside each other, and everything is run again in one process.
PARALLEL_FAILURES = 40


class Reproducer(Protocol):
    """Runs in child processes with a scrubbed environment, a time limit and limits on what they may use."""

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        """Run the reproducer once on a checkout of ``sha``; never raises for what that version does."""

    def observe(self, checkout: Path, sha: Sha) -> Observation:
        """The same, with a note of what it executed."""


class TestRunner(Reproducer, Protocol):
    """Runs the incident's reproducer, and the service's own tests."""

    def test_map(self, version: Sha) -> TestMap | None:
        """What each test of ``version`` executes, where that was noted before; never raises."""

    def run(
        self, checkout: Path, tests: tuple[str, ...], *, time_limit: float | None = None, parallel: bool = False
    ) -> TestRun:
        """Run ``tests`` (paths or ids), in this order where the tool keeps it. A run that cannot be trusted has
        ``problem`` set.

        ``time_limit`` (seconds) shortens the profile's. ``parallel`` lets the tool use every core, if it can. Then the
        tests get half of the time, so that what they leave open can be run in one process, and they go on after as many
        as ``PARALLEL_FAILURES`` crashes.
        """

    def rerun(
        self, checkout: Path, tests: tuple[str, ...], cases: tuple[str, ...], *, time_limit: float | None = None
    ) -> TestRun:
        """Run exactly the ``cases`` of an earlier run in one process; all of ``tests``, to which they belong, where
        single cases cannot be asked for."""
