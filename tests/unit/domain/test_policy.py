"""What a hotfix may change, and when silence may be taken for a yes."""

from __future__ import annotations

from typing import Any

import pytest

from hotfix.domain.fix import FileChange, Fix
from hotfix.domain.policy import silence_checks, violations
from hotfix.domain.security import SecurityReport, SecurityVerdict, Severity
from hotfix.domain.service import Policy
from hotfix.domain.testing import TestReport, TestVerdict
from tests.support.documents import a_change, a_finding, a_fix, a_security_report, a_test_report

POLICY = Policy(max_changed_lines=10, max_changed_files=2)


def test_a_small_change_of_code_is_within_the_policy() -> None:
    assert violations([a_change(added=5, removed=5)], POLICY, irreversible_accepted=False) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([a_change(added=6, removed=5)], "11 lines, the limit is 10"),
        ([a_change("a", 6, 0), a_change("b", 5, 0)], "11 lines, the limit is 10"),
        ([a_change("a"), a_change("b"), a_change("c")], "3 files, the limit is 2"),
        ([a_change("logo.png", 0, 0, binary=True)], "binary file logo.png"),
        ([a_change(".github/workflows/release.yml")], "which a hotfix of this service may not"),
        ([a_change("tools/.github/x.yml")], "which a hotfix of this service may not"),
        ([a_change("Dockerfile")], "which a hotfix of this service may not"),
        ([a_change(".hotfix.yaml")], "which a hotfix of this service may not"),
        ([a_change("migrations/0001.sql")], "cannot be rolled back"),
        ([a_change("shop/migrations/0001.py")], "cannot be rolled back"),
    ],
)
def test_what_a_hotfix_may_not(changes: list[FileChange], says: str) -> None:
    (violation,) = violations(changes, POLICY, irreversible_accepted=False)
    assert says in violation


def test_names_that_only_look_forbidden_are_allowed() -> None:
    innocent = [a_change("shop/migrations.py"), a_change("docs/Dockerfile.md")]
    assert violations(innocent, POLICY, irreversible_accepted=False) == ()


def test_an_irreversible_change_can_be_accepted_and_nothing_else_with_it() -> None:
    change = [a_change("migrations/0001.sql", added=20)]
    assert len(violations(change, POLICY, irreversible_accepted=False)) == 2
    assert violations(change, POLICY, irreversible_accepted=True) == ("it changes 21 lines, the limit is 10",)


def test_every_violation_is_named() -> None:
    changes = [a_change("Dockerfile", 20, 0), a_change("x.bin", 0, 0, binary=True), a_change("migrations/1")]
    assert len(violations(changes, POLICY, irreversible_accepted=False)) == 5


def holds(
    fix: Fix | None = None, tests: TestReport | None = None, security: SecurityReport | None = None, **changes: Any
) -> dict[str, bool]:
    checks = silence_checks(
        fix or a_fix(),
        tests or a_test_report(),
        security or a_security_report(),
        changes.get("policy", POLICY),
        changes.get("irreversible", False),
        changes.get("doubts", ()),
    )
    assert all(check.detail for check in checks)
    return {check.name: check.holds for check in checks}


def only_false(found: dict[str, bool]) -> str:
    (name,) = [name for name, good in found.items() if not good]
    return name


def test_silence_can_be_trusted_when_everything_holds() -> None:
    found = holds()
    assert len(found) == 6
    assert all(found.values())


def test_without_a_proof_silence_says_nothing() -> None:
    assert only_false(holds(a_fix(proved=False))) == "the fix is proved"


@pytest.mark.parametrize(
    "changes", [{"verdict": TestVerdict.FAILED}, {"verdict": TestVerdict.INCONCLUSIVE}, {"passed": 0}]
)
def test_without_tests_that_passed_silence_says_nothing(changes: dict[str, Any]) -> None:
    assert only_false(holds(tests=a_test_report(**changes))) == "tests ran and passed"


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": SecurityVerdict.BLOCK},
        {"verdict": SecurityVerdict.INCONCLUSIVE},
        {"verdict": SecurityVerdict.CAUTION, "carried": (a_finding(severity=Severity.HIGH),)},
        {"verdict": SecurityVerdict.CAUTION, "carried": (a_finding(severity=Severity.CRITICAL),)},
    ],
)
def test_without_clear_security_silence_says_nothing(changes: dict[str, Any]) -> None:
    assert only_false(holds(security=a_security_report(**changes))) == "security is clear"


def test_small_findings_do_not_keep_silence_from_approving() -> None:
    carried = (a_finding(severity=Severity.MEDIUM), a_finding("two", severity=Severity.LOW))
    assert all(holds(security=a_security_report(verdict=SecurityVerdict.CAUTION, carried=carried)).values())


def test_outside_the_policy_silence_says_nothing() -> None:
    large = a_fix(changes=(a_change(added=100),))
    assert only_false(holds(large)) == "the change is within the policy"


def test_without_a_way_back_silence_says_nothing() -> None:
    assert only_false(holds(doubts=("it cannot be restored",))) == "the rollback plan is proven"
