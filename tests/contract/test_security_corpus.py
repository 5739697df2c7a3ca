"""The whole review on small changes with a known answer, each scanner once over all of them.

The rates are the targets of ``make bench-security``, which also says which scanner saw what.
"""

from __future__ import annotations

import pytest

from hotfix.adapters.scanners import BanditScanner, GitleaksScanner, OpengrepScanner, RuffScanner
from hotfix.domain.security import SecurityVerdict
from hotfix.steps.review_security import Review
from tests.support.opengrep import needs_opengrep
from tests.support.security_corpus import GROUPS, Case, load, review_together

pytestmark = needs_opengrep
CASES = [case for group in GROUPS for case in load(group)]
OPEN = (SecurityVerdict.BLOCK, SecurityVerdict.CAUTION)


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Review]:
    scanners = (BanditScanner(), RuffScanner(), OpengrepScanner(), GitleaksScanner())
    return review_together(CASES, scanners, tmp_path_factory.mktemp("corpus"))


def verdicts(reviews: dict[str, Review], cases: list[Case]) -> dict[str, SecurityVerdict]:
    return {case.name: reviews[case.name].report.verdict for case in cases}


@pytest.mark.xdist_group("security-corpus")
def test_weaknesses_are_seen(reviews: dict[str, Review]) -> None:
    cases = [case for case in CASES if case.objectionable]
    found = verdicts(reviews, cases)
    missed = [name for name, verdict in found.items() if verdict not in OPEN]
    assert len(cases) >= 40
    assert len(missed) <= 0.1 * len(cases), missed
    unnamed = [case.name for case in cases if case.cwe not in {each.cwe for each in reviews[case.name].comparison.new}]
    assert len(unnamed) <= 0.1 * len(cases), unnamed


@pytest.mark.xdist_group("security-corpus")
def test_harmless_changes_pass(reviews: dict[str, Review]) -> None:
    cases = [case for case in CASES if not case.objectionable]
    found = verdicts(reviews, cases)
    blocked = [name for name, verdict in found.items() if verdict is SecurityVerdict.BLOCK]
    assert len(cases) >= 40
    assert len(blocked) <= 0.05 * len(cases), blocked
    clear = [name for name, verdict in found.items() if verdict is SecurityVerdict.CLEAR]
    assert len(clear) > 0.6 * len(cases)
