"""What the scanners say about the change."""

from __future__ import annotations

import hashlib
from collections import Counter
from enum import Enum

from hotfix.domain.document import Artefact, Document, clip

# What a document carries of one finding; the artefacts hold the same.
MESSAGE_LIMIT = 300
# Hard-coded credentials (https://cwe.mitre.org/data/definitions/798.html).
SECRET_CWE = 798


class Severity(str, Enum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(type(self)).index(self)


class Confidence(str, Enum):
    """How sure a rule is that what it matched is what it is about."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return list(type(self)).index(self)


class Finding(Document):
    """``identity`` is file + rule + content, never the line: a finding that only moved is the same finding.

    ``content`` is the checksum of what was matched, ``cwe`` the number of the weakness (0: none), ``also`` the other
    scanners and rules that found the same.
    """

    identity: str
    scanner: str
    rule: str
    severity: Severity
    path: str
    line: int
    message: str
    confidence: Confidence = Confidence.MEDIUM
    cwe: int = 0
    content: str = ""
    also: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return _on_one_line(f"{self.rule} in {self.path}:{self.line}")

    @property
    def summary(self) -> str:
        """One line for people: how bad, who says so, where, what."""
        sources = ", ".join((f"{self.scanner} {self.rule}", *self.also))
        weakness = f", CWE-{self.cwe}" if self.cwe else ""
        return _on_one_line(f"{self.severity.value} ({sources}{weakness}) {self.path}:{self.line} {self.message}")


class FindingMaker:
    """Makes the findings of one scan by ``scanner``, which must be given in a stable order."""

    def __init__(self, scanner: str) -> None:
        self._scanner = scanner
        self._seen: Counter[str] = Counter()

    def make(
        self,
        rule: str,
        path: str,
        line: int,
        content: str,
        message: str,
        severity: Severity,
        confidence: Confidence,
        cwe: int,
    ) -> Finding:
        """A finding whose identity is the SHA-256 of path, rule and ``content`` without the space around it.

        The second finding with the same three gets an ordinal, so that one more copy of a flaw is a new finding.
        """
        stable = "\0".join((path, rule, content.strip()))
        self._seen[stable] += 1
        return Finding(
            identity=_checksum(f"{stable}\0{self._seen[stable]}"),
            scanner=self._scanner,
            rule=rule,
            severity=severity,
            path=path,
            line=line,
            message=clip(message, MESSAGE_LIMIT),
            confidence=confidence,
            cwe=cwe,
            content=_checksum(content.strip()),
        )


def _on_one_line(text: str) -> str:
    """Without control characters: a file name may hold a line break, or what a terminal obeys."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


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
    """``covered`` are the paths whose content the scanner understood; looking for secrets is not understanding."""

    run: ScannerRun
    findings: tuple[Finding, ...]
    covered: tuple[str, ...] = ()


class SecurityVerdict(str, Enum):
    CLEAR = "clear"
    CAUTION = "caution"
    BLOCK = "block"
    INCONCLUSIVE = "inconclusive"


class SecurityReport(Document):
    """CLEAR and CAUTION open the gate; what CAUTION found is carried into the follow-up.

    ``blocking`` and ``carried`` list the worst of ``blocking_total`` and ``carried_total`` findings. ``unscanned`` are
    changed files that no scanner understands.
    """

    verdict: SecurityVerdict
    why: str
    scanners: tuple[ScannerRun, ...]
    blocking: tuple[Finding, ...]
    carried: tuple[Finding, ...]
    pre_existing: int
    fixed: int
    report: Artefact | None
    sarif: Artefact | None = None
    blocking_total: int = 0
    carried_total: int = 0
    unscanned: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        return f"{self.verdict.value}: {self.why}"
