"""Small changes with a known answer, and the review of many of them at once.

A case is a YAML file: ``class`` of weakness, ``cwe``, and ``files`` with their text ``before`` and ``after``. Those in
``objectionable`` bring a real weakness in, those in ``harmless`` look like one; in ``held_out`` each says which
(``expect``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from hotfix.adapters.git import GitRepository
from hotfix.analysis.changed_file import ChangedFile, Kind, Version
from hotfix.domain.security import ScannerState, ScanResult
from hotfix.domain.service import SecurityPolicy
from hotfix.ports.scanner import Scanner
from hotfix.steps.review_security import Review, Scan, apply_rules, assess
from tests.support.git_history import GitHistory

FOLDER = Path(__file__).parents[1] / "security_corpus"
GROUPS = ("objectionable", "harmless", "held_out")

# Put together here, so that no scanner of this repository finds them in the cases.
_SECRETS = {"%AWS_KEY%": "AKIA" + "QYLPMN5HHHFPZAM2", "%PASSWORD%": "s7Kq-" + "vN2xWm4Z"}


@dataclass(frozen=True)
class Case:
    """``files`` maps paths to the texts before and after."""

    group: str
    name: str
    weakness: str
    cwe: int
    objectionable: bool
    files: dict[str, tuple[str, str]]

    @property
    def changed_files(self) -> list[ChangedFile]:
        return [ChangedFile(path, _version(before), _version(after)) for path, (before, after) in self.files.items()]


def load(group: str) -> list[Case]:
    return [_case(group, file) for file in sorted((FOLDER / group).glob("*.yaml"))]


def review_together(cases: Sequence[Case], scanners: Sequence[Scanner], folder: Path) -> dict[str, Review]:
    """The review of every case by its name: each scanner runs once over all, each case in a folder of its own."""
    history = GitHistory(folder / "cases.git")
    sides = [
        {f"{case.name}/{path}": texts[side] for case in cases for path, texts in case.files.items()} for side in (0, 1)
    ]
    base, head = history.commit("Before", dict(sides[0])), history.commit("After", dict(sides[1]))
    repository = GitRepository(folder / "mirrors", history.url)
    repository.fetch()
    paths = tuple(sides[1])
    with repository.checkout(head) as new, repository.checkout(base) as old:
        both = [(each.scan(new, paths, base, head, 600), each.scan(old, paths, base, base, 600)) for each in scanners]
    for after, before in both:
        for result in (after, before):
            assert result.run.state is not ScannerState.FAILED, result.run.problem
    reviews = {}
    for case in cases:
        scans = [Scan(_of_case(after, case), _of_case(before, case)) for after, before in both]
        files = case.changed_files
        reviews[case.name] = assess([*scans, *apply_rules(files)], files, SecurityPolicy(), configured=True)
    return reviews


def _of_case(result: ScanResult, case: Case) -> ScanResult:
    prefix = f"{case.name}/"
    own = [each for each in result.findings if each.path.startswith(prefix)]
    return result.model_copy(
        update={
            "findings": tuple(each.model_copy(update={"path": each.path.removeprefix(prefix)}) for each in own),
            "covered": tuple(path.removeprefix(prefix) for path in result.covered if path.startswith(prefix)),
        }
    )


def _case(group: str, file: Path) -> Case:
    text = file.read_text(encoding="utf-8")
    for mark, secret in _SECRETS.items():
        text = text.replace(mark, secret)
    content = yaml.safe_load(text)
    expected = content.get("expect", {"objectionable": "objection", "harmless": "harmless"}.get(group))
    return Case(
        group=group,
        name=file.stem,
        weakness=content["class"],
        cwe=content.get("cwe", 0),
        objectionable=expected == "objection",
        files={path: (texts["before"], texts["after"]) for path, texts in content["files"].items()},
    )


def _version(text: str) -> Version:
    return Version(Kind.FILE, text.encode(), len(text.encode()))
