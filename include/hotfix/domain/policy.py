"""What a hotfix may change, and when silence may be taken for a yes."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch

from hotfix.domain.approval import SilenceCheck
from hotfix.domain.fix import FileChange, Fix
from hotfix.domain.security import (
    SECRET_CWE,
    Confidence,
    Finding,
    SecurityReport,
    SecurityVerdict,
    Severity,
)
from hotfix.domain.service import Policy, SecurityPolicy
from hotfix.domain.testing import TestReport, TestVerdict


def violations(changes: Sequence[FileChange], policy: Policy, irreversible_accepted: bool) -> tuple[str, ...]:
    """Why a change may not be a hotfix, one sentence each; empty when it may."""
    found = []
    lines = sum(change.lines for change in changes)
    if lines > policy.max_changed_lines:
        found.append(f"it changes {lines} lines, the limit is {policy.max_changed_lines}")
    if len(changes) > policy.max_changed_files:
        found.append(f"it changes {len(changes)} files, the limit is {policy.max_changed_files}")
    for change in changes:
        if change.binary:
            found.append(f"it changes the binary file {change.path}")
        if _under(change.path, policy.forbidden_paths):
            found.append(f"it changes {change.path}, which a hotfix of this service may not")
        if _under(change.path, policy.irreversible_paths) and not irreversible_accepted:
            found.append(f"it changes {change.path}, which cannot be rolled back (irreversible_change_accepted is off)")
    return tuple(found)


def blocks(finding: Finding, policy: SecurityPolicy) -> bool:
    """Whether a finding that the change brings in keeps the gate closed.

    A live secret is a credential that its scanner is sure about.
    """
    confident = finding.confidence is Confidence.HIGH
    if finding.cwe == SECRET_CWE and confident and policy.block_secrets:
        return True
    if finding.rule in policy.carry:
        return False
    if finding.severity.rank <= policy.block_from.rank:
        return True
    return confident and finding.severity.rank <= policy.block_confident_from.rank


def silence_checks(
    fix: Fix, tests: TestReport, security: SecurityReport, policy: Policy, irreversible: bool, doubts: Sequence[str]
) -> tuple[SilenceCheck, ...]:
    """The conditions under which silence approves; delivery of the request is checked where it is sent.

    ``doubts`` about the rollback plan: why production might not come back to what it runs now.
    """
    broken_rules = violations(fix.changes, policy, irreversible)
    loud = [finding for finding in security.carried if finding.severity in (Severity.CRITICAL, Severity.HIGH)]
    secure = security.verdict in (SecurityVerdict.CLEAR, SecurityVerdict.CAUTION)
    secure = secure and not loud and not security.unscanned
    return (
        SilenceCheck(
            name="the fix is proved",
            holds=fix.proved,
            detail="red before, green after" if fix.proved else "there is no reproducer that proves it",
        ),
        SilenceCheck(
            name="tests ran and passed",
            holds=tests.verdict is TestVerdict.PASSED and tests.passed > 0,
            detail=tests.why,
        ),
        SilenceCheck(name="security is clear", holds=secure, detail=security.why),
        SilenceCheck(
            name="the change is within the policy",
            holds=not broken_rules,
            detail="; ".join(broken_rules) or f"{fix.lines} lines in {len(fix.changes)} files",
        ),
        SilenceCheck(
            name="the rollback plan is proven",
            holds=not doubts,
            detail="; ".join(doubts) or f"{fix.base[:10]} can be restored",
        ),
        SilenceCheck(
            name="one approval suffices",
            holds=policy.approvals_needed == 1,
            detail=f"approvals needed: {policy.approvals_needed}",
        ),
    )


def _under(path: str, patterns: Sequence[str]) -> bool:
    return any(
        path == pattern.rstrip("/") or path.startswith(f"{pattern.rstrip('/')}/") or f"/{pattern}" in f"/{path}"
        if pattern.endswith("/")
        else fnmatch(path, pattern)
        for pattern in patterns
    )
