"""How bad and how sure depends on the context, and not on what a tool calls it."""

from __future__ import annotations

import pytest

from hotfix.adapters.scanners.severity import of_bandit, of_gitleaks, of_ruff
from hotfix.domain.policy import blocks
from hotfix.domain.security import Finding, Severity
from hotfix.domain.service import SecurityPolicy


def stops(rule: str, line: str, path: str = "shop/a.py") -> bool:
    judged = of_bandit(rule, "HIGH", "HIGH", line, path)
    finding = Finding(
        identity="i", scanner="bandit", rule=rule, severity=judged.severity, path=path, line=1, message="m",
        confidence=judged.confidence, cwe=judged.cwe,
    )  # fmt: skip
    return blocks(finding, SecurityPolicy())


@pytest.mark.parametrize(
    ("rule", "line", "path", "expected"),
    [
        ("B324", "etag = hashlib.md5(content)", "shop/a.py", False),
        ("B501", "requests.get(url, verify=False)", "shop/a.py", True),
        ("B501", "requests.get('https://localhost:8443', verify=False)", "shop/a.py", False),
        ("B501", "requests.get(url, verify=False)", "tests/test_a.py", False),
        ("B602", "subprocess.run(x, shell=True)", "shop/a.py", True),
        ("B602", "subprocess.run(x, shell=True)", "tests/test_a.py", False),
        ("B999", "a rule of tomorrow", "shop/a.py", True),
    ],
)
def test_what_stops_a_hotfix(rule: str, line: str, path: str, expected: bool) -> None:
    assert stops(rule, line, path) is expected


def test_a_hash_beside_a_password_is_worse() -> None:
    checksum = of_bandit("B324", "HIGH", "HIGH", "hashlib.md5(content)", "a.py")
    password = of_bandit("B324", "HIGH", "HIGH", "hashlib.md5(password)", "a.py")
    assert (checksum.severity, password.severity) == (Severity.MEDIUM, Severity.HIGH)


@pytest.mark.parametrize("number", [102, 301, 324, 501, 506, 602, 608, 701])
def test_bandit_and_ruff_are_judged_alike(number: int) -> None:
    assert of_bandit(f"B{number}", "HIGH", "HIGH", "x", "a.py") == of_ruff(f"S{number}", "", "x", "a.py")


def test_a_providers_secret_is_live_in_tests_too() -> None:
    assert of_gitleaks("aws-access-token", "tests/a.py") == of_gitleaks("aws-access-token", "a.py")
    assert of_gitleaks("generic-api-key", "tests/a.py").severity is Severity.MEDIUM
    assert of_gitleaks("generic-api-key", "a.py").severity is Severity.CRITICAL
