"""Findings as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hotfix.analysis.finding_lists import Comparison
from hotfix.domain.security import Finding, ScannerRun, ScannerState, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
# The scale of CVSS, as viewers of SARIF sort by it.
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}


def to_sarif(comparison: Comparison, scanners: Sequence[ScannerRun], blocking: frozenset[str]) -> dict[str, Any]:
    """One run a scanner. What the change mends has the baseline state ``absent``."""
    states = (("new", comparison.new), ("unchanged", comparison.pre_existing), ("absent", comparison.fixed))
    found = [(state, finding) for state, group in states for finding in group]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [_run(run, [each for each in found if each[1].scanner == run.name], blocking) for run in scanners],
    }


def _run(run: ScannerRun, found: Sequence[tuple[str, Finding]], blocking: frozenset[str]) -> dict[str, Any]:
    worst: dict[str, Finding] = {}
    for _, finding in found:
        known = worst.get(finding.rule)
        if known is None or finding.severity.rank < known.severity.rank:
            worst[finding.rule] = finding
    rules = sorted(worst)
    invocation: dict[str, Any] = {"executionSuccessful": run.state is not ScannerState.FAILED}
    if run.problem:
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": run.problem}}]
    return {
        "tool": {
            "driver": {
                "name": run.name,
                "version": run.version,
                "rules": [_rule(rule, worst[rule]) for rule in rules],
            }
        },
        "invocations": [invocation],
        "properties": {"state": run.state.value, "seconds": run.seconds},
        "results": [_result(state, finding, rules.index(finding.rule), blocking) for state, finding in found],
    }


def _rule(rule: str, finding: Finding) -> dict[str, Any]:
    tags = ["security", *([f"external/cwe/cwe-{finding.cwe}"] if finding.cwe else [])]
    return {
        "id": rule,
        "shortDescription": {"text": finding.message},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"tags": tags, "security-severity": _SCORES[finding.severity]},
    }


def _result(state: str, finding: Finding, index: int, blocking: frozenset[str]) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(finding.path, errors="backslashreplace"), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": max(finding.line, 1)},
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"hotfixIdentity/v1": finding.identity},
        "baselineState": state,
        "properties": {
            "severity": finding.severity.value,
            "confidence": finding.confidence.value,
            "cwe": finding.cwe,
            "also": list(finding.also),
            "blocks": finding.identity in blocking,
        },
    }
