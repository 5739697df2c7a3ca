"""What fails beside other tests is asked again, and never guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hotfix.domain.testing import Outcome, TestCase, TestRun
from hotfix.ports.test_runner import PARALLEL_FAILURES
from hotfix.steps.settled_run import settled_run
from tests.contract.fakes.test_runner import FakeTestRunner

PASSED, FAILED, ERROR = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR
TREE = Path("/nowhere")


def a_run(outcomes: dict[str, Outcome], **fields: Any) -> TestRun:
    cases = tuple(TestCase(id=name, outcome=outcome, seconds=0.1) for name, outcome in outcomes.items())
    return TestRun(**{"cases": cases, "exit_code": 0, "seconds": 10, "output": "", **fields})


class Scripted(FakeTestRunner):
    """``beside`` is the parallel run; ``alone`` answers what is asked for in one process. ``asked`` keeps it."""

    def __init__(self, beside: TestRun, alone: Callable[[tuple[str, ...]], TestRun]) -> None:
        super().__init__()
        self._beside = beside.model_copy(update={"parallel": True})
        self._alone = alone
        self.asked: list[tuple[str, tuple[str, ...], float | None]] = []

    def run(
        self, checkout: Path, tests: tuple[str, ...], *, time_limit: float | None = None, parallel: bool = False
    ) -> TestRun:
        self.asked.append(("parallel" if parallel else "one", tests, time_limit))
        return self._beside if parallel else self._alone(tests)

    def rerun(
        self, checkout: Path, tests: tuple[str, ...], cases: tuple[str, ...], *, time_limit: float | None = None
    ) -> TestRun:
        self.asked.append(("again", cases, time_limit))
        return self._alone(cases)


def settle(runner: Scripted, *tests: str, limit: float = 100) -> TestRun:
    return settled_run(runner, TREE, tests, limit, lambda line: None)


def all_pass(names: tuple[str, ...]) -> TestRun:
    return a_run(dict.fromkeys(names, PASSED))


def test_what_passes_beside_other_tests_is_not_run_again() -> None:
    runner = Scripted(a_run({"a.x": PASSED, "b.y": PASSED}), all_pass)
    assert len(settle(runner, "a.py", "b.py").cases) == 2
    assert len(runner.asked) == 1


def test_exactly_what_failed_is_run_again_and_twice_where_it_passes() -> None:
    runner = Scripted(a_run({"a.x": FAILED, "a.z": PASSED, "b.y": PASSED}), all_pass)
    run = settle(runner, "a.py", "b.py")
    assert [case.outcome for case in run.cases].count(PASSED) == 3
    assert (run.only_in_parallel, run.exit_code, run.problem) == (("a.x",), 0, "")
    assert runner.asked[1:] == [("again", ("a.x",), 90), ("again", ("a.x",), 80)]


def test_a_test_without_a_result_is_run_in_one_process() -> None:
    runner = Scripted(a_run({"a.x": PASSED}), lambda names: a_run({"b.y": FAILED}, exit_code=1))
    run = settle(runner, "a.py", "b.py")
    assert {case.id: case.outcome for case in run.cases} == {"a.x": PASSED, "b.y": FAILED}
    assert runner.asked[1:] == [("one", ("b.py",), 90)]


def test_without_time_to_ask_again_nothing_is_said_of_what_failed() -> None:
    runner = Scripted(a_run({"a.x": FAILED, "b.y": PASSED}, seconds=99.5), all_pass)
    run = settle(runner, "a.py", "b.py")
    assert [case.id for case in run.cases] == ["b.y"]
    assert "a.x failed beside other tests, and there was no time" in run.problem


def test_a_run_that_broke_off_is_done_again_as_a_whole_or_is_no_result() -> None:
    broken = a_run({"a.x": PASSED, "b.y": FAILED}, problem="the tests did not end within 50 s", exit_code=None)
    runner = Scripted(broken, lambda names: a_run({"a.x": FAILED, "b.y": PASSED}))
    run = settle(runner, "a.py", "b.py")
    assert {case.id: case.outcome for case in run.cases} == {"a.x": FAILED, "b.y": PASSED}
    assert (run.problem, run.only_in_parallel) == ("", ("b.y",))
    late = settle(Scripted(broken.model_copy(update={"seconds": 100}), all_pass), "a.py", "b.py")
    assert "did not end within 50 s, and there was no time" in late.problem


def test_many_failures_are_the_companys_until_shown_otherwise() -> None:
    many = {f"a.x{n}": FAILED for n in range(PARALLEL_FAILURES + 1)}
    runner = Scripted(a_run(many, exit_code=1), lambda names: a_run(dict.fromkeys(many, PASSED)))
    run = settle(runner, "a.py")
    assert runner.asked[1:] == [("one", ("a.py",), 90)]
    assert set(run.only_in_parallel) == set(many)


def test_an_error_that_belongs_to_no_test_is_a_run_that_broke_off() -> None:
    """As when the workers do not collect the same tests."""
    runner = Scripted(a_run({"gw1": ERROR}, exit_code=1), lambda names: a_run({"a.x": PASSED}))
    run = settle(runner, "a.py")
    assert {case.id: case.outcome for case in run.cases} == {"a.x": PASSED}


def test_who_takes_the_process_along_hides_nobody() -> None:
    def alone(names: tuple[str, ...]) -> TestRun:
        gone = a_run({}, problem="the tests wrote no JUnit file (exit code 3)", exit_code=3)
        return gone if "a.killer" in names or "a.py" in names else all_pass(names)

    runner = Scripted(a_run({"a.killer": ERROR, "a.x": FAILED, "a.z": PASSED}, exit_code=1), alone)
    run = settle(runner, "a.py")
    assert {case.id: case.outcome for case in run.cases} == {"a.killer": ERROR, "a.x": PASSED, "a.z": PASSED}
    assert run.exit_code == 1
