"""How bad a finding is and how sure, in one table for all tools.

CRITICAL hands over the machine or a secret. Confidence HIGH is for rules that hardly ever match anything else: with the
default policy they block from severity HIGH on. Bandit and ruff (``S``) number the same rules alike; what bandit says
about severity and confidence is used for rules that are not listed. Opengrep's rules are ours and carry their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hotfix.domain.security import SECRET_CWE, Confidence, Severity
from hotfix.domain.source_paths import is_test

CRITICAL, HIGH, MEDIUM, LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
SURE, LIKELY, GUESS = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW


@dataclass(frozen=True)
class Judgement:
    """``cwe`` is the number of the weakness, 0 for none in particular."""

    severity: Severity
    confidence: Confidence
    cwe: int


# By the number that bandit (B…) and ruff (S…) share.
_NUMBERED: dict[int, Judgement] = {
    101: Judgement(LOW, GUESS, 703),
    102: Judgement(HIGH, LIKELY, 95),
    103: Judgement(HIGH, LIKELY, 732),
    104: Judgement(LOW, GUESS, 668),
    **dict.fromkeys((105, 106, 107), Judgement(MEDIUM, GUESS, SECRET_CWE)),
    108: Judgement(MEDIUM, LIKELY, 377),
    **dict.fromkeys((110, 112), Judgement(LOW, SURE, 703)),
    113: Judgement(LOW, SURE, 400),
    201: Judgement(HIGH, LIKELY, 489),
    202: Judgement(HIGH, LIKELY, 22),
    **dict.fromkeys((301, 302), Judgement(HIGH, LIKELY, 502)),
    # A checksum is no crime; next to a password it is (see ``_SENSITIVE``).
    **dict.fromkeys((303, 324), Judgement(MEDIUM, GUESS, 327)),
    **dict.fromkeys((304, 305), Judgement(HIGH, LIKELY, 327)),
    306: Judgement(MEDIUM, SURE, 377),
    307: Judgement(HIGH, LIKELY, 95),
    308: Judgement(MEDIUM, LIKELY, 79),
    310: Judgement(LOW, GUESS, 918),
    311: Judgement(LOW, GUESS, 330),
    **dict.fromkeys((312, 321), Judgement(MEDIUM, LIKELY, 319)),
    **dict.fromkeys(range(313, 321), Judgement(MEDIUM, LIKELY, 611)),
    323: Judgement(HIGH, SURE, 295),
    **dict.fromkeys((501, 507), Judgement(HIGH, SURE, 295)),
    **dict.fromkeys((502, 503, 504), Judgement(HIGH, LIKELY, 327)),
    505: Judgement(HIGH, LIKELY, 326),
    506: Judgement(HIGH, SURE, 502),
    **dict.fromkeys((508, 509), Judgement(MEDIUM, LIKELY, 319)),
    601: Judgement(MEDIUM, GUESS, 78),
    **dict.fromkeys((602, 605), Judgement(CRITICAL, LIKELY, 78)),
    604: Judgement(HIGH, LIKELY, 78),
    608: Judgement(MEDIUM, LIKELY, 89),
    609: Judgement(HIGH, LIKELY, 78),
    **dict.fromkeys((610, 611), Judgement(MEDIUM, LIKELY, 89)),
    612: Judgement(HIGH, LIKELY, 94),
    **dict.fromkeys((614, 615), Judgement(MEDIUM, LIKELY, 502)),
    701: Judgement(HIGH, LIKELY, 79),
    **dict.fromkeys((702, 703, 704), Judgement(MEDIUM, LIKELY, 79)),
}
_LITERAL_COMMAND = frozenset({602, 604, 605, 609})
_HASHES = frozenset({303, 324})
_TLS = frozenset({323, 501})

_BANDIT_SEVERITY = {"HIGH": HIGH, "MEDIUM": MEDIUM, "LOW": LOW}
_BANDIT_CONFIDENCE = {"HIGH": SURE, "MEDIUM": LIKELY, "LOW": GUESS}

_SENSITIVE = re.compile(r"passw|pwd|secret|token|credential|signature|hmac|api_?key", re.IGNORECASE)
_LOOPBACK = re.compile(r"\b(localhost|127\.0\.0\.1|\[::1\])")
_ASSERTS = frozenset({"B101", "S101"})
# They point at a module that is imported, or at a program that is started the safe way: nothing to mend.
_NO_FLAW = frozenset({*range(401, 416), 603, 606, 607})

# Gitleaks' rules for anything that looks random beside a word like "key".
_GENERIC_LEAKS = frozenset({"generic-api-key", "curl-auth-header", "curl-auth-user", "hashicorp-tf-password"})


def of_bandit(rule: str, severity: str, confidence: str, line: str, path: str) -> Judgement:
    """Bandit's words for severity and confidence decide where the rule is not listed; an unknown word is HIGH."""
    own = Judgement(_BANDIT_SEVERITY.get(severity, HIGH), _BANDIT_CONFIDENCE.get(confidence, SURE), 0)
    return _numbered(rule, own, severity == "LOW", line, path)


def of_ruff(rule: str, message: str, line: str, path: str) -> Judgement:
    """Ruff tells a shell with a literal command from an injection by its words only."""
    return _numbered(rule, Judgement(LOW, GUESS, 0), "seems safe" in message, line, path)


def of_gitleaks(rule: str, path: str) -> Judgement:
    """A provider's own form is a live secret wherever it stands; random text beside "key" is none in tests."""
    if rule in _GENERIC_LEAKS:
        return Judgement(MEDIUM, GUESS, SECRET_CWE) if is_test(path) else Judgement(CRITICAL, LIKELY, SECRET_CWE)
    return Judgement(CRITICAL, SURE, SECRET_CWE)


def of_own_rule(judgement: Judgement, path: str) -> Judgement:
    """What a rule of ours says of itself; minor in tests, but for secrets."""
    if is_test(path) and judgement.cwe != SECRET_CWE:
        return Judgement(LOW, GUESS, judgement.cwe)
    return judgement


def is_expected(rule: str, path: str) -> bool:
    """Whether the rule finds there what belongs there: assertions in tests, or what is no flaw anywhere."""
    return (rule in _ASSERTS and is_test(path)) or (rule[1:].isdigit() and int(rule[1:]) in _NO_FLAW)


def _numbered(rule: str, own: Judgement, literal: bool, line: str, path: str) -> Judgement:
    number = int(rule[1:]) if rule[1:].isdigit() else 0
    found = _NUMBERED.get(number, own)
    if is_test(path) or (literal and number in _LITERAL_COMMAND):
        return Judgement(LOW, GUESS, found.cwe)
    if number in _HASHES and _SENSITIVE.search(line):
        return Judgement(HIGH, LIKELY, found.cwe)
    if number in _TLS and _LOOPBACK.search(line):
        return Judgement(MEDIUM, GUESS, found.cwe)
    return found
