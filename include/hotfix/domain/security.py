"""What the scanners say about the change."""

from __future__ import annotations

from enum import Enum

from hotfix.domain.document import Artefact, Document


class Severity(str, Enum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Finding(Document):
    """``identity`` is file + rule + content, never the line: a finding that only moved is the same finding."""

    identity: str
    scanner: str
    rule: str
    severity: Severity
    path: str
    line: int
    message: str


class ScannerState(str, Enum):
    RAN = "ran"
    NOTHING_TO_SCAN = "nothing_to_scan"
    FAILED = "failed"


class ScannerRun(Document):
    name: str
    version: str
    state: ScannerState
    seconds: float
    problem: str = ""


class ScanResult(Document):
    run: ScannerRun
    findings: tuple[Finding, ...]


class SecurityVerdict(str, Enum):
    CLEAR = "clear"
    CAUTION = "caution"
    BLOCK = "block"
    INCONCLUSIVE = "inconclusive"


class SecurityReport(Document):
    """CLEAR and CAUTION open the gate; what CAUTION found is carried into the follow-up."""

    verdict: SecurityVerdict
    why: str
    scanners: tuple[ScannerRun, ...]
    blocking: tuple[Finding, ...]
    carried: tuple[Finding, ...]
    pre_existing: int
    fixed: int
    report: Artefact | None

    @property
    def headline(self) -> str:
        return f"{self.verdict.value}: {self.why}"
