"""How bad a finding is, in one table a scanner. CRITICAL is for what hands over the machine or a secret."""

from __future__ import annotations

from pathlib import PurePosixPath

from hotfix.domain.security import Severity

CRITICAL, HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW

GITLEAKS = CRITICAL

_BANDIT = {"HIGH": HIGH, "MEDIUM": MEDIUM, "LOW": LOW}

# Rules that are not listed are LOW.
_RUFF = {
    **dict.fromkeys(("S604", "S605", "S602", "S506"), CRITICAL),
    **dict.fromkeys(("S102", "S307", "S301", "S302"), HIGH),  # runs or rebuilds whatever text it is given
    **dict.fromkeys(("S105", "S106", "S107"), HIGH),  # a password in the source
    **dict.fromkeys(("S501", "S502", "S503", "S504", "S323", "S507"), HIGH),  # the peer is not verified
    **dict.fromkeys(("S201", "S202", "S601", "S609", "S612"), HIGH),
    **dict.fromkeys(("S608", "S610", "S611", "S701", "S702", "S704", "S308"), MEDIUM),  # injection, if fed by users
    **dict.fromkeys(("S103", "S108", "S113", "S306", "S310"), MEDIUM),
    **dict.fromkeys(("S303", "S304", "S305", "S324", "S505", "S508", "S509", "S312", "S321"), MEDIUM),
    **dict.fromkeys(("S313", "S314", "S315", "S316", "S317", "S318", "S319"), MEDIUM),
}
_ASSERTS = frozenset({"B101", "S101"})


def of_bandit(severity: str, confidence: str) -> Severity:
    """A HIGH that bandit is at least fairly sure of is critical; a word that is not known here is HIGH."""
    if severity == "HIGH" and confidence in ("HIGH", "MEDIUM"):
        return CRITICAL
    return _BANDIT.get(severity, HIGH)


def of_ruff(rule: str, message: str) -> Severity:
    """Ruff tells a shell with a literal command from an injection by its words only."""
    if "seems safe" in message:
        return LOW
    return _RUFF.get(rule, LOW)


def is_expected(rule: str, path: str) -> bool:
    """Whether the rule finds there what belongs there: assertions in tests."""
    parts = PurePosixPath(path)
    in_tests = bool({"test", "tests"} & set(parts.parts[:-1])) or parts.name == "conftest.py"
    return rule in _ASSERTS and (in_tests or parts.name.startswith("test_") or parts.stem.endswith("_test"))
