"""A test runner whose answers are written down beforehand."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from hotfix.domain.diagnosis import ReproducerRun, Verdict
from hotfix.domain.document import Sha
from hotfix.domain.execution import Observation
from hotfix.domain.test_map import TestMap
from hotfix.domain.testing import TestRun


class FakeTestRunner:
    """A ``TestRunner`` scripted by the commit that is checked out; a commit without a script cannot be trusted.

    ``signatures`` gives the reproducer's failure on a commit, the empty text for a good one. ``calls`` keeps what was
    asked for: (commit, selection), with an empty selection for the reproducer.
    """

    def __init__(self, signatures: Mapping[Sha, str] | None = None, runs: Mapping[Sha, TestRun] | None = None) -> None:
        self.signatures = dict(signatures or {})
        self.runs = dict(runs or {})
        self.maps: dict[Sha, TestMap] = {}
        self.calls: list[tuple[Sha, tuple[str, ...]]] = []

    def reproduce(self, checkout: Path, sha: Sha) -> ReproducerRun:
        self.calls.append((sha, ()))
        if sha not in self.signatures:
            return ReproducerRun(sha=sha, verdict=Verdict.UNTESTABLE, signature="nothing is scripted", seconds=0)
        signature = self.signatures[sha]
        verdict = Verdict.OTHER_FAILURE if signature else Verdict.GOOD
        return ReproducerRun(sha=sha, verdict=verdict, signature=signature, seconds=0)

    def observe(self, checkout: Path, sha: Sha) -> Observation:
        """A failure's output is its signature; what a script executes cannot be told."""
        run = self.reproduce(checkout, sha)
        return Observation(run, run.signature, None)

    def test_map(self, version: Sha) -> TestMap | None:
        return self.maps.get(version)

    def run(
        self, checkout: Path, tests: tuple[str, ...], *, time_limit: float | None = None, parallel: bool = False
    ) -> TestRun:
        sha = _commit_of(checkout)
        self.calls.append((sha, tests))
        if not tests or sha not in self.runs:
            problem = "nothing is scripted" if tests else "no tests were selected"
            return TestRun(cases=(), exit_code=None, seconds=0, output="", problem=problem)
        return self.runs[sha]

    def rerun(
        self, checkout: Path, tests: tuple[str, ...], cases: tuple[str, ...], *, time_limit: float | None = None
    ) -> TestRun:
        return self.run(checkout, tests, time_limit=time_limit)


def _commit_of(checkout: Path) -> Sha:
    asked = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()
