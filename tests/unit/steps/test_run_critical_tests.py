"""Nothing run is never a pass; what production breaks already is not blamed on the fix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hotfix.domain.fix import Fix
from hotfix.domain.testing import Outcome, TestCase, TestReport, TestRun, TestVerdict
from hotfix.steps.run_critical_tests import run_critical_tests
from tests.support.documents import a_change, a_fix, a_profile
from tests.support.world import GOOD_PRICING, TEST, World

PASSED, FAILED, ERROR, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED


def a_run(problem: str = "", **outcomes: Outcome) -> TestRun:
    cases = tuple(TestCase(id=name, outcome=outcome, seconds=0.1) for name, outcome in outcomes.items())
    return TestRun(cases=cases, exit_code=0, seconds=1, output="", problem=problem)


@pytest.fixture
def fix(world: World) -> Fix:
    commit = world.history.commit("Fix", {"shop/pricing.py": GOOD_PRICING}, branch="fix", parents=[world.production])
    return a_fix(commit=commit, base=world.production)


def run(world: World, fix: Fix, on_fix: TestRun | None, on_production: TestRun | None) -> TestReport:
    scripted = {fix.commit: on_fix, fix.base: on_production}
    world.runner.runs = {sha: each for sha, each in scripted.items() if each is not None}
    return run_critical_tests(
        world.profile,
        fix,
        repository=world.repository,
        runner=world.runner,
        artefacts=world.artefacts,
        progress=world.progress,
    )


def test_tests_that_pass(world: World, fix: Fix) -> None:
    report = run(world, fix, a_run(a=PASSED, b=PASSED, c=SKIPPED), a_run(a=PASSED, b=FAILED, c=SKIPPED))
    assert report.verdict is TestVerdict.PASSED
    assert (report.ran, report.passed, report.skipped, report.fixed, report.broken) == (3, 2, 1, ("b",), ())
    assert [(test.path, test.reasons) for test in report.selected] == [
        ("tests/test_pricing.py", ("critical for the service", "imports shop/pricing.py"))
    ]
    assert world.runner.calls == [(fix.commit, ("tests/test_pricing.py",)), (fix.base, ("tests/test_pricing.py",))]
    assert set(json.loads(world.artefacts.contents["tests.json"])) == {"selected", "fix", "production"}


@pytest.mark.parametrize("outcome", [FAILED, ERROR])
@pytest.mark.parametrize("before", [{"b": PASSED}, {"b": SKIPPED}, {}])
def test_what_the_change_breaks_fails(world: World, fix: Fix, outcome: Outcome, before: dict[str, Any]) -> None:
    report = run(world, fix, a_run(a=PASSED, b=outcome), a_run(a=PASSED, **before))
    assert report.verdict is TestVerdict.FAILED
    assert [case.id for case in report.broken] == ["b"]
    assert "b" in report.why


def test_what_was_broken_before_does_not_fail(world: World, fix: Fix) -> None:
    report = run(world, fix, a_run(a=PASSED, b=FAILED), a_run(a=PASSED, b=ERROR))
    assert (report.verdict, report.already_broken, report.broken) == (TestVerdict.PASSED, ("b",), ())
    assert "1 fail on production's version too" in report.why


def test_a_run_on_production_that_cannot_be_trusted_excuses_nothing(world: World, fix: Fix) -> None:
    report = run(world, fix, a_run(a=PASSED, b=FAILED), a_run("killed after 600 s", a=PASSED, b=FAILED))
    assert report.verdict is TestVerdict.FAILED


@pytest.mark.parametrize(
    "on_fix",
    [
        a_run(),
        a_run(a=SKIPPED, b=SKIPPED),
        a_run("killed after 600 s", a=PASSED),
        a_run(a=FAILED),
        None,
    ],
    ids=["no cases", "all skipped", "cannot be trusted", "only old failures", "did not run"],
)
def test_nothing_shown_is_no_pass(world: World, fix: Fix, on_fix: TestRun | None) -> None:
    report = run(world, fix, on_fix, a_run(a=FAILED))
    assert report.verdict is TestVerdict.INCONCLUSIVE
    assert report.why


def test_a_critical_test_that_is_not_there_is_no_pass(world: World, fix: Fix) -> None:
    tests = {"critical": ("tests/test_pricing.py", "tests/test_gone.py")}
    world.profile = a_profile(repository=world.history.url, tests=tests)
    report = run(world, fix, a_run(a=PASSED), a_run(a=PASSED))
    assert report.verdict is TestVerdict.INCONCLUSIVE
    assert "tests/test_gone.py" in report.why


def test_without_any_test_nothing_is_run_and_nothing_passed(world: World, fix: Fix) -> None:
    world.profile = a_profile(
        repository=world.history.url, tests={"critical": ("gone/test_gone.py",), "paths": ("gone",)}
    )
    report = run(world, fix, a_run(a=PASSED), a_run(a=PASSED))
    assert (report.verdict, report.ran, world.runner.calls) == (TestVerdict.INCONCLUSIVE, 0, [])


def test_a_test_that_the_fix_brings_runs_only_where_it_is(world: World) -> None:
    files = {"shop/pricing.py": GOOD_PRICING, "tests/test_tiers.py": TEST}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    changes = (a_change(), a_change("tests/test_tiers.py", 4, 0))
    fix = a_fix(commit=commit, base=world.production, changes=changes)
    report = run(world, fix, a_run(a=PASSED, new=PASSED), a_run(a=PASSED))
    asked = dict(world.runner.calls)
    assert set(asked[fix.commit]) == {"tests/test_pricing.py", "tests/test_tiers.py"}
    assert set(asked[fix.base]) == {"tests/test_pricing.py"}
    assert report.verdict is TestVerdict.PASSED
