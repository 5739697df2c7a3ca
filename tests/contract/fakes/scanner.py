"""A scanner whose findings are written down beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hotfix.domain.document import Sha
from hotfix.domain.security import Finding, ScannerRun, ScannerState, ScanResult


class FakeScanner:
    """A ``Scanner`` with findings by the commit that it scans; only those in ``paths`` are reported.

    A commit that is not in ``findings`` is scanned without success. ``calls`` keeps (head, paths), ``time_limits`` what
    it was given. An ``idle`` one has nothing to scan; one that does not ``covers`` understands nothing.
    """

    def __init__(self, findings: Mapping[Sha, tuple[Finding, ...]], name: str = "fake") -> None:
        self.findings = dict(findings)
        self.calls: list[tuple[Sha, tuple[str, ...]]] = []
        self.time_limits: list[float] = []
        self.idle = False
        self.covers = True
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def scan(self, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float) -> ScanResult:
        self.calls.append((head, paths))
        self.time_limits.append(time_limit)
        if head not in self.findings:
            return ScanResult(run=self._run(ScannerState.FAILED, f"{self._name}: nothing is scripted"), findings=())
        if not paths or self.idle:
            return ScanResult(run=self._run(ScannerState.NOTHING_TO_SCAN), findings=())
        found = tuple(finding for finding in self.findings[head] if finding.path in paths)
        return ScanResult(run=self._run(ScannerState.RAN), findings=found, covered=paths if self.covers else ())

    def _run(self, state: ScannerState, problem: str = "") -> ScannerRun:
        return ScannerRun(name=self._name, version="0.0", state=state, seconds=0, problem=problem)
