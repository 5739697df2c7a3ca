"""Nothing run is never a pass; what production breaks already is not blamed on the fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hotfix.domain.diagnosis import ReproducerRun
from hotfix.domain.fix import Fix
from hotfix.domain.test_map import TestMap
from hotfix.domain.testing import Outcome, TestCase, TestReport, TestRun, TestVerdict
from hotfix.steps.open_ends import untested
from hotfix.steps.run_critical_tests import run_critical_tests
from tests.contract.fakes.bug_database import InMemoryBugDatabase
from tests.contract.fakes.test_runner import FakeTestRunner
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
    incident = world.bug_database.incident_of_run("run-1") or world.open()
    return run_critical_tests(
        incident,
        world.profile,
        fix,
        repository=world.repository,
        runner=world.runner,
        bug_database=world.bug_database,
        artefacts=world.artefacts,
        progress=world.progress,
    )


def test_tests_that_pass(world: World, fix: Fix) -> None:
    report = run(world, fix, a_run(a=PASSED, b=PASSED, c=SKIPPED), a_run(a=PASSED, b=FAILED, c=SKIPPED))
    assert report.verdict is TestVerdict.PASSED
    assert (report.ran, report.passed, report.skipped, report.fixed, report.broken) == (3, 2, 1, ("b",), ())
    assert [(test.path, test.reasons) for test in report.selected] == [
        ("tests/test_pricing.py", ("critical for the service", "uses shop/pricing.py (discount)"))
    ]
    selection = ("tests/test_pricing.py",)
    # b is run twice more on production's version: it may fail by chance.
    assert world.runner.calls == [(fix.commit, selection), *[(fix.base, selection)] * 3]
    assert set(json.loads(world.artefacts.contents["tests.json"])) >= {"selected", "fix", "production"}


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
    assert world.runner.calls[0] == (fix.commit, ("tests/test_pricing.py",))
    assert asked[fix.commit] == ("tests/test_tiers.py",)
    assert set(asked[fix.base]) == {"tests/test_pricing.py"}
    assert report.verdict is TestVerdict.PASSED


def reason_of(world: World, fix: Fix, on_fix: TestRun, **tests: Any) -> TestReport:
    world.profile = a_profile(repository=world.history.url, tests={"critical": ("tests/test_pricing.py",), **tests})
    return run(world, fix, on_fix, a_run())


def case_run(*cases: tuple[str, Outcome]) -> TestRun:
    found = tuple(TestCase(id=name, outcome=outcome, seconds=0.1) for name, outcome in cases)
    return TestRun(cases=found, exit_code=0, seconds=1, output="", junit="<testsuite/>")


def test_critical_tests_that_were_all_skipped_are_no_pass(world: World) -> None:
    """One affected test that passes does not stand for the critical ones."""
    files = {"shop/pricing.py": GOOD_PRICING, "tests/test_tiers.py": TEST}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    fix = a_fix(commit=commit, base=world.production)
    skipped = case_run(("tests.test_pricing.test_price", SKIPPED), ("tests.test_tiers.test_price", PASSED))
    report = reason_of(world, fix, skipped)
    assert report.verdict is TestVerdict.INCONCLUSIVE
    assert "tests/test_pricing.py" in report.why
    shown = case_run(("tests.test_pricing.test_price", PASSED), ("tests.test_tiers.test_price", PASSED))
    assert reason_of(world, fix, shown).verdict is TestVerdict.PASSED


class Flaky(FakeTestRunner):
    """``flaky`` fails on the fix the first time, and passes from then on."""

    fix = ""

    def run(self, checkout: Path, tests: tuple[str, ...], **settings: Any) -> TestRun:
        found = super().run(checkout, tests, **settings)
        again = sum(sha == self.fix for sha, _ in self.calls) > 1
        if self.calls[-1][0] == self.fix and again:
            return a_run(a=PASSED, flaky=PASSED)
        return found


def test_a_test_that_passes_when_it_runs_again_is_flaky_and_neither_broken_nor_passed(world: World, fix: Fix) -> None:
    world.runner = runner = Flaky()
    runner.fix = fix.commit
    report = run(world, fix, a_run(a=PASSED, flaky=FAILED), a_run(a=PASSED, flaky=PASSED))
    assert (report.verdict, report.flaky, report.broken, report.passed) == (TestVerdict.PASSED, ("flaky",), (), 1)


@pytest.mark.parametrize(
    ("answers", "verdict", "said"),
    [
        (["", "", ""], TestVerdict.PASSED, "passed"),
        (["", "boom", ""], TestVerdict.INCONCLUSIVE, "flaky"),
        (["boom", "boom", "boom"], TestVerdict.FAILED, "failed"),
    ],
)
def test_the_reproducer_must_pass_every_time(
    world: World, fix: Fix, answers: list[str], verdict: TestVerdict, said: str
) -> None:
    left = list(answers)

    class Answering(FakeTestRunner):
        def reproduce(self, checkout: Path, sha: str) -> ReproducerRun:
            self.signatures[sha] = left.pop(0)
            return super().reproduce(checkout, sha)

    world.runner = Answering()
    world.open(failing_request="/quote?qty=11")
    report = run(world, fix, a_run(a=PASSED), a_run(a=PASSED))
    assert (report.verdict, report.reproducer) == (verdict, said)


def test_what_does_not_fit_the_budget_is_not_run_and_said(world: World) -> None:
    files = {"shop/pricing.py": GOOD_PRICING, "tests/test_tiers.py": TEST}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    fix = a_fix(commit=commit, base=world.production)
    incident = world.open()
    world.bug_database.remember_tests(incident, (), (), {"tests/test_tiers.py": 3000.0}, frozenset())
    report = run(world, fix, a_run(a=PASSED), a_run(a=PASSED))
    assert (report.not_run, report.not_run_total) == (("tests/test_tiers.py",), 1)
    assert "left out for time" in report.why
    assert all("tests/test_tiers.py" not in tests for _, tests in world.runner.calls)
    assert untested(report) == ("run tests/test_tiers.py: the gate had no time for it",)


def test_a_map_of_production_narrows_what_is_run(world: World) -> None:
    more = "\n\ndef test_dear():\n    assert price(1000)\n\n\ndef test_name():\n    assert price\n"
    base = world.history.commit("More tests", {"tests/test_more.py": "from shop.pricing import price\n" + more},
                                branch="more", parents=[world.production])  # fmt: skip
    commit = world.history.commit("Fix", {"shop/pricing.py": GOOD_PRICING}, branch="fix", parents=[base])
    fix = a_fix(commit=commit, base=base)
    lines = {"shop/pricing.py": frozenset(range(1, 60))}
    tests = {"tests/test_more.py::test_dear": lines, "tests/test_more.py::test_name": {}}
    world.runner.maps[base] = TestMap(base, tests, {}, {}, frozenset())
    run(world, fix, a_run(a=PASSED), a_run(a=PASSED))
    asked = {name for sha, names in world.runner.calls if sha == commit for name in names}
    assert "tests/test_more.py::test_dear" in asked
    assert "tests/test_more.py::test_name" not in asked


def test_production_is_run_once_for_the_same_selection(world: World, fix: Fix) -> None:
    run(world, fix, a_run(a=PASSED), a_run(a=PASSED))
    again = run(world, fix, a_run(a=PASSED), a_run(a=FAILED))
    assert [sha for sha, _ in world.runner.calls].count(fix.base) == 1
    assert again.fixed == ()


def test_a_run_that_cannot_be_trusted_is_not_kept(world: World, fix: Fix) -> None:
    for _ in range(2):
        run(world, fix, a_run(a=PASSED), a_run("killed", a=PASSED))
    assert [sha for sha, _ in world.runner.calls].count(fix.base) == 2


def test_what_a_change_broke_is_remembered_for_the_next_change_of_the_file(world: World, fix: Fix) -> None:
    run(world, fix, case_run(("tests.test_pricing.test_price", FAILED)), a_run())
    history = world.bug_database.test_history("shop", ("shop/pricing.py",))
    assert history.broken_by_similar == ("tests/test_pricing.py",)
    assert history.failed == {"tests/test_pricing.py"}
    assert world.bug_database.test_history("shop", ("shop/stock.py",)).broken_by_similar == ()


class Looking(FakeTestRunner):
    """Notes the settings that it finds in the checkout."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str | None] = []

    def run(self, checkout: Path, tests: tuple[str, ...], **settings: Any) -> TestRun:
        found = [checkout / "pytest.ini", checkout / "conftest.py"]
        self.seen.append("".join(file.read_text() for file in found if file.exists()) or None)
        return super().run(checkout, tests, **settings)


def test_the_settings_of_a_change_are_not_used_for_its_tests(world: World) -> None:
    files = {"shop/pricing.py": GOOD_PRICING, "pytest.ini": "[pytest]\naddopts = -k nothing\n"}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    world.runner = runner = Looking()
    report = run(world, a_fix(commit=commit, base=world.production), a_run(a=PASSED), a_run(a=PASSED))
    assert runner.seen
    assert set(runner.seen) == {None}
    assert report.configuration == ("pytest.ini decides how tests run: production's settings were used",)
    assert report.verdict is TestVerdict.PASSED


def test_a_changed_conftest_is_run_both_ways(world: World) -> None:
    files = {"shop/pricing.py": GOOD_PRICING, "conftest.py": "# new\n"}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    fix = a_fix(commit=commit, base=world.production)
    world.runner = runner = Looking()
    report = run(world, fix, a_run(a=PASSED), a_run(a=PASSED))
    assert runner.seen == ["# new\n", None, None]
    assert report.verdict is TestVerdict.PASSED

    class OnlyWithIt(FakeTestRunner):
        def run(self, checkout: Path, tests: tuple[str, ...], **settings: Any) -> TestRun:
            super().run(checkout, tests, **settings)
            return a_run(a=PASSED, b=PASSED if (checkout / "conftest.py").exists() else FAILED)

    world.runner = OnlyWithIt()
    world.bug_database = InMemoryBugDatabase()
    report = run(world, fix, None, None)
    assert report.verdict is TestVerdict.INCONCLUSIVE
    assert "conftest.py" in report.why


def test_settings_that_cannot_be_put_back_are_no_pass(world: World) -> None:
    files = {"shop/pricing.py": GOOD_PRICING, "pyproject.toml": "[tool.pytest.ini_options\n"}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    report = run(world, a_fix(commit=commit, base=world.production), a_run(a=PASSED), a_run(a=PASSED))
    assert report.verdict is TestVerdict.INCONCLUSIVE
    assert "pyproject.toml" in report.why


def test_the_report_may_always_travel_and_the_artefacts_have_everything(world: World, fix: Fix) -> None:
    cases = [(f"tests.test_pricing.test_price[{number}{'x' * 3000}]", FAILED) for number in range(50)]
    report = run(world, fix, case_run(*cases), case_run(("a", PASSED)))
    report.to_xcom()
    assert report.verdict is TestVerdict.FAILED
    assert len(json.loads(world.artefacts.contents["tests.json"])["fix"]["cases"]) == 50
    assert world.artefacts.contents["junit-fix.xml"] == "<testsuite/>"


ONE_TEST = "tests.test_pricing.test_price"


class Workshop(FakeTestRunner):
    """Runs beside each other fail ``ONE_TEST``; in one process ``alone`` says how it ends on a commit."""

    def __init__(self, alone: dict[str, Outcome]) -> None:
        super().__init__()
        self.alone = alone
        self.asked: list[bool] = []

    def run(
        self, checkout: Path, tests: tuple[str, ...], *, time_limit: float | None = None, parallel: bool = False
    ) -> TestRun:
        super().run(checkout, tests)
        self.asked.append(parallel)
        outcome = FAILED if parallel else self.alone[self.calls[-1][0]]
        found = case_run((ONE_TEST, outcome), ("tests.test_pricing.test_other", PASSED))
        return found.model_copy(update={"parallel": parallel})


def test_what_fails_only_beside_other_tests_passes_and_is_listed(world: World, fix: Fix) -> None:
    world.runner = Workshop({fix.commit: PASSED, fix.base: PASSED})
    report = run(world, fix, None, None)
    assert report.verdict is TestVerdict.PASSED
    assert (report.only_in_parallel, report.flaky, report.passed) == ((ONE_TEST,), (), 2)
    assert "1 fail only beside other tests" in report.why
    assert any(ONE_TEST in line and "beside other tests" in line for line in untested(report))


def test_a_failure_of_production_that_exists_only_beside_other_tests_excuses_nothing(world: World, fix: Fix) -> None:
    world.runner = Workshop({fix.commit: FAILED, fix.base: PASSED})
    report = run(world, fix, None, None)
    assert report.verdict is TestVerdict.FAILED
    assert [case.id for case in report.broken] == [ONE_TEST]
    # The settled baseline is what the next candidate is compared with.
    world.runner = Workshop({fix.commit: FAILED, fix.base: FAILED})
    assert run(world, fix, None, None).verdict is TestVerdict.FAILED


def test_tests_that_are_known_to_be_quick_need_no_further_processes(world: World, fix: Fix) -> None:
    runner = world.runner = Workshop({fix.commit: PASSED, fix.base: PASSED})
    for seconds, expected in ((100.0, True), (0.2, False)):
        incident = world.bug_database.incident_of_run("run-1") or world.open()
        world.bug_database.remember_tests(incident, (), (), {"tests/test_pricing.py": seconds}, frozenset())
        runner.asked.clear()
        run(world, fix, None, None)
        assert runner.asked[0] is expected


def test_the_profile_may_ask_for_one_process(world: World, fix: Fix) -> None:
    tests = {"critical": ("tests/test_pricing.py",), "parallel": False}
    world.profile = a_profile(repository=world.history.url, tests=tests)
    runner = world.runner = Workshop({fix.commit: PASSED, fix.base: PASSED})
    assert run(world, fix, None, None).verdict is TestVerdict.PASSED
    assert set(runner.asked) == {False}


def test_selected_tests_without_a_result_are_owed(world: World) -> None:
    files = {"shop/pricing.py": GOOD_PRICING, "tests/test_tiers.py": TEST}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    report = run(world, a_fix(commit=commit, base=world.production), case_run((ONE_TEST, PASSED)), a_run())
    assert report.no_result == ("tests/test_tiers.py",)
    assert "of 1 there is no result" in report.why
    assert any(line.startswith("run tests/test_tiers.py") for line in untested(report))


def test_several_runs_are_one_document(world: World) -> None:
    """The critical tests run first and apart: whoever opens the artefact must be able to read it."""
    files = {"shop/pricing.py": GOOD_PRICING, "tests/test_tiers.py": TEST}
    commit = world.history.commit("Fix", files, branch="fix", parents=[world.production])
    shown = case_run((ONE_TEST, PASSED), ("tests.test_tiers.test_price", PASSED))
    shown = shown.model_copy(update={"junit": '<?xml version="1.0"?><testsuites><testsuite name="a"/></testsuites>'})
    run(world, a_fix(commit=commit, base=world.production), shown, shown)
    stored = ElementTree.fromstring(world.artefacts.contents["junit-fix.xml"])
    assert [suite.get("name") for suite in stored] == ["a", "a"]
