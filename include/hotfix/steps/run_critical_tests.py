"""The service's critical tests and those that the change affects, on the fix and on production's version."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hotfix.analysis.affected_tests import affected_tests
from hotfix.domain.fix import Fix
from hotfix.domain.service import ServiceProfile
from hotfix.domain.testing import Outcome, SelectedTest, TestCase, TestReport, TestRun, TestVerdict
from hotfix.ports.artefacts import ArtefactStore
from hotfix.ports.repository import Repository
from hotfix.ports.test_runner import TestRunner

LISTED = 20


def run_critical_tests(
    profile: ServiceProfile,
    fix: Fix,
    *,
    repository: Repository,
    runner: TestRunner,
    artefacts: ArtefactStore,
    progress: Callable[[str], None],
) -> TestReport:
    """What the change broke, fixed, and what was broken before. Nothing run is never a pass."""
    repository.fetch()
    with repository.checkout(fix.commit) as tree:
        selected, missing = _select(tree, profile, fix)
        progress(f"{len(selected)} test files selected")
        on_fix = runner.run(tree, tuple(test.path for test in selected)) if selected else _nothing()
    progress(f"on the fix: {_counts(on_fix)}")
    with repository.checkout(fix.base) as tree:
        there = tuple(test.path for test in selected if (tree / test.path.split("::")[0]).exists())
        on_production = runner.run(tree, there) if there else _nothing()
    progress(f"on production's version: {_counts(on_production)}")
    return _compare(selected, missing, on_fix, on_production, artefacts)


def _select(tree: Path, profile: ServiceProfile, fix: Fix) -> tuple[tuple[SelectedTest, ...], tuple[str, ...]]:
    reasons: dict[str, list[str]] = {}
    missing = []
    for path in profile.tests.critical:
        if (tree / path.split("::")[0]).exists():
            reasons.setdefault(path, []).append("critical for the service")
        else:
            missing.append(path)
    changed = [change.path for change in fix.changes]
    for path, why in affected_tests(tree, changed, profile.tests.paths, profile.tests.source_roots).items():
        reasons.setdefault(path, []).append(why)
    return tuple(SelectedTest(path=path, reasons=tuple(why)) for path, why in reasons.items()), tuple(missing)


def _compare(
    selected: tuple[SelectedTest, ...],
    missing: tuple[str, ...],
    on_fix: TestRun,
    on_production: TestRun,
    artefacts: ArtefactStore,
) -> TestReport:
    bad = (Outcome.FAILED, Outcome.ERROR)
    passed = on_fix.with_outcome(Outcome.PASSED)
    failed = on_fix.with_outcome(*bad)
    # A run on production's version that cannot be trusted excuses nothing.
    before = {} if on_production.problem else {case.id: case.outcome for case in on_production.cases}
    broken = tuple(case for case in failed if before.get(case.id) not in bad)
    already = tuple(case.id for case in failed if before.get(case.id) in bad)
    fixed = tuple(case.id for case in passed if before.get(case.id) in bad)
    verdict, why = _verdict(missing, on_fix, passed, broken, already)
    return TestReport(
        verdict=verdict,
        why=why,
        selected=selected[:LISTED],
        ran=len(on_fix.cases),
        passed=len(passed),
        skipped=len(on_fix.with_outcome(Outcome.SKIPPED)),
        fixed=fixed[:LISTED],
        broken=broken[:LISTED],
        already_broken=already[:LISTED],
        seconds=round(on_fix.seconds + on_production.seconds, 1),
        output=artefacts.put("tests.json", _details(selected, on_fix, on_production)),
    )


def _verdict(
    missing: tuple[str, ...],
    run: TestRun,
    passed: tuple[TestCase, ...],
    broken: tuple[TestCase, ...],
    already: tuple[str, ...],
) -> tuple[TestVerdict, str]:
    if broken:
        return (
            TestVerdict.FAILED,
            f"{len(broken)} tests are broken by the change: {', '.join(t.id for t in broken[:5])}",
        )
    if missing:
        return (
            TestVerdict.INCONCLUSIVE,
            f"critical tests of the profile are not in the repository: {', '.join(missing)}",
        )
    if run.problem:
        return TestVerdict.INCONCLUSIVE, run.problem
    if not passed:
        return TestVerdict.INCONCLUSIVE, "no test passed: nothing was shown"
    known = f", {len(already)} fail on production's version too" if already else ""
    return TestVerdict.PASSED, f"{len(passed)} passed, none broken by the change{known}"


def _nothing() -> TestRun:
    return TestRun(cases=(), exit_code=None, seconds=0, output="", problem="no test was selected")


def _counts(run: TestRun) -> str:
    return run.problem or ", ".join(
        f"{len(run.with_outcome(outcome))} {outcome.value}" for outcome in Outcome if run.with_outcome(outcome)
    )


def _details(selected: tuple[SelectedTest, ...], on_fix: TestRun, on_production: TestRun) -> str:
    return json.dumps(
        {
            "selected": [test.model_dump(mode="json") for test in selected],
            "fix": on_fix.model_dump(mode="json"),
            "production": on_production.model_dump(mode="json"),
        },
        indent=1,
    )
