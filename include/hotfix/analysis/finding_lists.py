"""Findings of two versions compared, and of several scanners brought together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hotfix.domain.security import Finding


@dataclass(frozen=True)
class Comparison:
    """What the change brings in, what was there before, and what it mends; the worst first."""

    new: tuple[Finding, ...]
    pre_existing: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


def compare(before: Sequence[Finding], after: Sequence[Finding], deleted: frozenset[str] = frozenset()) -> Comparison:
    """Compare by identity. In a renamed file (its old path is in ``deleted``) findings of the same rule and content
    are the same ones too.
    """
    known = {finding.identity for finding in before}
    found = {finding.identity for finding in after}
    gone = [finding for finding in before if finding.identity not in found]
    moved = Counter((each.scanner, each.rule, each.content) for each in gone if each.path in deleted and each.content)
    new, pre_existing = [], []
    for finding in after:
        key = (finding.scanner, finding.rule, finding.content)
        if finding.identity in known:
            pre_existing.append(finding)
        elif moved[key] > 0:
            moved[key] -= 1
            pre_existing.append(finding)
        else:
            new.append(finding)
    return Comparison(new=merged(new), pre_existing=merged(pre_existing), fixed=merged(gone))


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for what several rules say about the same line and the same weakness, the worst first.

    The most severe one speaks, with the highest confidence of them; the others are named in ``also``.
    """
    groups: dict[tuple[str, int, int, str], dict[str, Finding]] = {}
    for finding in findings:
        alone = "" if finding.cwe else finding.identity
        groups.setdefault((finding.path, finding.line, finding.cwe, alone), {})[finding.identity] = finding
    return tuple(sorted((_merge(list(group.values())) for group in groups.values()), key=_order))


def _merge(group: list[Finding]) -> Finding:
    first, *others = sorted(group, key=_order)
    if not others:
        return first
    names = sorted({f"{each.scanner} {each.rule}" for each in others} - {f"{first.scanner} {first.rule}"})
    surest = min((each.confidence for each in group), key=lambda confidence: confidence.rank)
    return first.model_copy(update={"also": tuple(names), "confidence": surest})


def _order(finding: Finding) -> tuple[int, int, str, int, str, str, str]:
    severity, confidence = finding.severity.rank, finding.confidence.rank
    return severity, confidence, finding.path, finding.line, finding.scanner, finding.rule, finding.identity
