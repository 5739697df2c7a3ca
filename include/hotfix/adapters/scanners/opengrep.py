"""Opengrep with the rules in ``rules/``: data flow in five languages, and credentials in any text."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field, TypeAdapter

from hotfix.adapters.processes import GIB
from hotfix.adapters.scanners.severity import Judgement, of_own_rule
from hotfix.adapters.scanners.staging import Stage, is_understood, stage_text
from hotfix.adapters.scanners.workplace import NothingToScan, ScanFailed, Workplace, conduct
from hotfix.domain.document import Sha
from hotfix.domain.security import Confidence, Finding, FindingMaker, ScanResult, Severity

RULES = Path(__file__).with_name("rules")

# Of what it unpacks.
_FILE_SIZE = 1 * GIB
_ADDRESS_SPACE = 16 * GIB
# Of one rule on one file, in seconds; a rule that takes longer is told as an error.
_RULE_TIME_LIMIT = 20
_PARTIAL = frozenset({"PartialParsing", "Syntax error", "Lexical error", "Other syntax error"})
_RULE_FILES = {
    "text.yaml": frozenset[str](),
    "python.yaml": frozenset({".py", ".pyi"}),
    "javascript.yaml": frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"}),
    "java.yaml": frozenset({".java"}),
    "go.yaml": frozenset({".go"}),
    "ruby.yaml": frozenset({".rb"}),
}
_OPTIONS = (
    "scan",
    "--json",
    "--strict",
    "--disable-nosem",
    "--no-git-ignore",
    "--no-rewrite-rule-ids",
    "--disable-version-check",
    "--taint-intrafile",
    "--max-target-bytes=0",
    f"--timeout={_RULE_TIME_LIMIT}",
    "--jobs=1",
)


class _Place(BaseModel):
    line: int


class _Metadata(BaseModel):
    severity: Severity
    confidence: Confidence
    cwe: int


class _Extra(BaseModel):
    message: str
    metadata: _Metadata


class _Match(BaseModel):
    rule: str = Field(alias="check_id")
    path: str
    start: _Place
    end: _Place
    extra: _Extra


class _Error(BaseModel):
    kind: str | list[object] = Field(alias="type")
    path: str | None = None

    @property
    def name(self) -> str:
        return self.kind if isinstance(self.kind, str) else str(self.kind[0])


class _Paths(BaseModel):
    scanned: list[str]


class _Report(BaseModel):
    version: str = Field(max_length=40)
    results: list[_Match]
    errors: list[_Error]
    paths: _Paths


_SHAPE = TypeAdapter(_Report)


class OpengrepScanner:
    """Implements ``ports.scanner.Scanner``; ``program`` is opengrep's command line, ``rules`` a folder of rules."""

    name = "opengrep"

    def __init__(self, program: Sequence[str] | None = None, rules: Path = RULES) -> None:
        self._program = tuple(program or (_installed(),))
        self._rules = rules

    def scan(self, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float) -> ScanResult:
        """Findings in the text files among ``paths``; comments and the service's settings do not count."""
        return conduct(
            self.name, time_limit, lambda place: self._scan(place, checkout, paths), _ADDRESS_SPACE, _FILE_SIZE
        )

    def _scan(self, place: Workplace, checkout: Path, paths: tuple[str, ...]) -> tuple[Finding, ...]:
        stage = stage_text(checkout, paths, place.folder)
        if not stage.names:
            raise NothingToScan
        rules = [f"--config={self._rules / name}" for name in _rule_files(stage)]
        command = (*self._program, *_OPTIONS, *rules, f"--json-output={place.report}", *stage.names)
        # It unpacks itself in its HOME, 250 MB: the workplace, which goes with the scan. A folder that stays would save
        # half a second, and could be written to by the code that the workflow runs.
        # 3: some file was read in part, which the report says.
        place.call(command, expected=(0, 3), quoted=False)
        report = place.read_report(_SHAPE)
        place.version = report.version
        maker, findings = FindingMaker(self.name), []
        # A part that it could not parse is a part that it did not see.
        for error in sorted(report.errors, key=lambda each: (each.path or "", each.name)):
            findings.append(_unread(error, stage, maker))
        if missed := set(stage.names) - {Path(name).name for name in report.paths.scanned}:
            raise ScanFailed(f"it left out {', '.join(sorted(stage.file(name).path for name in missed))}")
        place.covered = tuple(file.path for name in stage.names if is_understood((file := stage.file(name)).copy))
        for match in sorted(report.results, key=lambda found: (found.path, found.start.line, found.rule)):
            file = stage.file(match.path)
            says = match.extra.metadata
            judged = of_own_rule(Judgement(says.severity, says.confidence, says.cwe), file.path)
            findings.append(
                maker.make(
                    match.rule.rsplit(".", 1)[-1],
                    file.path,
                    match.start.line,
                    file.lines(match.start.line, match.end.line),
                    match.extra.message.strip(),
                    judged.severity,
                    judged.confidence,
                    judged.cwe,
                )
            )
        return tuple(findings)


def _rule_files(stage: Stage) -> list[str]:
    """The rules for the languages of these files: reading all of them takes longer than most scans."""
    suffixes = {Path(name).suffix for name in stage.names}
    return [name for name, languages in _RULE_FILES.items() if not languages or suffixes & languages]


def _unread(error: _Error, stage: Stage, maker: FindingMaker) -> Finding:
    """A finding for a file that was read in part.

    Raises:
        ScanFailed: the error is of another kind: a rule that is wrong, a file that took too long.
    """
    if error.name not in _PARTIAL or error.path is None:
        where = f" in {stage.file(error.path).path}" if error.path else ""
        raise ScanFailed(f"{error.name}{where}")
    path = stage.file(error.path).path
    message = "a part of the file cannot be parsed and was not scanned"
    return maker.make("not-parsed", path, 1, path, message, Severity.MEDIUM, Confidence.HIGH, 0)


def _installed() -> str:
    """The program in the wheel, which has no command of its own; else one on PATH."""
    found = importlib.util.find_spec("tackbox_opengrep")
    for folder in (found.submodule_search_locations or ()) if found else ():
        for name in ("opengrep", "opengrep.exe"):
            if (program := Path(folder) / "bin" / name).exists():
                return str(program)
    return shutil.which("opengrep") or "opengrep"
