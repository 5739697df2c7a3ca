"""Only what the change brings in counts; a scanner that did not do its work keeps the gate closed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from hotfix.adapters.scanners import RuffScanner
from hotfix.domain.fix import Fix
from hotfix.domain.policy import silence_checks
from hotfix.domain.security import Confidence, Finding, ScanResult, SecurityReport, SecurityVerdict, Severity
from hotfix.domain.service import Policy, SecurityPolicy
from hotfix.steps.review_security import review_security
from tests.contract.fakes.scanner import FakeScanner
from tests.support.documents import a_change, a_finding, a_fix, a_test_report
from tests.support.world import GOOD_PRICING, World

RULES = ["removed-protection", "dangerous-changes"]
OLD = a_finding("old", Severity.CRITICAL)


@pytest.fixture
def fix(world: World) -> Fix:
    files = {"shop/pricing.py": GOOD_PRICING, "shop/stock.py": None, "shop/new.py": "x = 1\n"}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    changes = tuple(a_change(path) for path in sorted(files))
    return a_fix(commit=commit, base=world.production, changes=changes)


def a_scanner(fix: Fix, on_fix: Sequence[Finding], on_base: Sequence[Finding] = (), name: str = "fake") -> FakeScanner:
    return FakeScanner({fix.commit: tuple(on_fix), fix.base: tuple(on_base)}, name)


def review(world: World, fix: Fix, *scanners: FakeScanner, policy: SecurityPolicy | None = None) -> SecurityReport:
    return review_security(
        fix,
        repository=world.repository,
        scanners=scanners,
        policy=policy or SecurityPolicy(),
        artefacts=world.artefacts,
        progress=world.progress,
    )


def test_nothing_new_is_clear(world: World, fix: Fix) -> None:
    report = review(world, fix, a_scanner(fix, [OLD], [OLD]), a_scanner(fix, [], [], "other"))
    assert (report.verdict, report.pre_existing, report.carried) == (SecurityVerdict.CLEAR, 1, ())
    assert [run.name for run in report.scanners] == ["fake", "other", *RULES]
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


def test_a_failed_scanner_is_inconclusive(world: World, fix: Fix) -> None:
    report = review(world, fix, a_scanner(fix, []), FakeScanner({fix.base: ()}, "broken"))
    assert report.verdict is SecurityVerdict.INCONCLUSIVE
    assert "broken: nothing is scripted" in report.why


def test_a_scanner_that_breaks_in_our_hands_is_inconclusive_and_hides_no_finding(world: World, fix: Fix) -> None:
    class Broken(FakeScanner):
        def scan(self, *_: Any) -> ScanResult:
            raise KeyError("secret = hunter2")

    report = review(world, fix, a_scanner(fix, []), Broken({}, "broken"))
    assert report.verdict is SecurityVerdict.INCONCLUSIVE
    assert "broken: its result cannot be understood (KeyError)" in report.why
    assert "hunter2" not in report.model_dump_json()
    critical = [a_finding(severity=Severity.CRITICAL)]
    assert review(world, fix, Broken({}, "broken"), a_scanner(fix, critical)).verdict is SecurityVerdict.BLOCK


def test_a_scanner_that_the_policy_names_optional_may_fail_and_is_told(world: World, fix: Fix) -> None:
    policy = SecurityPolicy(optional_scanners=("broken",))
    report = review(world, fix, a_scanner(fix, []), FakeScanner({}, "broken"), policy=policy)
    assert report.verdict is SecurityVerdict.CAUTION
    assert "broken: nothing is scripted" in report.why


def test_without_a_baseline_everything_counts_as_new(world: World, fix: Fix) -> None:
    """Production's version may be what cannot be parsed: its fix must be able to pass."""
    report = review(world, fix, FakeScanner({fix.commit: (a_finding("old", Severity.LOW),)}))
    assert (report.verdict, len(report.carried)) == (SecurityVerdict.CAUTION, 1)
    assert "no baseline" in report.why
    clean = review(world, fix, FakeScanner({fix.commit: ()}))
    assert clean.verdict is SecurityVerdict.CAUTION
    worst = review(world, fix, FakeScanner({fix.commit: (OLD,)}))
    assert worst.verdict is SecurityVerdict.BLOCK


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
    checks = silence_checks(fix, a_test_report(), report, Policy(), irreversible=False, doubts=())
    assert {check.name: check.holds for check in checks}["security is clear"] is False


def test_the_document_stays_small_whatever_is_found(world: World, fix: Fix) -> None:
    many = [a_finding(f"{number}", severity) for number in range(300) for severity in (Severity.MEDIUM,)]
    assert review(world, fix, a_scanner(fix, many)).to_xcom()


@pytest.mark.parametrize(
    ("severity", "confidence", "cwe", "policy", "blocked"),
    [
        (Severity.CRITICAL, Confidence.LOW, 0, SecurityPolicy(), True),
        (Severity.HIGH, Confidence.HIGH, 0, SecurityPolicy(), True),
        (Severity.HIGH, Confidence.MEDIUM, 0, SecurityPolicy(), False),
        (Severity.MEDIUM, Confidence.HIGH, 0, SecurityPolicy(), False),
        (Severity.MEDIUM, Confidence.HIGH, 798, SecurityPolicy(), True),
        (Severity.MEDIUM, Confidence.HIGH, 798, SecurityPolicy(block_secrets=False), False),
        (Severity.MEDIUM, Confidence.LOW, 0, SecurityPolicy(block_from=Severity.MEDIUM), True),
        (Severity.MEDIUM, Confidence.HIGH, 0, SecurityPolicy(block_confident_from=Severity.LOW), True),
        (Severity.CRITICAL, Confidence.HIGH, 0, SecurityPolicy(carry=("R1",)), False),
        (Severity.CRITICAL, Confidence.HIGH, 798, SecurityPolicy(carry=("R1",)), True),
    ],
)
def test_the_policy_says_what_blocks(
    world: World, fix: Fix, severity: Severity, confidence: Confidence, cwe: int, policy: SecurityPolicy, blocked: bool
) -> None:
    finding = a_finding("new", severity).model_copy(update={"confidence": confidence, "cwe": cwe})
    report = review(world, fix, a_scanner(fix, [finding]), policy=policy)
    assert (report.verdict is SecurityVerdict.BLOCK) is blocked
    assert len(report.blocking) == int(blocked)
    assert len(report.carried) == int(not blocked)


def change(world: World, files: dict[str | bytes, Any]) -> Fix:
    commit = world.history.commit("Fix", files, branch="other", parents=[world.production])
    changes = world.repository.changes(world.production, commit) if world.repository.fetch() is None else ()
    return a_fix(commit=commit, base=world.production, changes=changes)


def test_what_no_scanner_understands_is_named(world: World) -> None:
    fix = change(world, {"schema.sql": "create table a (b int);\n"})
    looked = FakeScanner({fix.commit: (), fix.base: ()})
    looked.covers = False
    report = review(world, fix, looked)
    assert (report.verdict, report.unscanned) == (SecurityVerdict.CAUTION, ("schema.sql",))
    assert "no scanner understands schema.sql" in report.why
    checks = silence_checks(fix, a_test_report(), report, Policy(), irreversible=False, doubts=())
    assert {check.name: check.holds for check in checks}["security is clear"] is False


def test_where_nobody_looked_nothing_is_clear(world: World) -> None:
    fix = change(world, {"schema.sql": "create table a (b int);\n"})
    idle = FakeScanner({fix.commit: (), fix.base: ()})
    idle.idle = True
    assert review(world, fix, idle).verdict is SecurityVerdict.INCONCLUSIVE


def test_prose_is_clear_though_nothing_was_scanned(world: World) -> None:
    fix = change(world, {"README.md": "# Shop\n\nNow with verify=False and # nosec.\n"})
    idle = FakeScanner({fix.commit: (), fix.base: ()})
    idle.idle = True
    report = review(world, fix, idle)
    assert report.verdict is SecurityVerdict.CLEAR
    assert "nothing to scan for fake" in report.why


def test_rules_about_the_change_count_like_scanners(world: World) -> None:
    before = "@login_required\ndef refunds(request):\n    return 1\n"
    base = world.history.commit("Admin", {"shop/admin.py": before}, branch="guarded", parents=[world.production])
    commit = world.history.commit("Fix", {"shop/admin.py": before.split("\n", 1)[1]}, branch="fix", parents=[base])
    fix = a_fix(commit=commit, base=base, changes=(a_change("shop/admin.py"),))
    report = review(world, fix, a_scanner(fix, []))
    assert report.verdict is SecurityVerdict.BLOCK
    assert [finding.rule for finding in report.blocking] == ["authentication-removed"]


def test_a_renamed_file_brings_nothing_new(world: World) -> None:
    fix = change(world, {"shop/stock.py": None, "shop/store.py": "x = 1\n"})
    old = a_finding("a", Severity.CRITICAL, "shop/stock.py").model_copy(update={"content": "c"})
    moved = a_finding("b", Severity.CRITICAL, "shop/store.py").model_copy(update={"content": "c"})
    report = review(world, fix, a_scanner(fix, [moved], [old]))
    assert (report.verdict, report.pre_existing, report.fixed) == (SecurityVerdict.CLEAR, 1, 1)


def test_a_name_that_is_not_utf8_is_not_passed_over(world: World) -> None:
    fix = change(world, {b"shop/caf\xe9.py": "eval(input())\n"})
    report = review_security(
        fix,
        repository=world.repository,
        scanners=(RuffScanner(),),
        policy=SecurityPolicy(),
        artefacts=world.artefacts,
        progress=world.progress,
    )
    assert report.verdict is SecurityVerdict.INCONCLUSIVE
    assert "rename it" in report.why


def test_the_whole_review_ends_with_its_time(world: World, fix: Fix) -> None:
    scanner = a_scanner(fix, [])
    review(world, fix, scanner, policy=SecurityPolicy(time_limit=7))
    assert scanner.time_limits
    assert max(scanner.time_limits) <= 7


def test_each_scanner_says_when_it_is_done(world: World, fix: Fix) -> None:
    review(world, fix, a_scanner(fix, [a_finding("new")]), FakeScanner({}, "broken"))
    lines = [line for line in world.lines if line.startswith(("fake", "broken", *RULES))]
    assert len(lines) == 4
    assert any(line.startswith("fake 0.0: ran, 1 new findings, 0.0 s") for line in lines)
    assert any(line.startswith("broken 0.0: failed") and "nothing is scripted" in line for line in lines)


def test_long_lists_are_cut_but_counted(world: World, fix: Fix) -> None:
    many = [
        a_finding(f"{number}", Severity.MEDIUM, "shop/pricing.py").model_copy(update={"message": "x" * 300})
        for number in range(300)
    ]
    report = review(world, fix, a_scanner(fix, many))
    assert report.carried_total == 300
    assert 0 < len(report.carried) <= 20
    assert len(report.to_xcom()["carried"]) == len(report.carried)
    assert len(json.loads(world.artefacts.contents["security.json"])["findings"]) == 300
