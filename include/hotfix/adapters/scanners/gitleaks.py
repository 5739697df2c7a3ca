"""Gitleaks over the commits of a change, also over what a later commit of it took out again."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field, TypeAdapter

from hotfix.adapters.processes import GIB
from hotfix.adapters.scanners.severity import of_gitleaks
from hotfix.adapters.scanners.workplace import NothingToScan, ScanFailed, Workplace, conduct
from hotfix.domain.document import Sha, clip
from hotfix.domain.security import Finding, FindingMaker, ScanResult

_FOUND = 3

# It reserves 4 GiB or more at its start and uses little of it.
_ADDRESS_SPACE = 64 * GIB

# Attributes in the change (-diff, binary) must not hide a file, nor must a merge commit; settings of the machine
# must not change the form of the diff, since gitleaks finds nothing in a form that it does not know.
_LOG = "--text -m --no-color --no-ext-diff --no-textconv --no-show-signature"


class _Leak(BaseModel):
    rule: str = Field(alias="RuleID")
    description: str = Field(alias="Description")
    file: str = Field(alias="File")
    commit: str = Field(alias="Commit")
    first: int = Field(alias="StartLine")
    last: int = Field(alias="EndLine")
    fingerprint: str = Field(alias="Fingerprint")


_SHAPE = TypeAdapter(list[_Leak])


class GitleaksScanner:
    """Implements ``ports.scanner.Scanner``; ``program`` is gitleaks' command line.

    A secret is in no finding, report or log: gitleaks hides it from the start.
    """

    name = "gitleaks"

    def __init__(self, program: Sequence[str] | None = None) -> None:
        self._program = tuple(program or (_installed(),))

    def scan(self, checkout: Path, paths: tuple[str, ...], base: Sha, head: Sha, time_limit: float) -> ScanResult:
        """Secrets that the commits in ``base..head`` add, whatever ``paths`` are."""
        return conduct(self.name, time_limit, lambda place: self._scan(place, checkout, base, head), _ADDRESS_SPACE)

    def _scan(self, place: Workplace, checkout: Path, base: Sha, head: Sha) -> tuple[Finding, ...]:
        history = _bare_view(place, checkout)
        # Asked first: gitleaks takes a range that git does not know for a clean one.
        if _git(place, history, "rev-list", "--count", f"{base}..{head}").strip() == "0":
            raise NothingToScan
        place.read_version((*self._program, "--version"))
        options = (
            "--no-banner",
            "--no-color",
            "--redact=100",
            "--ignore-gitleaks-allow",
            f"--exit-code={_FOUND}",
        )
        report = ("--report-format=json", f"--report-path={place.report}")
        command = (
            *self._program,
            "git",
            *options,
            *report,
            f"--log-opts={_LOG} {base}..{head}",
            str(history),
        )
        done = place.call(command, expected=(0, _FOUND))
        if re.search(r"\b(ERR|FTL)\b", done.output) or "commits scanned" not in done.output:
            raise ScanFailed(f"it did not read the history: {clip(done.output.strip(), 1000)}")
        # A merge is compared with each of its parents, which reports its own secrets twice.
        leaks = {leak.fingerprint: leak for leak in place.read_report(_SHAPE)}
        place.check_agreement(done, len(leaks))
        maker, findings = FindingMaker(self.name), []
        for leak in sorted(leaks.values(), key=lambda found: (found.file, found.first, found.rule, found.commit)):
            judged = of_gitleaks(leak.rule, leak.file)
            findings.append(
                maker.make(
                    leak.rule,
                    leak.file,
                    leak.first,
                    _content(place, history, leak),
                    f"{leak.description} (in commit {leak.commit[:12]})",
                    judged.severity,
                    judged.confidence,
                    judged.cwe,
                )
            )
        return tuple(findings)


def _installed() -> str:
    beside = Path(sys.executable).with_name("gitleaks")
    return str(beside) if beside.exists() else shutil.which("gitleaks") or "gitleaks"


def _bare_view(place: Workplace, checkout: Path) -> Path:
    """A working tree of the same repository without files: gitleaks obeys the settings in the tree that it is given."""
    view = place.folder / "history"
    view.mkdir()
    location = _git(place, checkout, "rev-parse", "--absolute-git-dir").rstrip("\n")
    (view / ".git").write_text(f"gitdir: {location}\n", encoding="utf-8", errors="surrogateescape")
    return view


def _git(place: Workplace, tree: Path, *arguments: str) -> str:
    return place.call(("git", "-C", str(tree), *arguments), expected=(0,)).output


def _content(place: Workplace, history: Path, leak: _Leak) -> str:
    """The lines with the secret; the place in the history where the file cannot be found under the printed name."""
    try:
        lines = _git(place, history, "show", f"{leak.commit}:{leak.file}").split("\n")
    except ScanFailed:
        return f"{leak.commit}:{leak.first}"
    return "\n".join(lines[max(leak.first - 1, 0) : leak.last])
