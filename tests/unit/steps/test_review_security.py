"""Only what the change brings in counts; a scanner that did not do its work keeps the gate closed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hotfix.domain.fix import Fix
from hotfix.domain.policy import silence_checks
from hotfix.domain.security import Finding, SecurityReport, SecurityVerdict, Severity
from hotfix.domain.service import Policy
from hotfix.steps.review_security import review_security
from tests.contract.fakes.scanner import FakeScanner
from tests.support.documents import a_change, a_finding, a_fix, a_test_report
from tests.support.world import GOOD_PRICING, World

OLD = a_finding("old", Severity.CRITICAL)


@pytest.fixture
def fix(world: World) -> Fix:
    files = {"shop/pricing.py": GOOD_PRICING, "shop/stock.py": None, "shop/new.py": "x = 1\n"}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    changes = tuple(a_change(path) for path in sorted(files))
    return a_fix(commit=commit, base=world.production, changes=changes)


def a_scanner(fix: Fix, on_fix: Sequence[Finding], on_base: Sequence[Finding] = (), name: str = "fake") -> FakeScanner:
    return FakeScanner({fix.commit: tuple(on_fix), fix.base: tuple(on_base)}, name)


def review(world: World, fix: Fix, *scanners: FakeScanner) -> SecurityReport:
    return review_security(
        fix, repository=world.repository, scanners=scanners, artefacts=world.artefacts, progress=world.progress
    )


def test_nothing_new_is_clear(world: World, fix: Fix) -> None:
    report = review(world, fix, a_scanner(fix, [OLD], [OLD]), a_scanner(fix, [], [], "other"))
    assert (report.verdict, report.pre_existing, report.carried) == (SecurityVerdict.CLEAR, 1, ())
    assert [run.name for run in report.scanners] == ["fake", "other"]
    assert "security.json" in world.artefacts.contents


def test_a_finding_that_goes_is_counted_as_fixed(world: World, fix: Fix) -> None:
    assert review(world, fix, a_scanner(fix, [], [OLD])).fixed == 1


def test_a_critical_finding_blocks(world: World, fix: Fix) -> None:
    bad = a_finding("new", Severity.CRITICAL)
    report = review(world, fix, a_scanner(fix, [bad, a_finding("small", Severity.LOW)]))
    assert (report.verdict, report.blocking) == (SecurityVerdict.BLOCK, (bad,))
    assert "R1 in shop/pricing.py:1" in report.why


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.MEDIUM, Severity.LOW])
def test_other_new_findings_are_carried_into_the_follow_up(world: World, fix: Fix, severity: Severity) -> None:
    small = a_finding("new", severity)
    report = review(world, fix, a_scanner(fix, [small, OLD], [OLD]))
    assert (report.verdict, report.carried, report.blocking) == (SecurityVerdict.CAUTION, (small,), ())


def test_a_failed_scanner_is_inconclusive_on_either_version(world: World, fix: Fix) -> None:
    clean = a_scanner(fix, [])
    for lacking in (fix.commit, fix.base):
        broken = FakeScanner({sha: () for sha in (fix.commit, fix.base) if sha != lacking}, "broken")
        report = review(world, fix, clean, broken)
        assert report.verdict is SecurityVerdict.INCONCLUSIVE
        assert "broken: nothing is scripted" in report.why


def test_a_critical_finding_blocks_also_when_another_scanner_failed(world: World, fix: Fix) -> None:
    report = review(world, fix, a_scanner(fix, [a_finding("new", Severity.CRITICAL)]), FakeScanner({}, "broken"))
    assert report.verdict is SecurityVerdict.BLOCK


def test_without_scanners_nothing_is_clear(world: World, fix: Fix) -> None:
    assert review(world, fix).verdict is SecurityVerdict.INCONCLUSIVE


def test_each_version_is_scanned_where_its_files_are(world: World, fix: Fix) -> None:
    scanner = a_scanner(fix, [])
    review(world, fix, scanner)
    assert dict(scanner.calls) == {
        fix.commit: ("shop/new.py", "shop/pricing.py"),
        fix.base: ("shop/pricing.py", "shop/stock.py"),
    }


def test_a_serious_finding_is_not_lost_behind_many_small_ones(world: World, fix: Fix) -> None:
    """The report lists a limited number; silence is judged by what it lists."""
    small = [a_finding(f"small-{number}", Severity.LOW) for number in range(40)]
    report = review(world, fix, a_scanner(fix, [*small, a_finding("serious", Severity.HIGH)]))
    assert "serious" in {finding.identity for finding in report.carried}
    checks = silence_checks(fix, a_test_report(), report, Policy(), irreversible=False, restorable=True)
    assert {check.name: check.holds for check in checks}["security is clear"] is False


def test_the_document_stays_small_whatever_is_found(world: World, fix: Fix) -> None:
    many = [a_finding(f"{number}", severity) for number in range(300) for severity in (Severity.MEDIUM,)]
    assert review(world, fix, a_scanner(fix, many)).to_xcom()
