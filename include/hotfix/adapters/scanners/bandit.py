"""Bandit over the Python files of a change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from hotfix.adapters.scanners.severity import is_expected, of_bandit
from hotfix.adapters.scanners.staging import stage_python
from hotfix.adapters.scanners.workplace import NothingToScan, ScanFailed, Workplace, conduct
from hotfix.domain.document import Sha
from hotfix.domain.security import Finding, FindingMaker, ScanResult

# Their text quotes the password.
_QUOTES_A_SECRET = frozenset({"B105", "B106", "B107"})


class _Weakness(BaseModel):
    id: int = 0


class _Issue(BaseModel):
    filename: str
    line_number: int
    test_id: str
    issue_severity: str
    issue_confidence: str
    issue_text: str
    issue_cwe: _Weakness = _Weakness()


class _Error(BaseModel):
    filename: str
    reason: str


class _Report(BaseModel):
    errors: list[_Error]
    metrics: dict[str, object]
    results: list[_Issue]


_SHAPE = TypeAdapter(_Report)


class BanditScanner:
    """Implements ``ports.scanner.Scanner``; ``program`` is bandit's command line."""

    name = "bandit"

    def __init__(self, program: Sequence[str] | None = None) -> None:
        self._program = tuple(program or (sys.executable, "-m", "bandit"))

    def scan(self, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float) -> ScanResult:
        """Findings in the Python files among ``paths``; ``nosec`` comments and the service's settings do not count."""
        return conduct(self.name, time_limit, lambda place: self._scan(place, checkout, paths))

    def _scan(self, place: Workplace, checkout: Path, paths: tuple[str, ...]) -> tuple[Finding, ...]:
        stage = stage_python(checkout, paths, place.folder)
        if not stage.names:
            raise NothingToScan
        place.read_version((*self._program, "--version"))
        # -x: its own list of what to skip is replaced by a name that does not exist here.
        options = (
            "--quiet",
            "--ignore-nosec",
            "-x",
            "nothing",
            "--format",
            "json",
            "--output",
            str(place.report),
        )
        done = place.call((*self._program, *options, *stage.names), expected=(0, 1))
        report = place.read_report(_SHAPE)
        for error in report.errors:
            raise ScanFailed(f"{stage.file(error.filename).path} cannot be scanned: {error.reason}")
        if missed := set(stage.names) - {Path(name).name for name in report.metrics}:
            raise ScanFailed(f"it left out {', '.join(sorted(stage.file(name).path for name in missed))}")
        place.check_agreement(done, len(report.results))
        place.covered = stage.paths
        maker, findings = FindingMaker(self.name), []
        for issue in sorted(report.results, key=lambda found: (found.filename, found.line_number, found.test_id)):
            file = stage.file(issue.filename)
            if is_expected(issue.test_id, file.path):
                continue
            text = issue.issue_text.split(":")[0] if issue.test_id in _QUOTES_A_SECRET else issue.issue_text
            line = file.line(issue.line_number)
            judged = of_bandit(issue.test_id, issue.issue_severity, issue.issue_confidence, line, file.path)
            findings.append(
                maker.make(
                    issue.test_id,
                    file.path,
                    issue.line_number,
                    line,
                    text,
                    judged.severity,
                    judged.confidence,
                    judged.cwe or issue.issue_cwe.id,
                )
            )
        return tuple(findings)
