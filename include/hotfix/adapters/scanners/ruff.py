"""Ruff's security rules (``S``) over the Python files of a change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from hotfix.adapters.scanners.severity import is_expected, of_ruff
from hotfix.adapters.scanners.staging import stage_python
from hotfix.adapters.scanners.workplace import NothingToScan, ScanFailed, Workplace, conduct
from hotfix.domain.document import Sha
from hotfix.domain.security import Finding, FindingMaker, ScanResult

# The newest grammar that it knows: an older one would refuse files that the service can run.
_GRAMMAR = "py314"


class _Location(BaseModel):
    row: int


class _Violation(BaseModel):
    filename: str
    code: str | None
    message: str
    location: _Location


_SHAPE = TypeAdapter(list[_Violation])


class RuffScanner:
    """Implements ``ports.scanner.Scanner``; ``program`` is ruff's command line."""

    name = "ruff"

    def __init__(self, program: Sequence[str] | None = None) -> None:
        self._program = tuple(program or (sys.executable, "-m", "ruff"))

    def scan(self, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float) -> ScanResult:
        """Findings in the Python files among ``paths``; ``noqa`` comments and the service's settings do not count."""
        return conduct(self.name, time_limit, lambda place: self._scan(place, checkout, paths))

    def _scan(self, place: Workplace, checkout: Path, paths: tuple[str, ...]) -> tuple[Finding, ...]:
        stage = stage_python(checkout, paths, place.folder)
        if not stage.names:
            raise NothingToScan
        place.read_version((*self._program, "--version"))
        rules = ("--select", "S", "--isolated", "--no-cache", "--ignore-noqa", "--target-version", _GRAMMAR)
        report = ("--output-format", "json", "--output-file", str(place.report))
        done = place.call((*self._program, "check", *rules, *report, *stage.names), expected=(0, 1))
        violations = place.read_report(_SHAPE)
        place.check_agreement(done, len(violations))
        place.covered = stage.paths
        maker, findings = FindingMaker(self.name), []
        for found in sorted(violations, key=lambda item: (item.filename, item.location.row, item.code or "")):
            file = stage.file(found.filename)
            if found.code is None or not found.code.startswith("S"):
                raise ScanFailed(f"{file.path} cannot be scanned: {found.message} (line {found.location.row})")
            if is_expected(found.code, file.path):
                continue
            line = file.line(found.location.row)
            judged = of_ruff(found.code, found.message, line, file.path)
            findings.append(
                maker.make(
                    found.code,
                    file.path,
                    found.location.row,
                    line,
                    found.message,
                    judged.severity,
                    judged.confidence,
                    judged.cwe,
                )
            )
        return tuple(findings)
